package qvd

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A Header is the XML in front of the data. Texts that only inform are kept
// as they stand.
type Header struct {
	BuildNo             string // QvBuildNo of the writing engine
	CreatorDoc          string // path or id of the document that stored the file; may be personal
	CreateUTCTime       string // "2006-01-02 15:04:05"
	SourceCreateUTCTime string
	SourceFileUTCTime   string
	SourceFileSize      string
	StaleUTCTime        string
	TableName           string
	Fields              []Field
	Compression         string // always empty
	RecordBytes         int64  // RecordByteSize
	Rows                int64  // NoOfRecords
	Offset, Length      int64  // of the records in the body, in bytes
	Lineage             []Lineage
	Comment             string
	EncryptionInfo      string // not empty: the body is encrypted
	TableTags           []string

	// SizeBytes is the length of the header with its final NUL: where the body
	// begins.
	SizeBytes int64
}

// A Field describes one column.
type Field struct {
	Name         string
	BitOffset    int64 // first bit in a record
	BitWidth     int64 // bits; 0 = every row has stored number 0
	Bias         int64 // added to the stored number; negative sums are NULL
	NumberFormat NumberFormat
	Symbols      int64 // NoOfSymbols
	Offset       int64 // of the symbol table in the body, in bytes
	Length       int64 // of the symbol table, in bytes
	Comment      string
	Tags         []string
}

// A NumberFormat says how numbers without a text of their own are shown. It
// never changes how bytes are decoded.
type NumberFormat struct {
	Type     string // UNKNOWN, ASCII, INTEGER, REAL, FIX, MONEY, DATE, TIME, TIMESTAMP, INTERVAL; "0" in old files
	Decimals string // nDec
	UseThou  string
	Pattern  string // Fmt
	Decimal  string // Dec
	Thousand string // Thou
}

// Lineage is one source that the table was made of. Statements and connection
// strings can be confidential.
type Lineage struct {
	Discriminator string
	Statement     string
}

// Field returns the number of the named field, -1 if there is none.
func (h *Header) Field(name string) int {
	return slices.IndexFunc(h.Fields, func(f Field) bool { return f.Name == name })
}

// formatTypes are the names of dual.FormatType in files.
var formatTypes = [...]string{
	dual.Unknown: "UNKNOWN", dual.ASCII: "ASCII", dual.Integer: "INTEGER", dual.Real: "REAL", dual.Fix: "FIX",
	dual.Money: "MONEY", dual.Date: "DATE", dual.Time: "TIME", dual.Timestamp: "TIMESTAMP", dual.Interval: "INTERVAL",
}

// Format returns what the format is in the model, nil for the default.
func (n *NumberFormat) Format() *dual.Format {
	t := dual.FormatType(max(0, slices.Index(formatTypes[:], n.Type)))
	if t == dual.Unknown || t == dual.ASCII {
		return nil
	}
	return &dual.Format{Type: t, Pattern: n.Pattern, Decimal: n.Decimal, Thousand: n.Thousand}
}

// realPattern is what the format "general number" carries.
const realPattern = "##############"

