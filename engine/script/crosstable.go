package script

import (
	"context"
	"math"

	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage/dual"
)

// prefixCrosstable reads CROSSTABLE (attribute, data [, n]).
func prefixCrosstable(sc *scanner, l *load, _ string) error {
	if err := sc.expect('('); err != nil {
		return err
	}
	t := &crosstable{n: 1}
	var err error
	if t.attribute, err = sc.name("the attribute field"); err != nil {
		return err
	}
	if err := sc.expect(','); err != nil {
		return err
	}
	if t.data, err = sc.name("the data field"); err != nil {
		return err
	}
	if sc.mark(',') {
		if t.n, _, err = sc.size(); err != nil {
			return err
		}
	}
	l.prefix.transforms = append(l.prefix.transforms, t)
	return sc.expect(')')
}

// A crosstable turns all columns behind the first n into rows.
type crosstable struct {
	attribute, data string
	n               int
}

func (t *crosstable) apply(_ *runner, in reader) (reader, error) {
	fields := in.Fields()
	if t.n < 0 || t.n >= len(fields) {
		return nil, syntaxf(0, "CROSSTABLE with %d qualifier fields needs more than %d fields", t.n, len(fields))
	}
	c := &crosstableReader{reader: in, t: t, names: &dual.Dict{}}
	for _, f := range fields[t.n:] {
		c.names.Vals = append(c.names.Vals, dual.String(f))
	}
	return c, nil
}

// A crosstableReader delivers a row for every cell that is not NULL.
type crosstableReader struct {
	reader
	t     *crosstable
	names *dual.Dict
}

// Fields implements [source.Reader].
func (c *crosstableReader) Fields() []string {
	fields := append([]string(nil), c.reader.Fields()[:c.t.n]...)
	return append(fields, c.t.attribute, c.t.data)
}

// Next implements [source.Reader].
func (c *crosstableReader) Next(ctx context.Context) (*source.Batch, error) {
	b, err := c.reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	cells := b.Columns[c.t.n:]
	n := 0
	if b.Rows <= math.MaxInt32/len(cells) {
		n = b.Rows * len(cells)
	}
	at, attrs, data := make([]int32, 0, n), make([]uint32, 0, n), make([]dual.Value, 0, n)
	for row := range b.Rows {
		for i := range cells {
			if v := cells[i].At(row); !v.IsNull() {
				at, attrs, data = append(at, int32(row)), append(attrs, uint32(i)), append(data, v)
			}
		}
	}
	out := append(gatherAll(b.Columns[:c.t.n], at), dual.Coded(attrs, c.names), dual.Vals(data))
	return &source.Batch{Rows: len(at), Columns: out, Bytes: b.Bytes}, nil
}
