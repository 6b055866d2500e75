package storage

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Entries of the directory, as the file says them. Checked are what they are
// by themselves and that columns name fields that exist.
type (
	fieldEntry struct {
		name, comment string
		tags          []string
		format        *dual.Format
		symbols       int
		keyOf         []string
		traits        byte
		arena         int
	}
	tableEntry struct {
		name, comment string
		tags          []string
		rows          int
		flags         byte
		columns       []columnEntry
	}
	columnEntry struct {
		field int
		width byte
		all   uint32
	}
)

// bytes returns the length of the codes of so many rows.
func (c *columnEntry) bytes(rows int) int64 {
	if c.width >= packedMin {
		return int64(simd.PackedLen(rows, int(c.width)))
	}
	return int64(c.width) * int64(rows)
}

// Least sizes of entries: what a declared number of them is checked against.
const (
	fieldEntryMin  = 4 + 4 + 4 + 1 + 4 + 4 + 1 + 4
	tableEntryMin  = 4 + 4 + 4 + 4 + 1 + 4
	columnEntryMin = 4 + 1 + 4
	stringMin      = 4
)

func parseDirectory(b []byte) ([]fieldEntry, []tableEntry, error) {
	d := &directoryCursor{buf: b}
	version := d.u32(math.MaxInt32, "version")
	if d.err == nil && (version < floatsVersion || version > directoryVersion) {
		d.fail("version", "%d, this program reads %d to %d", version, floatsVersion, directoryVersion)
	}
	d.floats, d.packs = version == floatsVersion, version > bytesVersion
	fields := make([]fieldEntry, d.count(fieldEntryMin, "number of fields"))
	for i := range fields {
		fields[i] = d.field(fmt.Sprintf("field %d", i))
	}
	tables := make([]tableEntry, d.count(tableEntryMin, "number of tables"))
	for i := range tables {
		tables[i] = d.table(fmt.Sprintf("table %d", i), len(fields))
	}
	if left := len(d.buf) - d.off; left > 0 {
		d.fail("end", "%d bytes behind the last table", left)
	}
	if d.err != nil {
		return nil, nil, d.err
	}
	return fields, tables, nil
}

// A directoryCursor reads little-endian values from untrusted bytes. Its first
// error stays: later reads return zero values.
type directoryCursor struct {
	buf []byte
	off int
	err error // nil or a *FormatError

	floats bool // all numbers are float64
	packs  bool // codes may be packed
}

func (d *directoryCursor) fail(what, format string, args ...any) {
	if d.err == nil {
		d.err = &FormatError{"directory", int64(d.off), fmt.Errorf(what+": "+format, args...)}
	}
}

// take returns the next n bytes, or nil after an error.
func (d *directoryCursor) take(n int, what string) []byte {
	if left := len(d.buf) - d.off; d.err == nil && n > left {
		d.fail(what, "need %d bytes, have %d", n, left)
	}
	if d.err != nil {
		return nil
	}
	b := d.buf[d.off : d.off+n]
	d.off += n
	return b
}

func (d *directoryCursor) u8(what string) byte {
	if b := d.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

// u32 reads a number that is at most limit.
func (d *directoryCursor) u32(limit int, what string) int {
	b := d.take(4, what)
	if b == nil {
		return 0
	}
	x := binary.LittleEndian.Uint32(b)
	if int64(x) > int64(limit) {
		d.off -= 4
		d.fail(what, "%d, more than %d", x, limit)
		return 0
	}
	return int(x)
}

// count reads a number of elements of at least minSize bytes each, which has
// to fit into the bytes that are left.
func (d *directoryCursor) count(minSize int, what string) int {
	return d.u32(max(0, len(d.buf)-d.off-4)/minSize, what)
}

func (d *directoryCursor) text(what string) string {
	return string(d.take(d.count(1, what), what))
}

func (d *directoryCursor) texts(what string) []string {
	n := d.count(stringMin, what)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.text(what)
	}
	return list
}

func (d *directoryCursor) field(what string) (f fieldEntry) {
	f.name = d.text("name of " + what)
	f.comment = d.text("comment of " + what)
	f.tags = d.texts("tags of " + what)
	f.format = d.format("format of " + what)
	f.keyOf = d.texts("key parts of " + what)
	f.symbols = d.u32(symbolsMax, "symbols of "+what)
	f.traits = d.u8("traits of " + what)
	f.arena = d.u32(arenaMax, "bytes of text of "+what)
	switch arrays := f.traits & (hasNums | hasTexts); {
	case f.traits>>formShift != 0 && (d.floats || f.traits&hasNums == 0):
		d.fail("traits of "+what, "unknown ones: %#x", f.traits)
	case (arrays != 0) != (f.symbols != 0):
		d.fail("traits of "+what, "arrays %#x with %d symbols", arrays, f.symbols)
	case f.traits&hasTexts == 0 && f.arena != 0:
		d.fail("traits of "+what, "%d bytes of text, but no texts", f.arena)
	}
	return f
}

func (d *directoryCursor) format(what string) *dual.Format {
	switch has := d.u8(what); has {
	case 0:
		return nil
	case 1:
	default:
		d.fail(what, "flag %d is neither 0 nor 1", has)
		return nil
	}
	f := &dual.Format{Type: dual.FormatType(d.u8(what))}
	if f.Type > dual.Interval {
		d.fail(what, "unknown type %d", f.Type)
	}
	f.Pattern, f.Decimal, f.Thousand = d.text(what), d.text(what), d.text(what)
	return f
}

func (d *directoryCursor) table(what string, fields int) (t tableEntry) {
	t.name = d.text("name of " + what)
	t.comment = d.text("comment of " + what)
	t.tags = d.texts("tags of " + what)
	t.rows = d.u32(RowsMax, "rows of "+what)
	if t.flags = d.u8("flags of " + what); t.flags&^(flagLoose|flagDistinct) != 0 {
		d.fail("flags of "+what, "unknown ones: %#x", t.flags)
	}
	t.columns = make([]columnEntry, d.count(columnEntryMin, "columns of "+what))
	used := make(map[int]bool, len(t.columns))
	for i := range t.columns {
		c := d.column("column of "+what, fields)
		if d.err == nil && used[c.field] {
			d.fail("columns of "+what, "field %d is there twice", c.field)
		}
		used[c.field] = true
		t.columns[i] = c
	}
	return t
}

func (d *directoryCursor) column(what string, fields int) (c columnEntry) {
	if fields == 0 {
		d.fail(what, "there is no field")
		return c
	}
	c.field = d.u32(fields-1, "field of "+what)
	c.width = d.u8("width of " + what)
	c.all = uint32(d.u32(symbolsMax, "code of "+what))
	switch w := int(c.width); {
	case w == 0 || w == 1 || w == 2 || w == 4:
	case d.packs && w >= packedMin && w <= simd.PackedBits:
	default:
		d.fail("width of "+what, "unknown: %d", w)
	}
	if c.width != 0 && c.all != 0 {
		d.fail("code of "+what, "%d with codes per row", c.all)
	}
	return c
}
