package query

import (
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// alive returns the rows of a table that may take part in an expansion.
func (s *scan) alive(t *model.Table) *bitset.Set {
	if !s.scope.natural() {
		return nil // the scope is checked per combination
	}
	return s.c.rows(s.scope, t)
}

// chooseBase finds a record table whose rows are the records and from which
// every field is reached with at most one value.
func (s *scan) chooseBase() {
	if s.sameRecords() {
		s.chooseAmong(s.from)
	}
}

// chooseBroader finds a base among the other tables of the tree, for jobs that
// do not care how often a record comes: each row of the base stands for the
// record that it leads to; one that leads to none is NULL in all fields and
// must add nothing. Records that no row leads to are added apart.
func (s *scan) chooseBroader() {
	for _, j := range s.jobs {
		if j.countsRecords() || !j.nullStrict() {
			return
		}
	}
	var candidates []*model.Table
	for _, t := range s.c.model().Tables {
		if t.Tree == s.from[0].Tree && !t.Loose {
			candidates = append(candidates, t)
		}
	}
	s.chooseAmong(candidates)
	s.broader = s.base != nil
}

// chooseAmong takes the first table from which every field is reached with at
// most one value as base, and fills the ways.
func (s *scan) chooseAmong(candidates []*model.Table) {
	for _, t := range candidates {
		if ways, ok := s.waysFrom(t); ok {
			s.base, s.ways = t, ways
			return
		}
	}
}

func (s *scan) waysFrom(t *model.Table) ([]*model.Way, bool) {
	m := s.c.model()
	if !s.scope.natural() {
		for _, name := range s.scope.fields() {
			f := m.Field(name)
			if f == nil || treeOf(f) != t.Tree {
				continue
			}
			if _, ok := m.WayTo(t, f); !ok {
				return nil, false
			}
		}
	}
	ways := make([]*model.Way, len(s.fields))
	for i, f := range s.fields {
		w, ok := m.WayTo(t, f)
		if !ok {
			return nil, false
		}
		ways[i] = w
	}
	return ways, true
}

// nullStrict reports whether an argument is NULL as soon as any of its fields
// is, so that records without a row in some table add nothing.
func nullStrict(n expr.Node) bool {
	switch n := n.(type) {
	case *fieldNode, *expr.Literal:
		return true
	case *expr.Unary:
		return (n.Op == "+" || n.Op == "-") && nullStrict(n.X)
	case *expr.Binary:
		switch n.Op {
		case "+", "-", "*", "/":
			return nullStrict(n.L) && nullStrict(n.R)
		}
	}
	return false
}
