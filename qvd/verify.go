package qvd

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/simd"
)

// A Report is what Verify found in a file that can be read.
type Report struct {
	Rows     int64
	Symbols  int64 // of all fields
	Nulls    []int64
	Warnings []Warning // in the order of the file's parts
}

// A Warning is something that no engine would write, but that can be read.
type Warning struct {
	Offset int64  // byte of the file, as in FormatError
	What   string // the part
	Text   string
}

func (w Warning) String() string { return fmt.Sprintf("byte %d: %s: %s", w.Offset, w.What, w.Text) }

// Verify reads all symbols and all records. The error is the first thing that
// is wrong; warnings are about what is only unusual.
func (f *File) Verify(ctx context.Context) (*Report, error) {
	if err := f.ready(); err != nil {
		return nil, err
	}
	h := f.header
	v := verifier{File: f, fields: make([]fieldReport, len(h.Fields))}
	r := &Report{Rows: h.Rows, Nulls: make([]int64, len(h.Fields)), Warnings: v.layout()}
	weight := func(i int) int64 { return h.Fields[i].Length }
	if err := eachField(ctx, f.workers, len(h.Fields), weight, v.symbols); err != nil {
		return nil, err
	}
	if err := f.eachBlock(ctx, f.workers, v.records); err != nil {
		return nil, err
	}
	for i := range v.fields {
		r.Symbols += h.Fields[i].Symbols
		r.Nulls[i] = v.finish(i)
		r.Warnings = append(r.Warnings, v.fields[i].warnings...)
	}
	return r, nil
}

type verifier struct {
	*File
	mu     sync.Mutex // guards seen and first of fields
	fields []fieldReport
}

type fieldReport struct {
	warnings []Warning
	counts   []int64 // rows of a stored number
}

// layout compares the header with the invariants of files that engines write.
func (v *verifier) layout() (warnings []Warning) {
	h := v.header
	warn := func(off int64, what, format string, args ...any) {
		warnings = append(warnings, Warning{off, what, fmt.Sprintf(format, args...)})
	}
	if _, err := time.Parse(timeLayout, h.CreateUTCTime); err != nil {
		warn(0, "header, CreateUtcTime", "%s is not like %s", quote(h.CreateUTCTime), quote(timeLayout))
	}
	at, bits := int64(0), int64(0)
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.Length > 0 && f.Offset != at {
			warn(h.SizeBytes+f.Offset, "symbols of "+quote(f.Name), "begin at %d of the body, not at %d, behind those before", f.Offset, at)
		}
		if f.Bias != 0 && f.Bias != -2 {
			warn(0, "header, field "+quote(f.Name), "Bias is %d, engines write 0 and -2", f.Bias)
		}
		at = f.Offset + f.Length
		bits += f.BitWidth
	}
	if h.Length > 0 && h.Offset != at {
		warn(h.SizeBytes+h.Offset, "records", "begin at %d of the body, not at %d, behind the symbols", h.Offset, at)
	}
	if len(h.Fields) > 0 && bits != 8*h.RecordBytes {
		warn(0, "header, RecordByteSize", "%d bits of a record of %d belong to no field", 8*h.RecordBytes-bits, 8*h.RecordBytes)
	}
	if end := max(at, h.Offset+h.Length); end < v.bodyLen {
		warn(h.SizeBytes+end, "end of file", "%d bytes follow that belong to nothing", v.bodyLen-end)
	}
	return warnings
}

// symbols checks the symbol table of a field.
func (v *verifier) symbols(i int) error {
	s, err := v.Symbols(i)
	if err != nil {
		return err
	}
	h := &v.header.Fields[i]
	r := &v.fields[i]
	r.counts = make([]int64, h.storedLen())
	numbers := make(map[float64]int)
	texts := make(map[string]int)
	for k := range s.Len() {
		warn := func(format string, args ...any) {
			at := v.header.SizeBytes + h.Offset + int64(s.at[k])
			r.warn(at, fmt.Sprintf("symbol %d of %s", k, quote(h.Name)), format, args...)
		}
		x, numeric := s.Number(k)
		text, _ := s.Text(k)
		before, again := 0, false
		switch {
		case numeric && math.IsNaN(x):
			warn("the number is NaN")
		case numeric:
			if math.IsInf(x, 0) || x == 0 && math.Signbit(x) {
				warn("the number is %v", x)
			}
			before, again = numbers[x]
			numbers[x] = k
		default:
			before, again = texts[text]
			texts[text] = k
		}
		if again {
			warn("is the same value as symbol %d", before)
		}
		if !utf8.ValidString(text) {
			warn("the text is not UTF-8")
		}
	}
	return nil
}

// warningsMax bounds the warnings of a field: the first ones tell enough.
const warningsMax = 100

func (r *fieldReport) warn(at int64, what, format string, args ...any) {
	switch n := len(r.warnings); {
	case n < warningsMax:
		r.warnings = append(r.warnings, Warning{at, what, fmt.Sprintf(format, args...)})
	case n == warningsMax:
		r.warnings = append(r.warnings, Warning{at, what, "and more"})
	}
}

// records checks that every stored number of a block leads somewhere, and
// counts them.
func (v *verifier) records(lo int64, n int, records []byte) error {
	stored := make([]uint32, n)
	for i := range v.fields {
		counts := v.fields[i].counts
		simd.Unpack(stored, records, v.bits(i))
		for r, s := range stored {
			if int64(s) >= int64(len(counts)) {
				return v.badIndex(i, lo+int64(r), s)
			}
		}
		v.mu.Lock()
		for _, s := range stored {
			counts[s]++
		}
		v.mu.Unlock()
	}
	return nil
}

// finish adds the warnings that need all records and returns the number of
// NULLs.
func (v *verifier) finish(i int) (nulls int64) {
	h := &v.header.Fields[i]
	r := &v.fields[i]
	at := v.header.SizeBytes + h.Offset
	unused := int64(0)
	for s, n := range r.counts {
		switch k := int64(s) + h.Bias; {
		case k < 0 || k >= h.Symbols:
			nulls += n
			if n > 0 && k == -1 {
				r.warn(at, "field "+quote(h.Name), "%d rows have the index -1 for NULL, engines write -2", n)
			}
		case n == 0:
			unused++
		}
	}
	if missing := h.Symbols - int64(len(r.counts)) - h.Bias; missing > 0 {
		unused += missing
	}
	if unused > 0 {
		r.warn(at, "symbols of "+quote(h.Name), "%d of %d are in no row", unused, h.Symbols)
	}
	if h.Bias < 0 && nulls == 0 && v.header.Rows > 0 {
		r.warn(at, "field "+quote(h.Name), "Bias is %d without a NULL", h.Bias)
	}
	return nulls
}
