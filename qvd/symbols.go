package qvd

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

// Types of symbols: the first byte of an entry.
const (
	TypeInt        = 1 // number, int32
	TypeDouble     = 2 // number
	TypeText       = 4 // text
	TypeIntText    = 5 // number, int32, and text
	TypeDoubleText = 6 // number and text
)

// symbolShape says what follows a type byte.
type symbolShape struct {
	known  bool
	number int // bytes
	text   bool
}

// shapeOf returns the shape of a type; known is false for what is none.
func shapeOf(t byte) symbolShape {
	switch t {
	case TypeInt:
		return symbolShape{true, 4, false}
	case TypeDouble:
		return symbolShape{true, 8, false}
	case TypeText:
		return symbolShape{true, 0, true}
	case TypeIntText:
		return symbolShape{true, 4, true}
	case TypeDoubleText:
		return symbolShape{true, 8, true}
	}
	return symbolShape{}
}

// Symbols is the symbol table of a field as it stands in the file: types,
// numbers and texts are given back as they are. It does not change; texts
// share its memory.
//
// Memory: the bytes of the table and four bytes per symbol.
type Symbols struct {
	raw string
	at  []uint32 // where entry i begins
}

// Len returns the number of symbols.
func (s *Symbols) Len() int { return len(s.at) }

// Type returns the type byte of symbol i, TypeInt to TypeDoubleText.
func (s *Symbols) Type(i int) byte { return s.raw[s.at[i]] }

// Number returns the number of symbol i, which can be NaN or -0, and whether
// it has one.
func (s *Symbols) Number(i int) (x float64, ok bool) {
	at := int(s.at[i])
	switch s.raw[at] {
	case TypeInt, TypeIntText:
		return float64(int32(le32(s.raw[at+1 : at+5]))), true
	case TypeDouble, TypeDoubleText:
		b := s.raw[at+1 : at+9]
		return math.Float64frombits(uint64(le32(b[:4])) | uint64(le32(b[4:]))<<32), true
	}
	return 0, false
}

func le32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// Text returns the text of symbol i and whether it has one.
func (s *Symbols) Text(i int) (text string, ok bool) {
	shape := shapeOf(s.Type(i))
	if !shape.text {
		return "", false
	}
	end := len(s.raw)
	if i+1 < len(s.at) {
		end = int(s.at[i+1])
	}
	return s.raw[int(s.at[i])+1+shape.number : end-1], true
}

// Value returns symbol i as a value of the model: NaN is no number there.
func (s *Symbols) Value(i int) dual.Value {
	x, numeric := s.Number(i)
	text, texted := s.Text(i)
	switch {
	case numeric && texted:
		return dual.New(text, x)
	case numeric:
		return dual.Number(x)
	}
	return dual.String(text)
}

// values returns all symbols; numbers without text have the format f.
func (s *Symbols) values(f *dual.Format) []dual.Value {
	vals := make([]dual.Value, s.Len())
	for i := range vals {
		vals[i] = s.Value(i)
		if vals[i].Kind == dual.Num {
			vals[i].Format = f
		}
	}
	return vals
}

// A symbolError is what is wrong with an entry.
type symbolError struct {
	at  int // byte of the table
	i   int // number of the entry
	err error
}

// parseSymbols finds the n entries of a table, which fill it. n is at most
// half the bytes.
func parseSymbols(raw string, n int) (*Symbols, *symbolError) {
	s, end, bad := scanSymbols(raw, n)
	if bad == nil && end != len(raw) {
		return nil, &symbolError{end, n, fmt.Errorf("%d bytes are left behind the last of %d symbols", len(raw)-end, n)}
	}
	return s, bad
}

// scanSymbols finds the first n entries of a table and where they end.
func scanSymbols(raw string, n int) (s *Symbols, end int, bad *symbolError) {
	s = &Symbols{raw: raw, at: make([]uint32, n)}
	off := 0
	for i := range s.at {
		if off >= len(raw) {
			return nil, 0, &symbolError{off, i, fmt.Errorf("need %d bytes, have 0", symbolBytesMin)}
		}
		s.at[i] = uint32(off)
		shape := shapeOf(raw[off])
		if !shape.known {
			return nil, 0, &symbolError{off, i, fmt.Errorf("type byte 0x%02x is not known", raw[off])}
		}
		end := off + 1 + shape.number
		if end > len(raw) {
			return nil, 0, &symbolError{off, i, fmt.Errorf("need %d bytes, have %d", shape.number, len(raw)-off-1)}
		}
		if shape.text {
			k := strings.IndexByte(raw[end:], 0)
			if k < 0 {
				return nil, 0, &symbolError{end, i, fmt.Errorf("no NUL ends the text in the %d bytes left", len(raw)-end)}
			}
			end += k + 1
		}
		off = end
	}
	s.raw = raw[:off]
	return s, off, nil
}

// Symbols reads the symbol table of field i of the header.
func (f *File) Symbols(i int) (*Symbols, error) {
	if err := f.ready(); err != nil {
		return nil, err
	}
	h := &f.header.Fields[i]
	raw, err := f.symbolBytes(i, h.Length)
	if err != nil {
		return nil, err
	}
	s, bad := parseSymbols(raw, int(h.Symbols))
	if bad != nil {
		return nil, f.badSymbol(i, bad)
	}
	return s, nil
}

// symbolBytes reads the first size bytes of the symbol table of field i.
func (f *File) symbolBytes(i int, size int64) (string, error) {
	h := &f.header.Fields[i]
	var raw strings.Builder
	raw.Grow(int(size))
	if n, err := io.Copy(&raw, io.NewSectionReader(f.body, h.Offset, size)); err != nil || n < size {
		return "", f.errorAt(h.Offset+n, "symbols of "+quote(h.Name), readError(err))
	}
	return raw.String(), nil
}

// badSymbol is the error of an entry of field i.
func (f *File) badSymbol(i int, bad *symbolError) error {
	h := &f.header.Fields[i]
	return f.errorAt(h.Offset+int64(bad.at), fmt.Sprintf("symbol %d of %s", bad.i, quote(h.Name)), bad.err)
}
