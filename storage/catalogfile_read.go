package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/cognate-bi/cognate/storage/dual"
)

// ReadOptions say how a catalog is read. The zero value is useful.
type ReadOptions struct {
	Show func(dual.Value) string // as in [Catalog]
	// BytesMax bounds the memory of the catalog, in bytes: what the file
	// unpacks to and a bit for every row. 0 = no limit but the file's own
	// size, of which one byte can stand for 32768.
	BytesMax int64
}

// ReadCatalog reads what [WriteCatalog] wrote, to its last byte. The bytes are
// not trusted: whatever they are, the result is a catalog that keeps all its
// promises, or a [FormatError].
//
// The catalog is not sealed, as the caller may have something to add; of a
// catalog written and read [Catalog.Seal] drops nothing.
func ReadCatalog(r io.Reader, o ReadOptions) (*Catalog, error) {
	dec, err := newDecoder()
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	defer dec.Close()
	if o.BytesMax <= 0 {
		o.BytesMax = math.MaxInt64
	}
	f := &catalogReader{r: r, dec: dec, budget: o.BytesMax, block: "header"}
	c := NewCatalog(o.Show)
	if err := f.catalog(c); err != nil {
		return nil, err
	}
	return c, nil
}

// A catalogReader reads sections.
type catalogReader struct {
	r      io.Reader
	dec    *zstd.Decoder
	off    int64  // of the file
	block  string // what is being read, for errors
	budget int64  // bytes that may still be unpacked
	stored []byte
	raw    []byte
}

func (f *catalogReader) catalog(c *Catalog) error {
	if err := f.header(); err != nil {
		return err
	}
	fields, tables, err := f.directory()
	if err != nil {
		return err
	}
	for i := range fields {
		if err := f.field(c, &fields[i]); err != nil {
			return err
		}
	}
	for i := range tables {
		if err := f.table(c, &tables[i]); err != nil {
			return err
		}
	}
	return f.end()
}

func (f *catalogReader) header() error {
	b, err := f.take(len(catalogMagic)+4, nil)
	if err != nil {
		return err
	}
	if got := b[:len(catalogMagic)]; string(got) != catalogMagic {
		return f.fail("starts with %q, not with %q", got, catalogMagic)
	}
	if v := binary.LittleEndian.Uint32(b[len(catalogMagic):]); v != catalogVersion {
		return f.fail("version %d, this program reads %d", v, catalogVersion)
	}
	return nil
}

func (f *catalogReader) directory() ([]fieldEntry, []tableEntry, error) {
	f.block = "directory"
	declared, err := f.sectionBytes()
	if err != nil {
		return nil, nil, err
	}
	if declared > math.MaxUint32 {
		return nil, nil, f.fail("%d bytes declared", declared)
	}
	b, err := readChunks[uint8](f, int(declared))
	if err != nil {
		return nil, nil, err
	}
	return parseDirectory(b)
}

func (f *catalogReader) end() error {
	f.block = "end"
	var one [1]byte
	switch n, err := io.ReadFull(f.r, one[:]); {
	case n > 0:
		return f.fail("bytes behind the last section")
	case errors.Is(err, io.EOF):
		return nil
	default:
		return f.failWith(err)
	}
}

func (f *catalogReader) field(c *Catalog, e *fieldEntry) error {
	if c.fields[e.name] != nil {
		return f.fail("field %q is there twice", e.name)
	}
	s, name := &Symbols{n: e.symbols}, strconv.Quote(e.name)
	var err error
	if e.arrays&hasNums != 0 {
		f.block = "numbers of " + name
		if s.nums, err = readArray[float64](f, e.symbols); err != nil {
			return err
		}
		s.nums = append([]float64{math.NaN()}, s.nums...)
	}
	if e.arrays&hasTexts != 0 {
		f.block = "ends of texts of " + name
		if s.ends, err = readArray[uint32](f, e.symbols); err != nil {
			return err
		}
		f.block = "text flags of " + name
		if s.texted, err = readArray[uint64](f, (e.symbols+63)/64); err != nil {
			return err
		}
		f.block = "texts of " + name
		if s.arena, err = readArray[uint8](f, e.arena); err != nil {
			return err
		}
	}
	f.block = "symbols of " + name
	if err := s.verify(); err != nil {
		return f.failWith(err)
	}
	field := c.FieldOf(e.name)
	field.Symbols, field.Format, field.Comment, field.Tags, field.Parts = s, e.format, e.comment, e.tags, e.keyOf
	return nil
}

func (f *catalogReader) table(c *Catalog, e *tableEntry) error {
	f.block = "table " + strconv.Quote(e.name)
	if c.Table(e.name) != nil {
		return f.fail("there twice")
	}
	if err := f.spend(int64(e.rows)/8 + 1); err != nil {
		return err
	}
	t := &Table{Name: e.name, Comment: e.comment, Tags: e.tags, Rows: e.rows, Loose: e.flags&flagLoose != 0, Distinct: e.flags&flagDistinct != 0}
	for _, ce := range e.columns {
		col, err := f.column(t, c.order[ce.field], ce) // the field's number was checked
		if err != nil {
			return err
		}
		t.Columns = append(t.Columns, col)
	}
	c.tables = append(c.tables, t)
	return nil
}

