package script

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An output is the table that a load is storing rows in.
type output struct {
	r       *runner
	name    string
	builder *storage.Builder
	fields  []string
	columns []int // column of the builder for each column of the input
	watched []int // columns of the builder that Exists asks for

	started  time.Time
	note     string // on how the rows came
	unseen   int    // rows since the last report
	firstRow int
	bytes    int64 // of the input so far
}

// An openBuilder is a builder that made the table of the catalog: rows
// appended to the table go on in it.
type openBuilder struct {
	builder *storage.Builder
	table   *storage.Table
}

// storeRows appends the rows of in to the table old, or makes a new one.
func (r *runner) storeRows(name string, old *storage.Table, distinct bool, watched []string, in reader) error {
	if old == nil && len(r.section.Tables()) >= r.limits.MaxTables {
		return fmt.Errorf("more than %d tables", r.limits.MaxTables)
	}
	o, err := r.newOutput(name, old, in.Fields())
	if err != nil {
		return err
	}
	o.watch(watched)
	before := r.loading
	r.loading = o
	err = o.read(r.ctx, in)
	r.loading = before
	if err != nil {
		delete(r.builders, name)
		r.changed()
		return err
	}
	r.put(o, old, distinct)
	return r.checkMemory(0)
}

// newOutput prepares a builder that holds the rows of old.
func (r *runner) newOutput(name string, old *storage.Table, fields []string) (*output, error) {
	o := &output{r: r, name: name, started: r.opt.Now()}
	if old != nil {
		o.fields = old.FieldNames()
	}
	place := map[string]int{}
	for i, f := range o.fields {
		place[f] = i
	}
	grown := false
	for _, f := range fields {
		i, ok := place[f]
		if !ok {
			i = len(o.fields)
			place[f], grown = i, true
			o.fields = append(o.fields, f)
		}
		o.columns = append(o.columns, i)
	}
	if len(o.fields) > r.limits.MaxFields {
		return nil, fmt.Errorf("%d fields, at most %d are possible", len(o.fields), r.limits.MaxFields)
	}
	if ob, ok := r.builders[name]; ok && ob.table == old && old != nil && !grown {
		o.builder = ob.builder
	} else {
		o.builder = r.section.NewBuilder(name, o.fields)
		if old != nil {
			if err := o.builder.AppendTable(old); err != nil {
				return nil, err
			}
		}
	}
	o.firstRow = o.builder.Rows()
	return o, nil
}

// watch notes the fields whose new values Exists has to see.
func (o *output) watch(fields []string) {
	for _, name := range fields {
		for i, f := range o.fields {
			if f == name {
				o.r.liveOf(o.builder.Field(i))
				o.watched = append(o.watched, i)
			}
		}
	}
}

// read appends all rows of in.
func (o *output) read(ctx context.Context, in reader) error {
	for {
		b, err := in.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := o.append(b); err != nil {
			return err
		}
	}
}

func (o *output) append(b *source.Batch) error {
	if o.builder.Rows()+b.Rows > o.r.limits.MaxRows {
		return errTooManyRows(o.name, o.r.limits.MaxRows)
	}
	columns := b.Columns
	if len(o.fields) != len(o.columns) || !inOrder(o.columns) {
		columns = make([]dual.Vector, len(o.fields))
		for i := range columns {
			columns[i] = nullVector(b.Rows)
		}
		for i, c := range o.columns {
			columns[c] = b.Columns[i]
		}
	}
	from := o.builder.Rows()
	o.expect(b)
	if err := o.builder.Append(columns); err != nil {
		return err
	}
	if b.Free != nil {
		b.Free()
	}
	for _, c := range o.watched {
		o.see(c, from)
	}
	const every = 16 * batchRows // rows between looks at memory and clock
	if o.unseen += b.Rows; o.unseen < every {
		return nil
	}
	o.unseen = 0
	o.progress(RowsLoaded)
	return o.r.checkMemory(4 * int64(o.builder.Rows()) * int64(len(o.fields)))
}

