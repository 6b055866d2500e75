package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/cognate-bi/cognate/storage/dual"
)

// WriteCatalog writes a sealed catalog in the form that [ReadCatalog] reads.
// It may run while others read the catalog.
func WriteCatalog(w io.Writer, c *Catalog) error {
	if !c.sealed {
		return errors.New("write catalog: not sealed")
	}
	enc, err := newEncoder()
	if err != nil {
		return fmt.Errorf("write catalog: %w", err)
	}
	defer enc.Close()
	directory, err := appendDirectory(nil, c)
	if err != nil {
		return fmt.Errorf("write catalog: %w", err)
	}
	f := &catalogWriter{w: w, enc: enc}
	f.write(binary.LittleEndian.AppendUint32([]byte(catalogMagic), catalogVersion))
	writeArray(f, directory)
	for _, field := range c.order {
		f.symbols(field.Symbols)
	}
	for _, t := range c.tables {
		for _, col := range t.Columns {
			f.codes(col)
		}
	}
	if f.err != nil {
		return fmt.Errorf("write catalog: %w", f.err)
	}
	return nil
}

// A catalogWriter writes sections. Its first error stays and ends all
// writing.
type catalogWriter struct {
	w   io.Writer
	enc *zstd.Encoder
	raw []byte // of the chunk
	out []byte // its header and compressed form
	err error
}

func (f *catalogWriter) write(b []byte) {
	if f.err == nil {
		_, f.err = f.w.Write(b)
	}
}

func (f *catalogWriter) symbols(s *Symbols) {
	if s.nums != nil {
		writeArray(f, s.nums[1:])
	}
	if s.ends != nil {
		writeArray(f, s.ends)
		writeArray(f, s.texted)
		writeArray(f, s.arena)
	}
}

func (f *catalogWriter) codes(c *Column) {
	switch c.Width() {
	case 1:
		writeArray(f, c.u8)
	case 2:
		writeArray(f, c.u16)
	case 4:
		writeArray(f, c.u32)
	}
}

func writeArray[T number](f *catalogWriter, x []T) {
	size := sizeOf[T]()
	f.write(binary.LittleEndian.AppendUint64(nil, uint64(len(x)*size)))
	for part := range slices.Chunk(x, chunkBytes/size) {
		f.raw, _ = binary.Append(f.raw[:0], binary.LittleEndian, part) // numbers always have a binary form
		f.chunk(f.raw)
	}
}

func (f *catalogWriter) chunk(raw []byte) {
	var header [chunkHeaderBytes]byte
	f.out = f.enc.EncodeAll(raw, append(f.out[:0], header[:]...))
	stored := f.out[chunkHeaderBytes:]
	binary.LittleEndian.PutUint32(f.out, uint32(len(stored)))
	binary.LittleEndian.PutUint64(f.out[4:], xxhash.Sum64(stored))
	f.write(f.out)
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
	b = appendCount(b, s.n)
	b = append(b, flagIf(s.nums != nil, hasNums)|flagIf(s.ends != nil, hasTexts))
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
