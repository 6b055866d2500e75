package qvd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/dual"
	"github.com/cognate-bi/cognate/storage/safefile"
)

// WriteOptions say what a file tells besides its data. The zero value is
// enough; the same table and options give the same bytes.
type WriteOptions struct {
	// Show makes the text of numbers whose text was not kept, as it is what
	// they are shown as by default; nil writes them with 15 digits.
	Show func(dual.Value) string
	// Created is the time in the header; the zero time gives 1970-01-01.
	Created time.Time
	// BuildNo is the engine build that the file claims; "" = a current one.
	BuildNo    string
	CreatorDoc string
	// TableName and Comment replace those of the table where they are not "".
	TableName, Comment string
	Lineage            []Lineage
	// SourceFileSize is what a buffer tells of the file that it stands in for,
	// in bytes; 0 = nothing.
	SourceFileSize int64
	// Recipients, where there are any, are who can read the file: its body is
	// sealed for them. The header stays readable by all; it then tells neither
	// lineage nor comments unless LineageInClear is set. What sealing draws at
	// random differs each time.
	Recipients     []*crypt.Recipient
	LineageInClear bool
	// Workers bounds the goroutines; 0 = all processors.
	Workers int
}

// buildNo is the engine build that wrote the newest files known.
const buildNo = "50689"

// timeLayout is how a header tells a time, in UTC.
const timeLayout = "2006-01-02 15:04:05"

// WriteFile makes the file path hold the table, see [Write]. Readers see the
// old file or the whole new one.
func WriteFile(ctx context.Context, path string, t *storage.Table, o WriteOptions) error {
	return safefile.Write(path, func(w io.Writer) error { return Write(ctx, w, t, o) })
}

// Write writes a table as a QVD: symbols in the order of the first rows that
// have them and only such, every field as narrow as its symbols allow, no bit
// unused.
//
// It streams: besides the table it needs the map from codes to stored numbers
// and a few blocks of records. It fails, before anything is written, on a text
// with the character U+0000 and on names that XML cannot carry.
func Write(ctx context.Context, w io.Writer, t *storage.Table, o WriteOptions) error {
	out, err := newWriter(ctx, t, &o)
	if err == nil {
		err = out.write(ctx, w)
	}
	if err != nil {
		return fmt.Errorf("qvd: write table %s: %w", quote(t.Name), err)
	}
	return nil
}

// A writer holds what is known of a table once its columns have been looked
// at.
type writer struct {
	table   *storage.Table
	o       *WriteOptions
	header  Header
	columns []outColumn
	workers int
}

// An outColumn is a column on its way into a file.
type outColumn struct {
	col    *storage.Column
	order  []uint32 // codes of the symbols as they are written
	stored []uint32 // stored number of a code
	nulls  bool
	plain  bool // numbers without text get their default text
	length int64
	tags   []string
}

