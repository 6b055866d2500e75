package infer

import "github.com/cognate-bi/cognate/engine/model"

// A plan orients every tree of the model: its largest table is the root, so
// that the long table is filtered once, by what all small ones allow.
type plan struct {
	leavesFirst []*model.Table
	above       []*model.Link   // by table ID: the link toward the root, nil at a root
	below       [][]*model.Link // by table ID: the other links
	parents     []*model.Link   // by field ID: the link of the table above the key field
}

func newPlan(m *model.Model) *plan {
	p := &plan{
		above:   make([]*model.Link, len(m.Tables)),
		below:   make([][]*model.Link, len(m.Tables)),
		parents: make([]*model.Link, len(m.Fields)),
	}
	roots := map[int]*model.Table{}
	for _, t := range m.Tables {
		if r := roots[t.Tree]; r == nil || t.Rows > r.Rows {
			roots[t.Tree] = t
		}
	}
	for _, t := range m.Tables {
		if roots[t.Tree] == t {
			p.orient(t)
		}
	}
	for i, j := 0, len(p.leavesFirst)-1; i < j; i, j = i+1, j-1 {
		p.leavesFirst[i], p.leavesFirst[j] = p.leavesFirst[j], p.leavesFirst[i]
	}
	return p
}

// orient walks a tree from its root; it fills leavesFirst root first.
func (p *plan) orient(root *model.Table) {
	open := []*model.Table{root}
	for len(open) > 0 {
		t := open[0]
		open = open[1:]
		p.leavesFirst = append(p.leavesFirst, t)
		for _, l := range t.Links {
			if l == p.above[t.ID] || len(l.Field.Links) < 2 {
				continue
			}
			p.below[t.ID] = append(p.below[t.ID], l)
			p.parents[l.Field.ID] = l
			for _, o := range l.Field.Links {
				if o != l {
					p.above[o.Table.ID] = o
					open = append(open, o.Table)
				}
			}
		}
	}
}

func (p *plan) parent(f *model.Field) *model.Link { return p.parents[f.ID] }
