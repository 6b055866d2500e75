package qvf

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// systemFields are the first fields of every file.
func systemFields() []string {
	return []string{"$Field", "$Table", "$Rows", "$Fields", "$FieldNo", "$Info"}
}

// Kinds of symbol tables that are written, beside kindBlock for empty ones.
const (
	kindText    = 1
	kindInts    = 2
	kindNumbers = 3
	kindMixed   = 5
)

// trailerBytes is the length of what stands behind a field's symbols.
const trailerBytes = 111

// data writes header, fields and tables.
func (c *compatWriter) data(catalog *storage.Catalog) error {
	names := systemFields()
	fields := make([]*storage.Field, len(names))
	for _, f := range catalog.Fields() {
		if i := slices.Index(names, f.Name); i >= 0 {
			fields[i] = f
			continue
		}
		names, fields = append(names, f.Name), append(fields, f)
	}
	numbers := make(map[*storage.Field]int, len(fields))
	for i, f := range fields {
		if f != nil {
			numbers[f] = i
		}
	}
	if err := c.dataHeader(names, len(catalog.Tables())); err != nil {
		return err
	}
	for i, f := range fields {
		content, err := c.field(catalog, f, i)
		if err != nil {
			return err
		}
		if err := c.raw(fieldStreamOf(i), typeField, content); err != nil {
			return err
		}
	}
	for i, t := range catalog.Tables() {
		if err := c.raw(tableStream+strconv.Itoa(i), typeTable, c.table(t, numbers)); err != nil {
			return err
		}
	}
	return nil
}

func (c *compatWriter) dataHeader(names []string, tables int) error {
	b := binary.LittleEndian.AppendUint32(appendStr(nil, "1.0"), 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(names)))
	for _, name := range names {
		b = appendStr(b, name)
	}
	return c.raw(streamData, typeData, binary.LittleEndian.AppendUint32(b, uint32(tables)))
}

// field returns the stream of field number i; nil is one without
// symbols.
func (c *compatWriter) field(catalog *storage.Catalog, f *storage.Field, i int) ([]byte, error) {
	if f == nil {
		f = &storage.Field{Symbols: &storage.Symbols{}}
	}
	block := make([]byte, 4, 64)
	block = binary.LittleEndian.AppendUint32(block, uint32(f.Symbols.Len()))
	var count symbolCount
	for code := 1; code <= f.Symbols.Len(); code++ {
		v := storedValue(catalog, f, uint32(code))
		count.add(v)
		block = appendSymbol(block, v)
	}
	if len(block) > blockMax {
		return nil, fmt.Errorf("qvf: field %s: %d bytes of symbols, limit is %d", f.Name, len(block), blockMax)
	}
	out := numberFormatOf(f.Format).append(nil)
	out = binary.LittleEndian.AppendUint32(out, 0)
	out = numberFormat{}.append(out)
	out = binary.LittleEndian.AppendUint32(out, 0)
	out = binary.LittleEndian.AppendUint32(out, count.kind())
	out = binary.LittleEndian.AppendUint32(out, 0)
	out = appendBlock(out, block, &c.z)
	return append(out, trailer(catalog, f, i, count)...), nil
}

// blockMax keeps the sizes of blocks inside 32 bits.
const blockMax = 1<<32 - 1

// storedValue returns the value of a code with the text that was left out
// because it is the number's default one.
func storedValue(catalog *storage.Catalog, f *storage.Field, code uint32) dual.Value {
	v := f.Symbols.Value(code)
	if v.Kind != dual.Num || !f.Symbols.Plain() || f.Format != nil {
		return v
	}
	if catalog.Show != nil {
		return dual.New(catalog.Show(v), v.Num)
	}
	return dual.New(strconv.FormatFloat(v.Num, 'f', -1, 64), v.Num)
}

// A symbolCount counts the symbols of a field by what they have.
type symbolCount struct{ all, text, num, pureText, pureInt, pureNum int }

func (s *symbolCount) add(v dual.Value) {
	s.all++
	if v.HasText() {
		s.text++
	}
	if v.HasNum() {
		s.num++
	}
	switch v.Kind {
	case dual.Text:
		s.pureText++
	case dual.Num:
		s.pureNum++
		if _, ok := int32Of(v.Num); ok {
			s.pureInt++
		}
	}
}

