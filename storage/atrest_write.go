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
			if e := col.entry(); e.width > 0 {
				parts = append(parts, Part{columnStream(i, j), e.bytes(t.Rows), col.writeCodes})
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
	switch {
	case c.u8 != nil:
		_, err = w.Write(c.u8)
	case c.u16 != nil:
		_, err = w.Write(bytesOf(c.u16))
	case c.u32 != nil:
		_, err = w.Write(bytesOf(c.u32))
	default:
		_, err = w.Write(c.packed.Bytes())
	}
	return err
}

// entry returns the column's entry in the directory, its field left out.
func (c *Column) entry() (e columnEntry) {
	switch w := c.Bits(); {
	case w == 0:
		e.all = c.all
	case c.isPacked():
		e.width = byte(w)
	default:
		e.width = byte(w / 8)
	}
	return e
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
			e := col.entry()
			b = append(b, e.width)
			b = binary.LittleEndian.AppendUint32(b, e.all)
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
