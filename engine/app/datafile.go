package app

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/cespare/xxhash/v2"

	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// The data of an app lie in one file, all numbers little-endian, counts and
// lengths as uvarints, texts as length and bytes:
//
//	"COGDATA" 1
//	fields:  count, then per field: name, comment, tags, format,
//	         values: count, then per value: kind (1 byte), number (8 bytes if
//	         it has one), text (if it has one)
//	tables:  count, then per table: name, comment, tags, flags (1 loose,
//	         2 distinct), rows, columns: count, then per column: field number,
//	         width 1, 2 or 4, and the codes of all rows
//	xxhash64 of everything before
//
// Synthetic keys are not in it: linking makes them again.
const (
	dataFile     = "data.bin"
	dataMagic    = "COGDATA\x01"
	flagLoose    = 1
	flagDistinct = 2
)

// errData says that a data file is damaged.
var errData = errors.New("damaged data file")

// appendData writes the data of a model.
func (d *Data) appendData(dst []byte) []byte {
	dst = append(dst, dataMagic...)
	number := map[*model.Field]int{}
	var fields []*model.Field
	for _, f := range d.Model.Fields {
		if !model.IsSynthetic(f.Name) {
			number[f] = len(fields)
			fields = append(fields, f)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(fields)))
	for _, f := range fields {
		dst = appendField(dst, f.Field)
	}
	var tables []*model.Table
	for _, t := range d.Model.Tables {
		if !t.Synthetic {
			tables = append(tables, t)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(tables)))
	for _, t := range tables {
		dst = d.appendTable(dst, t, number)
	}
	return binary.LittleEndian.AppendUint64(dst, xxhash.Sum64(dst))
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendTexts(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = appendText(dst, s)
	}
	return dst
}

func appendFormat(dst []byte, f *dual.Format) []byte {
	if f == nil {
		return append(dst, 0)
	}
	dst = append(dst, 1, byte(f.Type))
	return appendText(appendText(appendText(dst, f.Pattern), f.Decimal), f.Thousand)
}

func appendField(dst []byte, f *storage.Field) []byte {
	dst = appendTexts(appendText(appendText(dst, f.Name), f.Comment), f.Tags)
	dst = appendFormat(dst, f.Format)
	n := f.Symbols.Len()
	dst = binary.AppendUvarint(dst, uint64(n))
	for code := 1; code <= n; code++ {
		v := f.Symbols.Value(uint32(code))
		dst = append(dst, byte(v.Kind))
		if v.HasNum() {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Num))
		}
		if v.HasText() {
			dst = appendText(dst, v.Text)
		}
	}
	return dst
}

// codeBatch is how many codes are handled at a time.
const codeBatch = 1 << 16

func (d *Data) appendTable(dst []byte, t *model.Table, number map[*model.Field]int) []byte {
	flags := byte(0)
	if t.Table.Loose {
		flags |= flagLoose
	}
	if t.Distinct {
		flags |= flagDistinct
	}
	dst = append(appendTexts(appendText(appendText(dst, t.Name), t.Comment), t.Table.Tags), flags)
	dst = binary.AppendUvarint(dst, uint64(t.Rows))
	columns := d.Columns(t, false)
	dst = binary.AppendUvarint(dst, uint64(len(columns)))
	codes := make([]uint32, codeBatch)
	for i := range columns {
		width := widthOf(columns[i].Field.Symbols.Len())
		dst = append(binary.AppendUvarint(dst, uint64(number[columns[i].Field])), byte(width))
		for lo := 0; lo < t.Rows; lo += codeBatch {
			part := codes[:min(codeBatch, t.Rows-lo)]
			columns[i].Codes(part, lo)
			dst = appendCodes(dst, part, width)
		}
	}
	return dst
}

func widthOf(symbols int) int {
	switch {
	case symbols < 1<<8:
		return 1
	case symbols < 1<<16:
		return 2
	}
	return 4
}

func appendCodes(dst []byte, codes []uint32, width int) []byte {
	for _, c := range codes {
		switch width {
		case 1:
			dst = append(dst, byte(c))
		case 2:
			dst = binary.LittleEndian.AppendUint16(dst, uint16(c))
		default:
			dst = binary.LittleEndian.AppendUint32(dst, c)
		}
	}
	return dst
}

// A cursor reads a data file. Its first error stays: later reads return zero
// values.
type cursor struct {
	buf []byte
	off int
	err error
}

func (c *cursor) fail(what string) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: byte %d: %s", errData, c.off, what)
	}
}

func (c *cursor) take(n int, what string) []byte {
	if c.err == nil && (n < 0 || n > len(c.buf)-c.off) {
		c.fail(fmt.Sprintf("%s: %d bytes wanted, %d left", what, n, len(c.buf)-c.off))
	}
	if c.err != nil {
		return nil
	}
	b := c.buf[c.off : c.off+n]
	c.off += n
	return b
}