// expect tells the builder how many rows there will be if the rest of the
// input is as what was read.
func (o *output) expect(b *source.Batch) {
	if o.bytes += b.Bytes; b.Total <= 0 || o.bytes <= 0 {
		return
	}
	rows := float64(o.builder.Rows() - o.firstRow + b.Rows)
	const spare = 1.01
	o.builder.Expect(o.firstRow + int(min(storage.RowsMax, spare*rows*float64(b.Total)/float64(o.bytes))))
}

func inOrder(columns []int) bool {
	for i, c := range columns {
		if c != i {
			return false
		}
	}
	return true
}

// see marks the values of the rows from the given one as stored.
func (o *output) see(column, from int) {
	f := o.builder.Field(column)
	seen := o.r.liveOf(f)
	for len(seen) <= f.Symbols.Len() {
		seen = append(seen, 0)
	}
	for row := from; row < o.builder.Rows(); row++ {
		seen[o.builder.Code(column, row)] = 1
	}
	o.r.live[f] = liveCodes{seen: seen}
}

func (o *output) progress(kind EventKind) {
	e := Event{Kind: kind, Table: o.name, Rows: o.builder.Rows(), Text: o.note}
	if sec := o.r.opt.Now().Sub(o.started).Seconds(); sec > 0 {
		e.RowsPerSec = float64(o.builder.Rows()-o.firstRow) / sec
	}
	o.r.event(e)
}

// value returns a stored value; negative rows count from the end.
func (o *output) value(field string, row int) dual.Value {
	if row < 0 {
		row += o.builder.Rows()
	}
	if row < 0 || row >= o.builder.Rows() {
		return dual.Value{}
	}
	for i, f := range o.fields {
		if f == field {
			return o.builder.Field(i).Value(o.builder.Code(i, row))
		}
	}
	return dual.Value{}
}

// put makes the table of an output known.
func (r *runner) put(o *output, old *storage.Table, distinct bool) {
	t := o.builder.Table()
	if old != nil {
		t.Distinct, t.Loose, t.Comment, t.Tags = old.Distinct, old.Loose, old.Comment, old.Tags
	}
	if t.Distinct = t.Distinct || distinct; t.Distinct {
		if rows := distinctRows(t); len(rows) < t.Rows {
			t = t.Select(rows)
		}
	}
	r.section.Put(t)
	r.builders[o.name] = openBuilder{o.builder, t}
	if t.Rows != o.builder.Rows() {
		delete(r.builders, o.name)
	}
	r.last = o.name
	r.changed()
	o.progress(TableFinished)
}

// A finalReader names the fields as they are stored and maps their values:
// QUALIFY, ALIAS, MAP USING, NULLASVALUE, the upper case of access tables.
type finalReader struct {
	reader
	names []string
	memos []*memo // nil where nothing changes
}

// Fields implements [source.Reader].
func (f *finalReader) Fields() []string { return f.names }

// Next implements [source.Reader].
func (f *finalReader) Next(ctx context.Context) (*source.Batch, error) {
	b, err := f.reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	out := *b
	out.Columns = append([]dual.Vector(nil), b.Columns...)
	for i, m := range f.memos {
		if m != nil {
			out.Columns[i] = m.vector(b.Columns[i], true)
		}
	}
	return &out, nil
}

// finished applies the rules in force to the result of a load.
func (r *runner) finished(in reader, table string) reader {
	names := append([]string(nil), in.Fields()...)
	f := &finalReader{reader: in, names: names, memos: make([]*memo, len(names))}
	plain := r.section == r.catalog
	for i := range names {
		if !plain {
			names[i] = strings.ToUpper(names[i])
			f.memos[i] = &memo{each: upper}
			continue
		}
		f.memos[i] = r.rules.memo(r, names[i])
		names[i] = r.rules.stored(table, names[i])
	}
	return f
}

// upper returns v with its text in upper case.
func upper(v dual.Value) dual.Value {
	v.Text = strings.ToUpper(v.Text)
	return v
}