func (f *catalogReader) column(t *Table, field *Field, e columnEntry) (*Column, error) {
	f.block = fmt.Sprintf("codes of %q in table %q", field.Name, t.Name)
	c := &Column{Field: field, rows: t.Rows, all: e.all}
	top, err := e.all, error(nil)
	switch e.width {
	case 1:
		c.u8, err = readArray[uint8](f, t.Rows)
		top = highest(c.u8)
	case 2:
		c.u16, err = readArray[uint16](f, t.Rows)
		top = highest(c.u16)
	case 4:
		c.u32, err = readArray[uint32](f, t.Rows)
		top = highest(c.u32)
	}
	if err != nil {
		return nil, err
	}
	if int(top) > field.Symbols.n {
		return nil, f.fail("code %d of %d symbols", top, field.Symbols.n)
	}
	return c, nil
}

func highest[T uint8 | uint16 | uint32](codes []T) (top uint32) {
	for _, c := range codes {
		top = max(top, uint32(c))
	}
	return top
}

// readArray reads a section of n numbers.
func readArray[T number](f *catalogReader, n int) ([]T, error) {
	declared, err := f.sectionBytes()
	if err != nil {
		return nil, err
	}
	if want := uint64(n) * uint64(sizeOf[T]()); declared != want {
		return nil, f.fail("section of %d bytes, want %d", declared, want)
	}
	return readChunks[T](f, n)
}

// readChunks reads the chunks of a section of n numbers. Memory is taken as
// they come, at most twice what they have proved to be there.
func readChunks[T number](f *catalogReader, n int) ([]T, error) {
	size := sizeOf[T]()
	if err := f.spend(int64(n) * int64(size)); err != nil {
		return nil, err
	}
	out := make([]T, 0, min(n, chunkBytes/size))
	for len(out) < n {
		k := min(n-len(out), chunkBytes/size)
		raw, err := f.chunk(k * size)
		if err != nil {
			return nil, err
		}
		if cap(out)-len(out) < k {
			out = append(make([]T, 0, min(n, 2*cap(out))), out...)
		}
		lo := len(out)
		out = out[:lo+k]
		if _, err := binary.Decode(raw, binary.LittleEndian, out[lo:]); err != nil {
			return nil, f.failWith(err)
		}
	}
	return out, nil
}

// sectionBytes reads the head of a section.
func (f *catalogReader) sectionBytes() (uint64, error) {
	b, err := f.take(8, nil)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// chunk returns the next chunk, which has to unpack to n bytes. It is valid
// until the next call.
func (f *catalogReader) chunk(n int) ([]byte, error) {
	header, err := f.take(chunkHeaderBytes, nil)
	if err != nil {
		return nil, err
	}
	stored, sum := binary.LittleEndian.Uint32(header), binary.LittleEndian.Uint64(header[4:])
	if stored > chunkStoredMax {
		return nil, f.fail("chunk of %d bytes, more than %d", stored, chunkStoredMax)
	}
	at := f.off
	if f.stored, err = f.take(int(stored), f.stored); err != nil {
		return nil, err
	}
	if got := xxhash.Sum64(f.stored); got != sum {
		return nil, &FormatError{f.block, at, fmt.Errorf("checksum of %d bytes is %016x, want %016x", stored, got, sum)}
	}
	if cap(f.raw) < n {
		f.raw = make([]byte, 0, n)
	}
	raw, err := f.dec.DecodeAll(f.stored, f.raw[:0:n])
	if err != nil {
		return nil, &FormatError{f.block, at, err}
	}
	if len(raw) != n {
		return nil, &FormatError{f.block, at, fmt.Errorf("unpacks to %d bytes, want %d", len(raw), n)}
	}
	return raw, nil
}

// take reads n bytes into buf, which it replaces when it is too small.
func (f *catalogReader) take(n int, buf []byte) ([]byte, error) {
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	got, err := io.ReadFull(f.r, buf)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, f.failWith(fmt.Errorf("need %d bytes, have %d: %w", n, got, io.ErrUnexpectedEOF))
	case err != nil:
		return nil, f.failWith(err)
	}
	f.off += int64(n)
	return buf, nil
}

func (f *catalogReader) spend(n int64) error {
	if n > f.budget {
		return f.fail("%d bytes more than the limit leaves, which is %d", n-f.budget, f.budget)
	}
	f.budget -= n
	return nil
}

func (f *catalogReader) fail(format string, args ...any) error {
	return f.failWith(fmt.Errorf(format, args...))
}

func (f *catalogReader) failWith(err error) error { return &FormatError{f.block, f.off, err} }
