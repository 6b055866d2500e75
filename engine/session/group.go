package session

import (
	"context"
	"fmt"

	"github.com/cognate-bi/cognate/engine/cube"
)

// groupKey names a dimension with a group of fields.
type groupKey struct {
	target
	dim int
}

// drillLevel returns the level that a drill-down group shows: the first field
// of which more than one value is possible.
func (s *Session) drillLevel(d *cube.Dim, name string) int {
	st, err := s.State(name)
	if err != nil {
		return 0
	}
	level := 0
	for level < len(d.Fields)-1 {
		f := s.FieldOf(d.Fields[level])
		if f == nil || s.data.Infer.Of(st).PossibleCount(f) > 1 {
			break
		}
		level++
	}
	return level
}

// SetActive makes a field of a cyclic group the active one: step steps
// forward from the current one, or absolutely.
func (s *Session) SetActive(p Place, dim, n int, step bool) error {
	def := s.definition(p.target, p.node, p.State, p.list)
	if dim < 0 || dim >= len(def.Dims) || len(def.Dims[dim].Fields) == 0 {
		return fmt.Errorf("%w: dimension %d", ErrInvalid, dim)
	}
	count := len(def.Dims[dim].Fields)
	if step {
		n = ((def.Dims[dim].Active+n)%count + count) % count
	}
	if n < 0 || n >= count {
		return fmt.Errorf("%w: field %d of %d", ErrInvalid, n, count)
	}
	s.groups[groupKey{p.target, dim}] = n
	s.objectChanged(p.object)
	return nil
}

// DrillUp takes back the selections that made a drill-down group show a lower
// level.
func (s *Session) DrillUp(p Place, dim, steps int) error {
	def := s.definition(p.target, p.node, p.State, p.list)
	if dim < 0 || dim >= len(def.Dims) {
		return fmt.Errorf("%w: dimension %d", ErrInvalid, dim)
	}
	d := &def.Dims[dim]
	for level := d.Active - 1; level >= 0 && steps > 0; level, steps = level-1, steps-1 {
		f := s.FieldOf(d.Fields[level])
		if f == nil {
			continue
		}
		if _, err := s.Clear(f.Name, Pick{Object: p.object, State: p.State}); err != nil {
			return err
		}
	}
	return nil
}

// Expand opens or closes nodes of a pivot table: the one at a row and column
// of an axis, or all of its level.
func (s *Session) Expand(ctx context.Context, p Place, top bool, row, col int, all, open bool) error {
	c, err := s.Cube(ctx, p)
	if err != nil {
		return err
	}
	keys := []string{c.NodeKey(top, row, col)}
	if all {
		level := col
		if top {
			level = row
		}
		keys = c.NodeKeys(top, level)
	}
	next := cube.Open{}
	for k, v := range s.expanded[p.target] {
		next[k] = v
	}
	differs := open != c.Def.FullyExpanded // from how the nodes are at first
	for _, k := range keys {
		if k == "" {
			continue
		}
		if differs {
			next[k] = true
		} else {
			delete(next, k)
		}
	}
	if len(next) > expandedMax {
		return fmt.Errorf("%w: more than %d nodes expanded", ErrInvalid, expandedMax)
	}
	s.expanded[p.target] = next
	s.objectChanged(p.object)
	return nil
}

// expandedMax bounds the nodes of one pivot table that are kept open.
const expandedMax = 100_000
