package query

import (
	"slices"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// An expansion lists the combinations of rows of some tables of one tree, in
// the full outer join along the links between them. It is the general way to
// records, for relations that are not many-to-one; it costs a step per
// combination.
type expansion struct {
	tables []*model.Table // root first
	nodes  []joinNode     // same order
	rows   []int32        // the combination at hand; -1 = no row
	index  map[*model.Table]int

	alive []*bitset.Set // rows that may take part; nil = all
	emit  func() error

	// result is what the rows that may take part come from; nil where they are
	// the result of set operators.
	result *infer.Result
}

// A joinNode is a table with the key fields below it.
type joinNode struct {
	table  *model.Table
	fields []joinField
}

// A joinField is a key field between a table and those below it.
type joinField struct {
	link  *model.Link   // of the table above
	below []*model.Link // of the tables below
	at    []int         // their node numbers
}

// connect returns the tables and all those on the ways between them.
func connect(m *model.Model, tables []*model.Table) []*model.Table {
	var out []*model.Table
	have := map[*model.Table]bool{}
	add := func(t *model.Table) {
		if !have[t] {
			have[t] = true
			out = append(out, t)
		}
	}
	for _, t := range tables {
		path, _ := m.Path(tables[0], t)
		add(t)
		for _, s := range path {
			add(s.From.Table)
		}
	}
	return out
}

// newExpansion prepares the join of connected tables in a scope, the longest as
// root.
func (s *scan) newExpansion(tables []*model.Table) *expansion {
	root := tables[0]
	for _, t := range tables {
		if t.Rows > root.Rows {
			root = t
		}
	}
	return s.newExpansionFrom(root, tables)
}

func (s *scan) newExpansionFrom(root *model.Table, tables []*model.Table) *expansion {
	in := map[*model.Table]bool{}
	for _, t := range tables {
		in[t] = true
	}
	x := &expansion{index: map[*model.Table]int{}}
	if s.scope.natural() && !s.scope.none {
		x.result = s.c.Infer.Of(s.scope.st)
	}
	x.add(root, nil, in)
	x.rows = make([]int32, len(x.tables))
	x.alive = make([]*bitset.Set, len(x.tables))
	for i, t := range x.tables {
		x.rows[i] = -1
		x.alive[i] = s.alive(t)
	}
	return x
}

func (x *expansion) add(t *model.Table, above *model.Link, in map[*model.Table]bool) int {
	at := len(x.tables)
	x.tables = append(x.tables, t)
	x.nodes = append(x.nodes, joinNode{table: t})
	x.index[t] = at
	for _, l := range t.Links {
		if above != nil && l.Field == above.Field {
			continue
		}
		jf := joinField{link: l}
		for _, o := range l.Field.Links {
			if o == l || !in[o.Table] {
				continue
			}
			jf.below = append(jf.below, o)
			jf.at = append(jf.at, x.add(o.Table, o, in))
		}
		if jf.below != nil {
			x.nodes[at].fields = append(x.nodes[at].fields, jf)
		}
	}
	return at
}

// all emits every combination.
func (x *expansion) all(emit func() error) error {
	x.emit = emit
	for r := range x.tables[0].Rows {
		if x.lives(0, r) {
			if err := x.visit(0, int32(r), emit); err != nil {
				return err
			}
		}
	}
	return x.unmatched(0)
}

// missing emits only the combinations in which the root has no row.
func (x *expansion) missing(emit func() error) error {
	x.emit = emit
	return x.unmatched(0)
}

func (x *expansion) lives(node, row int) bool {
	return x.alive[node] == nil || x.alive[node].Has(row)
}

// visit combines a row of a node with everything below it and then goes on.
func (x *expansion) visit(node int, row int32, then func() error) error {
	x.rows[node] = row
	err := x.fields(node, 0, then)
	x.rows[node] = -1
	return err
}

func (x *expansion) fields(node, i int, then func() error) error {
	n := &x.nodes[node]
	if i == len(n.fields) {
		return then()
	}
	next := func() error { return x.fields(node, i+1, then) }
	f := &n.fields[i]
	key := f.link.Column.Code(int(x.rows[node]))
	if key == 0 {
		return next()
	}
	return x.below(f, key, 0, next)
}

// below combines the rows of the tables below a key field that have the key.
func (x *expansion) below(f *joinField, key uint32, i int, then func() error) error {
	if i == len(f.below) {
		return then()
	}
	next := func() error { return x.below(f, key, i+1, then) }
	var one [1]uint32
	found := false
	for _, r := range f.below[i].RowsOf(key, one[:]) {
		if !x.lives(f.at[i], int(r)) {
			continue
		}
		found = true
		if err := x.visit(f.at[i], int32(r), next); err != nil {
			return err
		}
	}
	if !found {
		return next()
	}
	return nil
}

// unmatched emits what lies below the node without a partner in it, and goes
// on below.
func (x *expansion) unmatched(node int) error {
	for i := range x.nodes[node].fields {
		f := &x.nodes[node].fields[i]
		if err := x.orphans(node, f); err != nil {
			return err
		}
		for _, at := range f.at {
			if err := x.unmatched(at); err != nil {
				return err
			}
		}
	}
	return nil
}

// orphans emits the rows below a key field whose key no row of the node has.
func (x *expansion) orphans(node int, f *joinField) error {
	if x.result != nil && x.result.Joined(f.link) {
		return nil
	}
	known := x.keys(node, f.link)
	for i, l := range f.below {
		for r := range l.Table.Rows {
			if !x.lives(f.at[i], r) {
				continue
			}
			key := l.Column.Code(r)
			switch {
			case key == 0:
				if err := x.visit(f.at[i], int32(r), x.emit); err != nil {
					return err
				}
			case known[key] == 0:
				known[key] = 1 // all tables below that have the key come together
				if err := x.below(f, key, 0, x.emit); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// keys returns a flag for each key code that the node's rows have.
func (x *expansion) keys(node int, l *model.Link) []uint8 {
	if x.result != nil {
		return slices.Clone(x.result.LinkCodes(l))
	}
	n := l.Field.Symbols.Len() + 1
	known := make([]uint8, n)
	var words []uint64
	if x.alive[node] != nil {
		words = x.alive[node].Words()
	}
	l.Column.Mark(known, words, n)
	return known
}

// code returns the code of a field in the combination at hand: of a table
// that has a row in it.
func (x *expansion) code(f *model.Field) uint32 {
	for _, t := range f.Tables {
		if i, ok := x.index[t]; ok && x.rows[i] >= 0 {
			if c := t.Column(f).Code(int(x.rows[i])); c != 0 {
				return c
			}
		}
	}
	return 0
}
