package qvf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Kinds of symbol tables. Those that are not named here (1 text, 2 integers,
// 3 numbers, 4, 5 mixed) are a summary of a block of symbols.
const (
	kindBlock = 0 // or, of 4 bytes, the number of values of a synthetic key
	kindPlain = 6 // i32 after i32, not compressed
	kindRange = 7 // base, base+1 ...
)

// Type bytes of symbols.
const (
	symInt      = 1
	symNum      = 2
	symText     = 4
	symIntText  = 5
	symNumText  = 6
	symBytesMin = 2 // the least symbol: a type byte and an empty text
)

// chunkBytes is what one zlib stream of a block holds, the last one less.
const chunkBytes = 1 << 18

// symbolBatch is how many symbols are handed over at once: all of them but for
// large fields. A field drops default texts unless a number without a text is
// among the symbols, which it sees in what it is handed over at once: fields
// that have both come as a whole, whatever their size.
const (
	symbolBatch = 1 << 18
	valueBytes  = 40 // of a dual.Value
)

// A fieldReader reads the stream of a field:
//
//	NumberFormat, u32 0, NumberFormat, u32 0, u32 kind, i32 base, payload, trailer
type fieldReader struct {
	d      *Data
	field  int
	c      *cursor      // at the payload
	format *dual.Format // of the numbers without text
	kind   uint32
	base   int32
}

func (d *Data) openField(field int) (*fieldReader, error) {
	stream := fieldStreamOf(field)
	raw, err := d.c.Read(stream)
	if err != nil {
		return nil, err
	}
	c := d.cursor(stream, "", raw)
	f := &fieldReader{d: d, field: field, c: c}
	f.format = c.numberFormat().format()
	c.zero("first reserved")
	c.numberFormat()
	c.zero("second reserved")
	f.kind, f.base = c.u32("kind"), c.i32("base")
	if f.kind > kindRange {
		c.fail("kind", "%d: encrypted or unknown", f.kind)
	}
	return f, c.err
}

// symbols hands the symbols over in batches, in their order.
func (f *fieldReader) symbols(each func([]dual.Value) error) error {
	if f.kind == kindPlain {
		return f.plain(each)
	}
	block, err := f.d.inflateBlock(f.c)
	if err != nil {
		return err
	}
	c := f.d.cursor(f.c.stream, "symbols", block)
	if f.kind == kindRange || f.kind == kindBlock && len(block) == 4 {
		return f.counted(c, each)
	}
	return f.listed(c, each)
}

// zero reads what is 0 in every real file; other values mean that the stream
// is not what it seems.
func (c *cursor) zero(field string) {
	if x := c.u32(field); c.err == nil && x != 0 {
		c.fail(field, "%d, want 0: encrypted or unknown", x)
	}
}

// inflateBlock reads: u32 total, u32 chunk size, then u32 z and z bytes of zlib
// until total bytes are there.
func (d *Data) inflateBlock(c *cursor) ([]byte, error) {
	total := int64(c.u32("block size"))
	if size := c.u32("chunk size"); c.err == nil && size != chunkBytes {
		c.fail("chunk size", "%d, want %d", size, chunkBytes)
	}
	if c.err == nil {
		if err := d.budget.take(total); err != nil {
			c.fail("block size", "%w", err)
		}
	}
	var block []byte
	for c.err == nil && int64(len(block)) < total {
		at := c.off
		packed := c.take(int(c.u32("zlib size")), "zlib stream")
		if c.err != nil {
			break
		}
		var err error
		if block, err = container.Inflate(block, packed, min(total-int64(len(block)), chunkBytes)); err != nil {
			c.off = at
			c.fail("chunk", "%w", err)
		}
	}
	return block, c.err
}

// plain reads: u32 0, u32 n, n i32.
func (f *fieldReader) plain(each func([]dual.Value) error) error {
	c := f.c
	c.zero("symbols")
	n := c.count(int(c.u32("number of symbols")), 4, "symbols")
	batch := make([]dual.Value, 0, min(n, symbolBatch))
	for i := range n {
		batch = append(batch, dual.Number(float64(c.i32("symbol"))))
		if len(batch) == symbolBatch || i == n-1 {
			if err := each(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return c.err
}

// counted hands over base, base+1 ... A range takes four bytes in the file, so
// its number of values is held against the rows that can have them.
func (f *fieldReader) counted(c *cursor, each func([]dual.Value) error) error {
	n := int64(c.u32("number of values"))
	if rows := min(int64(f.d.rowsOf(f.field)), storage.RowsMax); c.err == nil && n > rows {
		c.fail("number of values", "%d for %d rows", n, rows)
	}
	if c.err == nil {
		if err := f.d.budget.take(n * symbolBytes); err != nil {
			c.fail("number of values", "%w", err)
		}
	}
	if c.err != nil {
		return c.err
	}
	batch := make([]dual.Value, 0, min(n, symbolBatch))
	for lo := int64(0); lo < n; lo += symbolBatch {
		batch = batch[:0]
		for i := lo; i < min(n, lo+symbolBatch); i++ {
			batch = append(batch, dual.Number(float64(int64(f.base)+i)))
		}
		if err := each(batch); err != nil {
			return err
		}
	}
	return nil
}

// symbolBytes is about what a number takes in a symbol table that is being
// filled: the number itself and its place in the index.
const symbolBytes = 8 + 3*8

// listed reads: u32 0, u32 n, n symbols, which fill the block.
func (f *fieldReader) listed(c *cursor, each func([]dual.Value) error) error {
	c.zero("begin")
	n := c.count(int(c.u32("number of symbols")), symBytesMin, "symbols")
	if err := f.d.budget.take(int64(n) * symbolBytes); c.err == nil && err != nil {
		c.fail("number of symbols", "%w", err)
	}
	size := min(n, symbolBatch)
	if size < n && c.mixed(n) {
		if size = n; f.d.budget.take(int64(n)*valueBytes) != nil {
			c.fail("number of symbols", "%d values with and without texts are too many for a file of this size", n)
			return c.err
		}
	}
	batch := make([]dual.Value, 0, size)
	for i := 0; i < n && c.err == nil; i++ {
		batch = append(batch, c.symbol(i))
		if c.err == nil && (len(batch) == size || i == n-1) {
			if err := each(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if c.err == nil && c.left() > 0 {
		c.fail("symbols", "%d bytes are left over", c.left())
	}
	return c.err
}

// mixed looks ahead whether there are both numbers with a text and numbers
// without one among the next n symbols.
func (c *cursor) mixed(n int) bool {
	ahead := *c
	var with, without bool
	for i := 0; i < n && ahead.err == nil && !(with && without); i++ {
		t := ahead.u8("type of symbol")
		if t >= symText {
			ahead.textBytes("symbol")
		}
		switch t {
		case symInt, symIntText:
			ahead.take(4, "symbol")
		case symNum, symNumText:
			ahead.take(8, "symbol")
		}
		without = without || t == symInt || t == symNum
		with = with || t == symIntText || t == symNumText
	}
	return with && without
}

// symbol reads: u8 type, text if it has one, number if it has one.
func (c *cursor) symbol(i int) dual.Value {
	start := c.off
	switch t := c.u8("type of symbol"); t {
	case symInt:
		return dual.Number(float64(c.i32("symbol")))
	case symNum:
		return dual.Number(c.f64("symbol"))
	case symText:
		return dual.String(c.text("symbol"))
	case symIntText:
		text := c.text("symbol")
		return dual.New(text, float64(c.i32("symbol")))
	case symNumText:
		text := c.text("symbol")
		return dual.New(text, c.f64("symbol"))
	default:
		c.off = start
		c.fail(fmt.Sprintf("symbol %d", i), "type %d", t)
		return dual.Value{}
	}
}

// appendSymbol writes what symbol reads.
func appendSymbol(dst []byte, v dual.Value) []byte {
	i, whole := int32Of(v.Float())
	kind, text := byte(symText), v.HasText()
	switch {
	case whole && text:
		kind = symIntText
	case whole:
		kind = symInt
	case v.HasNum() && text:
		kind = symNumText
	case v.HasNum():
		kind = symNum
	}
	dst = append(dst, kind)
	if text {
		dst = appendText(dst, v.Text)
	}
	switch {
	case whole:
		dst = binary.LittleEndian.AppendUint32(dst, uint32(i))
	case v.HasNum():
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Num))
	}
	return dst
}

// int32Of returns a number as 32-bit integer, if it is one.
func int32Of(x float64) (int32, bool) {
	if !(math.Abs(x) <= math.MaxInt32) || x != math.Trunc(x) { // NaN, too
		return 0, false
	}
	return int32(x), true
}

// appendBlock writes what inflateBlock reads.
func appendBlock(dst, block []byte, z *container.Deflater) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(block)))
	dst = binary.LittleEndian.AppendUint32(dst, chunkBytes)
	r := bytes.NewBuffer(block)
	for r.Len() > 0 {
		packed := z.Append(nil, r.Next(chunkBytes))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(packed)))
		dst = append(dst, packed...)
	}
	return dst
}