func (c *cursor) byte(what string) byte {
	if b := c.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

// count reads a number of things of at least size bytes each.
func (c *cursor) count(size int, what string) int {
	if c.err != nil {
		return 0
	}
	x, n := binary.Uvarint(c.buf[c.off:])
	if n <= 0 || size > 0 && x > uint64((len(c.buf)-c.off)/size) || x > math.MaxInt32 {
		c.fail(fmt.Sprintf("%d %s declared", x, what))
		return 0
	}
	c.off += n
	return int(x)
}

func (c *cursor) text(what string) string { return string(c.take(c.count(1, what), what)) }

func (c *cursor) texts(what string) (out []string) {
	for range c.count(1, what) {
		out = append(out, c.text(what))
	}
	return out
}

func (c *cursor) format() *dual.Format {
	if c.byte("format") == 0 {
		return nil
	}
	t := dual.FormatType(c.byte("format type"))
	if t > dual.Interval {
		c.fail("unknown format")
	}
	return &dual.Format{Type: t, Pattern: c.text("pattern"), Decimal: c.text("decimal"), Thousand: c.text("thousand")}
}

// readData makes a catalog of what appendData wrote.
func readData(buf []byte, show func(dual.Value) string) (*storage.Catalog, error) {
	if len(buf) < len(dataMagic)+8 || string(buf[:len(dataMagic)]) != dataMagic {
		return nil, fmt.Errorf("%w: no such format", errData)
	}
	body := buf[:len(buf)-8]
	if xxhash.Sum64(body) != binary.LittleEndian.Uint64(buf[len(body):]) {
		return nil, fmt.Errorf("%w: the checksum differs", errData)
	}
	c := &cursor{buf: body, off: len(dataMagic)}
	cat := storage.NewCatalog(show)
	var fields []*storage.Field
	for range c.count(1, "fields") {
		f := c.field(cat)
		fields = append(fields, f)
	}
	for range c.count(1, "tables") {
		if t := c.table(fields); c.err == nil {
			cat.Put(t)
		}
	}
	if c.err == nil && c.off != len(body) {
		c.fail("bytes after the end")
	}
	if c.err != nil {
		return nil, c.err
	}
	return cat, nil
}

func (c *cursor) field(cat *storage.Catalog) *storage.Field {
	f := cat.FieldOf(c.text("field name"))
	f.Comment, f.Tags = c.text("comment"), c.texts("tags")
	f.Format = c.format()
	for i := range c.count(1, "values") {
		code, err := f.Symbols.Code(c.value())
		if err != nil || c.err == nil && int(code) != i+1 {
			c.fail("value " + f.Name + " is there twice")
		}
		if c.err != nil {
			break
		}
	}
	return f
}

func (c *cursor) value() dual.Value {
	kind := dual.Kind(c.byte("kind"))
	if kind == dual.Null || kind > dual.Both {
		c.fail("unknown kind of value")
		return dual.Value{}
	}
	v := dual.Value{Kind: kind}
	if v.HasNum() {
		if b := c.take(8, "number"); b != nil {
			v.Num = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		if math.IsNaN(v.Num) {
			c.fail("a number that is none")
		}
	}
	if v.HasText() {
		v.Text = c.text("text")
	}
	return v
}

func (c *cursor) table(fields []*storage.Field) *storage.Table {
	t := &storage.Table{Name: c.text("table name"), Comment: c.text("comment"), Tags: c.texts("tags")}
	flags := c.byte("flags")
	t.Loose, t.Distinct = flags&flagLoose != 0, flags&flagDistinct != 0
	t.Rows = c.count(0, "rows")
	for range c.count(1, "columns") {
		n, width := c.count(0, "field number"), int(c.byte("width"))
		if c.err == nil && (n >= len(fields) || width != 1 && width != 2 && width != 4) {
			c.fail("column of an unknown field or width")
		}
		raw := c.take(t.Rows*width, "codes")
		if c.err != nil {
			return nil
		}
		codes, ok := readCodes(raw, width, uint32(fields[n].Symbols.Len()))
		if !ok {
			c.fail("code without value in " + fields[n].Name)
			return nil
		}
		t.Columns = append(t.Columns, storage.NewColumn(fields[n], codes))
	}
	return t
}

// readCodes unpacks codes; ok = false if one is larger than limit.
func readCodes(raw []byte, width int, limit uint32) (codes []uint32, ok bool) {
	codes = make([]uint32, len(raw)/width)
	highest := uint32(0)
	for i := range codes {
		switch width {
		case 1:
			codes[i] = uint32(raw[i])
		case 2:
			codes[i] = uint32(binary.LittleEndian.Uint16(raw[2*i:]))
		default:
			codes[i] = binary.LittleEndian.Uint32(raw[4*i:])
		}
		highest = max(highest, codes[i])
	}
	return codes, highest <= limit
}

// writeData writes the data file beside the document.
func (a *App) writeData(dir string) error {
	return writeFile(filepath.Join(dir, dataFile), a.Data().appendData(nil))
}

// readData loads the data file, if there is one.
func (a *App) readData(dir string) error {
	buf, err := os.ReadFile(filepath.Join(dir, dataFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	loc := a.locale()
	cat, err := readData(buf, loc.Text)
	if err != nil {
		return err
	}
	m, err := model.Build(cat, a.lib.versions.Add(1))
	if err != nil {
		return fmt.Errorf("link tables: %w", err)
	}
	d, err := newData(m, loc)
	if err != nil {
		return err
	}
	a.data.Store(d)
	return nil
}

// locale returns the settings that the script's variables hold.
func (a *App) locale() *number.Locale {
	l := number.Default()
	for _, it := range a.Items.All(object.Variable) {
		l, _ = l.With(it.Name(), it.Props.Get("qDefinition").Str())
	}
	return l
}