func (s *symbolCount) kind() uint32 {
	switch s.all {
	case 0:
		return kindBlock
	case s.pureText:
		return kindText
	case s.pureInt:
		return kindInts
	case s.pureNum:
		return kindNumbers
	}
	return kindMixed
}

// trailer returns what is known of the bytes behind the symbols.
func trailer(catalog *storage.Catalog, f *storage.Field, i int, n symbolCount) []byte {
	b := make([]byte, trailerBytes)
	tables := 0
	for _, t := range catalog.Tables() {
		if t.Column(f.Name) != nil {
			tables++
		}
	}
	for at, x := range map[int]int{28: i, 36: tables, 77: n.text, 81: n.num} {
		binary.LittleEndian.PutUint32(b[at:], uint32(x))
	}
	return b
}

// table returns the stream of a table.
func (c *compatWriter) table(t *storage.Table, numbers map[*storage.Field]int) []byte {
	u32 := binary.LittleEndian.AppendUint32
	b := appendStr(appendStr(nil, t.Name), "")
	b = append(b, make([]byte, 8)...)
	b = u32(u32(b, uint32(len(t.Columns))), uint32(t.Rows))
	b = append(u32(b, 1<<32-1), make([]byte, 8)...)
	packed := make([]packing, len(t.Columns))
	for i, col := range t.Columns {
		p := packingOf(col)
		packed[i] = p
		b = u32(u32(u32(u32(b, 0), uint32(numbers[col.Field])), uint32(int32(p.bias))), 0)
		b = append(u32(u32(b, 0xDEADBEEF), uint32(p.width)), 0, 0, 0)
	}
	mark := int32(columnsMark)
	b = u32(b, uint32(mark))
	for i, col := range t.Columns {
		if packed[i].width == 0 || t.Rows == 0 {
			continue
		}
		data := packed[i].pack(col)
		z := c.z.Append(nil, data)
		b = append(u32(u32(b, uint32(len(data))), uint32(len(z))), z...)
	}
	return b
}

// A packing is how the codes of a column become numbers of width bits:
// code - 1 - bias, or 0 for NULL, which bias -2 makes an index below 0.
type packing struct{ bias, width int }

const biasOfNulls = -2

func packingOf(col *storage.Column) packing {
	lo, hi, null := uint32(1<<32-1), uint32(0), false
	each := eachCodes
	if col.Bits() == 0 { // one code throughout, of any number of rows
		each = func(col *storage.Column, see func(int, []uint32)) {
			if col.Rows() > 0 {
				see(0, []uint32{col.Code(0)})
			}
		}
	}
	each(col, func(_ int, codes []uint32) {
		for _, c := range codes {
			null = null || c == 0
			if c != 0 {
				lo, hi = min(lo, c), max(hi, c)
			}
		}
	})
	switch {
	case hi == 0 && null:
		return packing{bias: biasOfNulls}
	case hi == 0:
		return packing{}
	case null:
		return packing{bias: biasOfNulls, width: bits.Len32(hi + 1)}
	case lo == hi:
		return packing{bias: int(lo - 1)}
	}
	return packing{width: bits.Len32(hi - 1)}
}

// pack returns the numbers, row 0 in the lowest bits, with room for a load of
// eight bytes at the last one's.
func (p packing) pack(col *storage.Column) []byte {
	data := make([]byte, (col.Rows()-1)*p.width>>3+8)
	eachCodes(col, func(lo int, codes []uint32) {
		for i, c := range codes {
			if c == 0 {
				continue
			}
			bit := (lo + i) * p.width
			word := data[bit>>3:]
			x := binary.LittleEndian.Uint64(word)
			binary.LittleEndian.PutUint64(word, x|uint64(int64(c)-1-int64(p.bias))<<(bit&7))
		}
	})
	return data
}

// eachCodes hands over a column's codes in batches.
func eachCodes(col *storage.Column, each func(lo int, codes []uint32)) {
	var batch [indexBatch]uint32
	for lo := 0; lo < col.Rows(); lo += indexBatch {
		part := batch[:min(indexBatch, col.Rows()-lo)]
		col.Codes(part, lo)
		each(lo, part)
	}
}