func newWriter(ctx context.Context, t *storage.Table, o *WriteOptions) (*writer, error) {
	if len(t.Columns) == 0 && t.Rows > 0 {
		return nil, fmt.Errorf("%d rows without fields", t.Rows)
	}
	if o.Show == nil {
		o.Show = digits
	}
	w := &writer{table: t, o: o, columns: make([]outColumn, len(t.Columns)), workers: o.Workers}
	if w.workers <= 0 {
		w.workers = runtime.GOMAXPROCS(0)
	}
	weight := func(i int) int64 { return int64(t.Columns[i].Field.Symbols.Len()) }
	err := eachField(ctx, w.workers, len(t.Columns), weight, func(i int) error {
		w.columns[i].col = t.Columns[i]
		if err := w.columns[i].look(o.Show); err != nil {
			return fmt.Errorf("field %s: %w", quote(t.Columns[i].Field.Name), err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return w, w.describe()
}

// look finds the symbols of a column and how large they are.
func (c *outColumn) look(show func(dual.Value) string) error {
	f := c.col.Field
	c.plain = f.Symbols.Plain() && f.Format == nil
	c.number()
	var buf []byte
	kinds := newKinds(f)
	for _, code := range c.order {
		var err error
		if buf, err = c.appendSymbol(buf[:0], code, show); err != nil {
			return err
		}
		c.length += int64(len(buf))
		kinds.add(f.Symbols, code)
	}
	c.tags = kinds.tags()
	if c.length > symbolBytesMax {
		return fmt.Errorf("%d bytes of symbols, at most %d can be written", c.length, int64(symbolBytesMax))
	}
	return nil
}

// number gives stored numbers to the codes of the column, in the order of
// their first rows. Numbers that QVD does not know, pure NaN and infinity, are
// NULL.
func (c *outColumn) number() {
	s := c.col.Field.Symbols
	f := firstRows{seen: make([]uint8, s.Len()+1), open: s.Len() + 1}
	f.find(c.col)
	for _, code := range f.order {
		if code == 0 || math.IsInf(s.Number(code), 0) && !s.HasText(code) {
			c.nulls = true
		} else {
			c.order = append(c.order, code)
		}
	}
	c.stored = make([]uint32, s.Len()+1)
	bias := c.bias()
	for k, code := range c.order {
		c.stored[code] = uint32(k - bias)
	}
}

type firstRows struct {
	seen  []uint8
	open  int // codes not seen
	order []uint32
}

// find lists the codes of a column until all are seen.
func (f *firstRows) find(col *storage.Column) {
	var block [1 << 12]uint32
	for lo := 0; lo < col.Rows() && f.open > 0; lo += len(block) {
		codes := block[:min(len(block), col.Rows()-lo)]
		col.Codes(codes, lo)
		for _, code := range codes {
			if f.seen[code] == 0 {
				f.seen[code] = 1
				f.open--
				f.order = append(f.order, code)
			}
		}
	}
}

func (c *outColumn) bias() int {
	if c.nulls {
		return -2
	}
	return 0
}

// width returns the bits that the largest stored number needs.
func (c *outColumn) width() int64 {
	return int64(bits.Len32(uint32(max(0, len(c.order)-1-c.bias()))))
}

var errNUL = errors.New("a text has the character U+0000, which ends texts in a QVD")

// appendSymbol appends the entry of a code.
func (c *outColumn) appendSymbol(dst []byte, code uint32, show func(dual.Value) string) ([]byte, error) {
	f := c.col.Field
	x, text, texted := f.Symbols.Number(code), f.Symbols.Text(code), f.Symbols.HasText(code)
	if !texted && c.plain {
		if isInt(x) { // as storage has it, without a string for each
			dst = binary.LittleEndian.AppendUint32(append(dst, TypeIntText), uint32(int32(x)))
			return append(strconv.AppendInt(dst, int64(x), 10), 0), nil
		}
		text, texted = f.Stored(code, show).Text, true
	}
	if strings.IndexByte(text, 0) >= 0 {
		return dst, fmt.Errorf("%s: %w", quote(text), errNUL)
	}
	return appendEntry(dst, x, text, texted), nil
}

func isInt(x float64) bool { return x >= math.MinInt32 && x <= math.MaxInt32 && x == math.Trunc(x) }

// appendEntry appends a symbol; x is NaN for pure text.
func appendEntry(dst []byte, x float64, text string, texted bool) []byte {
	whole := isInt(x)
	switch {
	case math.IsNaN(x):
		dst = append(dst, TypeText)
	case whole && texted:
		dst = binary.LittleEndian.AppendUint32(append(dst, TypeIntText), uint32(int32(x)))
	case whole:
		return binary.LittleEndian.AppendUint32(append(dst, TypeInt), uint32(int32(x)))
	case texted:
		dst = binary.LittleEndian.AppendUint64(append(dst, TypeDoubleText), math.Float64bits(x))
	default:
		return binary.LittleEndian.AppendUint64(append(dst, TypeDouble), math.Float64bits(x))
	}
	return append(append(dst, text...), 0)
}

// digits is how numbers are shown where nobody says it.
func digits(v dual.Value) string { return strconv.FormatFloat(v.Num, 'g', 15, 64) }

// describe makes the header.
func (w *writer) describe() error {
	created := w.o.Created
	if created.IsZero() {
		created = time.Unix(0, 0)
	}
	w.header = Header{
		BuildNo: orElse(w.o.BuildNo, buildNo), CreatorDoc: w.o.CreatorDoc, CreateUTCTime: created.UTC().Format(timeLayout),
		SourceFileSize: "-1",
		TableName:      orElse(w.o.TableName, w.table.Name), Comment: orElse(w.o.Comment, w.table.Comment),
		TableTags: w.table.Tags, Lineage: w.o.Lineage, Rows: int64(w.table.Rows),
	}
	if w.o.SourceFileSize > 0 {
		w.header.SourceFileSize = strconv.FormatInt(w.o.SourceFileSize, 10)
	}
	h := &w.header
	discreet := len(w.o.Recipients) > 0 && !w.o.LineageInClear
	if discreet {
		h.Lineage, h.Comment = nil, ""
	}
	for i := range w.columns {
		c := &w.columns[i]
		f := c.col.Field
		h.Fields = append(h.Fields, Field{
			Name: f.Name, BitWidth: c.width(), Bias: int64(c.bias()), NumberFormat: numberFormatOf(f.Format),
			Symbols: int64(len(c.order)), Offset: h.Offset, Length: c.length, Comment: f.Comment, Tags: c.tags,
		})
		if discreet {
			h.Fields[i].Comment = ""
		}
		h.Offset += c.length
	}
	if h.Rows == 0 {
		for i := range h.Fields {
			h.Fields[i].BitWidth = 0
		}
	}
	h.layOut()
	h.Length = h.Rows * h.RecordBytes
	return h.checkNames(&positions{fields: make([]int64, len(h.Fields))})
}

// layOut places the fields in the record, given their widths: one behind the
// other, each inside the four bytes that begin at its first one. Where that
// needs a gap, and at the end of the record, the field in front is widened,
// as engines do it: the widths add up to the record.
func (h *Header) layOut() {
	at, last := int64(0), -1
	widen := func() {
		if pad := -at & 7; pad > 0 {
			h.Fields[last].BitWidth += pad
			at += pad
		}
	}
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.BitWidth == 0 {
			continue
		}
		if at&7+f.BitWidth > 32 {
			widen()
		}
		f.BitOffset = at
		at += f.BitWidth
		last = i
	}
	switch {
	case last >= 0:
		widen()
	case len(h.Fields) > 0:
		h.Fields[len(h.Fields)-1].BitWidth = 8
		at = 8
	}
	h.RecordBytes = max(1, at/8)
}

func (w *writer) write(ctx context.Context, to io.Writer) error {
	head, err := w.header.Append(nil)
	if err != nil {
		return err
	}
	if len(w.o.Recipients) > 0 {
		return w.seal(ctx, to, head)
	}
	if _, err := to.Write(head); err != nil {
		return err
	}
	return w.body(ctx, to)
}

// seal writes the file in an envelope; head is the header without its
// parameters.
func (w *writer) seal(ctx context.Context, to io.Writer, head []byte) error {
	envelope, err := crypt.Seal(head, w.header.Offset+w.header.Length, w.o.Recipients, crypt.Options{Workers: w.workers})
	if err != nil {
		return err
	}
	w.header.EncryptionInfo = crypt.EncodeParams(envelope.Params())
	if head, err = w.header.Append(head[:0:0]); err != nil {
		return err
	}
	if _, err := to.Write(head); err != nil {
		return err
	}
	sealed := envelope.Writer(to)
	err = w.body(ctx, sealed)
	if closeErr := sealed.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (w *writer) body(ctx context.Context, to io.Writer) error {
	if err := w.symbols(ctx, to); err != nil {
		return err
	}
	return w.records(ctx, to)
}

// symbols writes the symbol tables.
func (w *writer) symbols(ctx context.Context, to io.Writer) error {
	const flush = 64 << 10
	var buf []byte
	for i := range w.columns {
		c := &w.columns[i]
		for _, code := range c.order {
			var err error
			if buf, err = c.appendSymbol(buf, code, w.o.Show); err != nil {
				return err
			}
			if len(buf) < flush {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if _, err := to.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	_, err := to.Write(buf)
	return err
}

// A kinds finds the tags that follow from the values of a column.
type kinds struct {
	n, numbers, texts int
	integer, ascii    bool
	date, timestamp   bool     // by the format or the field's tags
	extra             []string // the field's other tags
}

func newKinds(f *storage.Field) *kinds {
	k := &kinds{integer: true, ascii: true}
	if f.Format != nil {
		k.date = f.Format.Type == dual.Date
		k.timestamp = k.date || f.Format.Type == dual.Timestamp
	}
	for _, t := range f.Tags {
		switch {
		case t == "$key", t == "$keypart": // who writes knows the other tables
			k.extra = append(k.extra, t)
		case followsFromData(t):
		case t == "$date":
			k.date = true
		case t == "$timestamp":
			k.timestamp = true
		default:
			k.extra = append(k.extra, t)
		}
	}
	return k
}

func (k *kinds) add(s *storage.Symbols, code uint32) {
	k.n++
	x := s.Number(code)
	if math.IsNaN(x) {
		k.texts++
		k.ascii = k.ascii && isASCII(s.Text(code))
		return
	}
	k.numbers++
	k.integer = k.integer && x == math.Trunc(x)
}

// tags returns them in the order in which engines write them.
func (k *kinds) tags() (tags []string) {
	switch {
	case k.n == 0:
	case k.texts == 0:
		tags = append(tags, "$numeric")
		if k.integer {
			tags = append(tags, "$integer")
		}
		if k.timestamp {
			tags = append(tags, "$timestamp")
		}
		if k.date && k.integer {
			tags = append(tags, "$date")
		}
	case k.numbers == 0 && k.ascii:
		tags = append(tags, "$ascii", "$text")
	case k.numbers == 0:
		tags = append(tags, "$text")
	}
	return append(tags, k.extra...)
}

func isASCII(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(b byte) bool { return b >= 0x80 })
}
