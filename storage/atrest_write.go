package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A Part is a stream of a catalog at rest.
type Part struct {
	Stream string // its name, see atrest.go
	Bytes  int64
	write  func(io.Writer) error
}

// WriteTo writes the stream.
func (p *Part) WriteTo(w io.Writer) (int64, error) { return p.Bytes, p.write(w) }

// AtRest returns the directory and the streams of a sealed catalog for
// [Restore]. Streams may be written while others read the catalog.
func (c *Catalog) AtRest() (directory []byte, parts []Part, err error) {
	if !c.sealed {
		return nil, nil, errors.New("catalog at rest: not sealed")
	}
	for _, f := range c.order {
		f.Symbols.ready()
	}
	directory, err = appendDirectory(binary.LittleEndian.AppendUint32(nil, directoryVersion), c)
	if err != nil {
		return nil, nil, fmt.Errorf("catalog at rest: %w", err)
	}
	for i, f := range c.order {
		if s := f.Symbols; s.n > 0 {
			parts = append(parts, Part{fieldStream(i), layoutOf(s.n, s.arrays(), len(s.arena)).arena, s.writeArrays})
		}
	}
	for i, t := range c.tables {
		for j, col := range t.Columns {
			if w := col.Width(); w > 0 {
				parts = append(parts, Part{columnStream(i, j), int64(w) * int64(t.Rows), col.writeCodes})
			}
		}
	}
	if err := c.Damage(); err != nil { // what is damaged would be saved as NULL
		return nil, nil, fmt.Errorf("catalog at rest: %w", err)
	}
	return directory, parts, nil
}

// arrays returns which arrays the symbols have, and in which form, as traits.
func (s *Symbols) arrays() byte {
	return flagIf(s.numbered(), hasNums) | flagIf(s.ends != nil, hasTexts) | byte(s.packed.form())<<formShift
}

func (s *Symbols) writeArrays(w io.Writer) error {
	nums := bytesOf(s.nums)
	if s.packed.any() {
		nums = s.packed.bytes()
	}
	at := int64(0)
	for _, b := range [][]byte{nums, bytesOf(s.ends), bytesOf(s.texted), s.arena} {
		if len(b) == 0 {
			continue
		}
		if _, err := w.Write(make([]byte, aligned(at)-at)); err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		at = aligned(at) + int64(len(b))
	}
	return nil
}

func (c *Column) writeCodes(w io.Writer) (err error) {
	switch c.Width() {
	case 1:
		_, err = w.Write(c.u8)
	case 2:
		_, err = w.Write(bytesOf(c.u16))
	default:
		_, err = w.Write(bytesOf(c.u32))
	}
	return err
}

func appendDirectory(b []byte, c *Catalog) ([]byte, error) {
	number := make(map[*Field]uint32, len(c.order))
	b = appendCount(b, len(c.order))
	for i, f := range c.order {
		number[f] = uint32(i)
		b = appendField(b, f)
	}
	b = appendCount(b, len(c.tables))
	for _, t := range c.tables {
		b = appendString(b, t.Name)
		b = appendString(b, t.Comment)
		b = appendStrings(b, t.Tags)
		b = appendCount(b, t.Rows)
		b = append(b, flagIf(t.Loose, flagLoose)|flagIf(t.Distinct, flagDistinct))
		b = appendCount(b, len(t.Columns))
		for _, col := range t.Columns {
			n, ok := number[col.Field]
			if !ok || col.Rows() != t.Rows {
				return nil, fmt.Errorf("table %s: column %s has another field or %d rows of %d", t.Name, col.Field.Name, col.Rows(), t.Rows)
			}
			b = binary.LittleEndian.AppendUint32(b, n)
			b = append(b, byte(col.Width()))
			b = binary.LittleEndian.AppendUint32(b, col.all*uint32(flagIf(col.Width() == 0, 1)))
		}
	}
	if len(b) > math.MaxUint32 {
		return nil, fmt.Errorf("names and comments of %d bytes", len(b))
	}
	return b, nil
}

func appendField(b []byte, f *Field) []byte {
	b = appendString(b, f.Name)
	b = appendString(b, f.Comment)
	b = appendStrings(b, f.Tags)
	b = appendFormat(b, f.Format)
	b = appendStrings(b, f.Parts)
	s := f.Symbols
	t := s.Traits()
	b = appendCount(b, s.n)
	b = append(b, s.arrays()|flagIf(s.plain, isPlain)|t.flags())
	return appendCount(b, len(s.arena))
}

func appendFormat(b []byte, f *dual.Format) []byte {
	if f == nil {
		return append(b, 0)
	}
	b = append(b, 1, byte(f.Type))
	b = appendString(b, f.Pattern)
	b = appendString(b, f.Decimal)
	return appendString(b, f.Thousand)
}

func appendCount(b []byte, n int) []byte { return binary.LittleEndian.AppendUint32(b, uint32(n)) }

func appendString(b []byte, s string) []byte { return append(appendCount(b, len(s)), s...) }

func appendStrings(b []byte, list []string) []byte {
	b = appendCount(b, len(list))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

func flagIf(on bool, flag byte) byte {
	if on {
		return flag
	}
	return 0
}
