package script

import (
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/storage"
)

// joinKind says which rows without a partner a join keeps.
type joinKind uint8

const (
	joinOuter joinKind = iota
	joinInner
	joinLeft
	joinRight
)

func (k joinKind) keepsLeft() bool  { return k == joinOuter || k == joinLeft }
func (k joinKind) keepsRight() bool { return k == joinOuter || k == joinRight }

// storeJoined joins the rows of in to a table, or reduces both tables (KEEP).
func (r *runner) storeJoined(l *load, label string, in reader) error {
	left, err := r.prefixTarget(l)
	if err != nil {
		return err
	}
	o, err := r.newOutput(label, nil, in.Fields())
	if err != nil {
		return err
	}
	before := r.loading
	r.loading = o
	err = o.read(r.ctx, in)
	r.loading = before
	r.changed()
	if err != nil {
		return err
	}
	right := o.builder.Table()
	if l.prefix.mode == storeKeep {
		return r.keep(left, right, l.prefix.join, label)
	}
	t, err := join(left, right, l.prefix.join, r.limits.MaxRows)
	if err != nil {
		return err
	}
	if err := r.checkMemory(t.Memory()); err != nil {
		return err
	}
	r.section.Put(t)
	delete(r.builders, t.Name)
	r.last = t.Name
	r.event(Event{Kind: TableFinished, Table: t.Name, Rows: t.Rows})
	return nil
}

// keep reduces the tables to rows that have partners and stores both.
func (r *runner) keep(left, right *storage.Table, kind joinKind, label string) error {
	reducedLeft, reducedRight := partners(left, right, kind)
	if kind != joinLeft {
		r.section.Put(reducedLeft)
		delete(r.builders, left.Name)
	}
	right = reducedRight
	right.Name = r.freeName(label)
	r.section.Put(right)
	r.last = right.Name
	r.changed()
	r.event(Event{Kind: TableFinished, Table: right.Name, Rows: right.Rows})
	return nil
}

// partners returns the tables with the rows that have partners only; the one
// whose rows all stay is as it was.
func partners(left, right *storage.Table, kind joinKind) (*storage.Table, *storage.Table) {
	keys := joinKeys(left, right)
	reducedLeft, reducedRight := left, right
	if kind != joinRight {
		reducedRight = right.Select(keys.partnered(keys.right, keys.left))
	}
	if kind != joinLeft {
		reducedLeft = left.Select(keys.partnered(keys.left, keys.right))
	}
	return reducedLeft, reducedRight
}

// commonFields returns the fields that both tables have, in the order of the
// left one.
func commonFields(left, right *storage.Table) []string {
	var common []string
	for _, c := range left.Columns {
		if right.Column(c.Field.Name) != nil {
			common = append(common, c.Field.Name)
		}
	}
	return common
}

// join returns the natural join of the tables under the left one's name: key
// fields first, then the other fields of the left table, then those of the
// right one. Rows come in the order of the left table, with the partners of a
// row in the order of the right one; right rows without a partner follow.
func join(left, right *storage.Table, kind joinKind, rowsMax int) (*storage.Table, error) {
	rows, err := joinRows(joinKeys(left, right), kind, rowsMax)
	if err != nil {
		return nil, err
	}
	type source struct{ left, right *storage.Column }
	var sources []source
	common := commonFields(left, right)
	for _, name := range common {
		sources = append(sources, source{left.Column(name), right.Column(name)})
	}
	for _, c := range left.Columns {
		if !slices.Contains(common, c.Field.Name) {
			sources = append(sources, source{c, nil})
		}
	}
	for _, c := range right.Columns {
		if !slices.Contains(common, c.Field.Name) {
			sources = append(sources, source{nil, c})
		}
	}
	out := *left
	out.Rows, out.Columns = len(rows.right), make([]*storage.Column, len(sources))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range sources {
		g.Go(func() error {
			out.Columns[i] = rows.pick(s.left, s.right)
			return nil
		})
	}
	return &out, g.Wait()
}