// numberFormatOf is the reverse of [NumberFormat.Format].
func numberFormatOf(f *dual.Format) NumberFormat {
	n := NumberFormat{Type: formatTypes[dual.Unknown], Decimals: "0", UseThou: "0"}
	if f == nil || int(f.Type) >= len(formatTypes) {
		return n
	}
	n.Type, n.Pattern, n.Decimal, n.Thousand = formatTypes[f.Type], f.Pattern, f.Decimal, f.Thousand
	switch {
	case f.Type == dual.Real && f.Pattern == realPattern:
		n.Decimals, n.UseThou = "14", "1"
	case f.Type == dual.Fix && f.Pattern == "":
		n.Decimals = "2"
	case f.Type == dual.Fix:
		point := orElse(f.Decimal, ".")
		if _, digits, ok := strings.Cut(f.Pattern, point); ok {
			n.Decimals = fmt.Sprint(len(digits) - len(strings.TrimLeft(digits, "0#")))
		}
	}
	return n
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

const (
	// widthMax is the largest BitWidth: codes have 32 bits.
	widthMax = 32
	// biasMin bounds the stored numbers that mean NULL. Writers use 0 and -2.
	biasMin = -1024
	// recordBytesMax bounds RecordByteSize far above any table of sense, so
	// that a block of records has a bounded size.
	recordBytesMax = 1 << 20
	// symbolBytesMin is the size of the least symbol: a type byte and the end
	// of an empty text.
	symbolBytesMin = 2
	// symbolBytesMax keeps positions in a symbol table inside 32 bits.
	symbolBytesMax = math.MaxUint32
)

// An extent is a part of the body.
type extent struct {
	what       string
	at         int64 // of the header, for messages
	lo, length int64
}

// check tells whether the numbers of the header fit each other and a body of
// the given size (format reference, section 6). The error is a *FormatError
// without file name.
func (h *Header) check(at *positions, bodyLen int64) error {
	if h.Compression != "" {
		return at.root("Compression", "%s is not known", quote(h.Compression))
	}
	if err := h.checkRecords(at); err != nil {
		return err
	}
	extents := []extent{{"records", at.rootAt["Offset"], h.Offset, h.Length}}
	for i := range h.Fields {
		f := &h.Fields[i]
		if err := h.checkField(at, i); err != nil {
			return err
		}
		extents = append(extents, extent{"symbols of " + quote(f.Name), at.fields[i], f.Offset, f.Length})
	}
	if err := h.checkNames(at); err != nil {
		return err
	}
	if err := h.checkBits(at); err != nil {
		return err
	}
	return checkExtents(extents, bodyLen)
}

func (h *Header) checkRecords(at *positions) error {
	switch {
	case h.RecordBytes > recordBytesMax:
		return at.root("RecordByteSize", "%d is more than %d", h.RecordBytes, recordBytesMax)
	case h.RecordBytes == 0 && h.Rows > 0:
		return at.root("RecordByteSize", "0 with %d records", h.Rows)
	case len(h.Fields) == 0 && h.Rows > 0:
		return at.root("Fields", "none with %d records", h.Rows)
	case h.RecordBytes > 0 && h.Rows > math.MaxInt64/h.RecordBytes || h.Rows*h.RecordBytes != h.Length:
		return at.root("Length", "%d bytes for %d records of %d bytes", h.Length, h.Rows, h.RecordBytes)
	}
	return nil
}

func (h *Header) checkField(at *positions, i int) error {
	f := &h.Fields[i]
	switch {
	case f.BitWidth > widthMax:
		return at.field(h, i, "BitWidth", "%d is more than %d", f.BitWidth, widthMax)
	case f.BitOffset > 8*h.RecordBytes-f.BitWidth && f.BitWidth > 0:
		return at.field(h, i, "BitOffset", "bits %d to %d of a record of %d", f.BitOffset, f.BitOffset+f.BitWidth, 8*h.RecordBytes)
	case f.Bias > 0 || f.Bias < biasMin:
		return at.field(h, i, "Bias", "%d is not within %d and 0", f.Bias, biasMin)
	case f.Symbols > f.Length/symbolBytesMin:
		return at.field(h, i, "NoOfSymbols", "%d declared, room for %d in %d bytes", f.Symbols, f.Length/symbolBytesMin, f.Length)
	case f.Symbols == 0 && f.Length > 0:
		return at.field(h, i, "NoOfSymbols", "0 in %d bytes", f.Length)
	case f.Length > symbolBytesMax:
		return at.field(h, i, "Length", "%d bytes of symbols, at most %d can be read", f.Length, int64(symbolBytesMax))
	}
	return nil
}

func (h *Header) checkNames(at *positions) error {
	seen := make(map[string]int, len(h.Fields))
	for i := range h.Fields {
		name := h.Fields[i].Name
		if first, ok := seen[name]; ok {
			return at.field(h, i, "FieldName", "field %d has the same name", first)
		}
		seen[name] = i
	}
	return nil
}

// checkBits tells whether two fields share a bit.
func (h *Header) checkBits(at *positions) error {
	order := h.bitOrder()
	for k := 1; k < len(order); k++ {
		a, b := &h.Fields[order[k-1]], &h.Fields[order[k]]
		if a.BitOffset+a.BitWidth > b.BitOffset {
			return at.field(h, order[k], "BitOffset", "bit %d is also one of field %s", b.BitOffset, quote(a.Name))
		}
	}
	return nil
}

// bitOrder returns the fields that have bits, by their place in the record.
func (h *Header) bitOrder() (order []int) {
	for i := range h.Fields {
		if h.Fields[i].BitWidth > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return int(h.Fields[a].BitOffset - h.Fields[b].BitOffset) })
	return order
}

// checkExtents tells whether parts of the body lie inside it and apart from
// each other: tables that overlap would be read once for each field.
func checkExtents(parts []extent, bodyLen int64) error {
	for _, p := range parts {
		if p.lo > bodyLen || p.length > bodyLen-p.lo {
			return &FormatError{Offset: p.at, What: p.what, Err: fmt.Errorf("%d bytes at %d of a body of %d", p.length, p.lo, bodyLen)}
		}
	}
	parts = slices.DeleteFunc(parts, func(p extent) bool { return p.length == 0 })
	slices.SortStableFunc(parts, func(a, b extent) int { return cmp.Compare(a.lo, b.lo) })
	for k := 1; k < len(parts); k++ {
		if a, b := parts[k-1], parts[k]; a.lo+a.length > b.lo {
			return &FormatError{Offset: b.at, What: b.what, Err: fmt.Errorf("begin at %d of the body, inside the %s (%d to %d)", b.lo, a.what, a.lo, a.lo+a.length)}
		}
	}
	return nil
}
