package session

import (
	"context"
	"math"
	"slices"

	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// PickElements selects element numbers of a dimension of a place.
func (s *Session) PickElements(ctx context.Context, p Place, dim int, elements []int, how Pick) (bool, error) {
	if f := s.listField(p); f != nil && dim == 0 {
		codes := bitset.New(f.Symbols.Len() + 1)
		for _, e := range elements {
			if e >= 0 && e < f.Symbols.Len() {
				codes.Add(e + 1)
			}
		}
		return s.Select(f, codes, s.in(p, how))
	}
	c, err := s.Cube(ctx, p)
	if err != nil {
		return false, err
	}
	return s.pick(c, p, dim, elements, how)
}

// listField returns the field of a list object that shows nothing but a field:
// its element numbers are known without computing what it shows. nil for all
// other places.
func (s *Session) listField(p Place) *model.Field {
	if !p.list {
		return nil
	}
	def := s.definition(p.target, p.node, p.State, true)
	if d := &def.Dims[0]; len(def.Expressions) == 0 && d.CalcCond == "" && !d.Missing {
		return s.FieldOf(d.Field())
	}
	return nil
}

// pick selects element numbers of a dimension; done is false if its values are
// not those of one field.
func (s *Session) pick(c *cube.Cube, p Place, dim int, elements []int, how Pick) (done bool, err error) {
	f, codes, ok := c.Pick(dim, elements)
	if !ok {
		return false, nil
	}
	return s.Select(f, codes, s.in(p, how))
}

func (s *Session) in(p Place, how Pick) Pick {
	how.Object, how.State = p.object, p.State
	return how
}

// PickCells selects the values of rows in columns of a straight table: the
// columns as pages show them. No columns are all of them.
func (s *Session) PickCells(ctx context.Context, p Place, rows, columns []int, how Pick) (bool, error) {
	c, err := s.Cube(ctx, p)
	if err != nil {
		return false, err
	}
	order := c.Columns()
	if len(columns) == 0 {
		for i := range order {
			columns = append(columns, i)
		}
	}
	done := false
	for _, col := range columns {
		if col < 0 || col >= len(order) || order[col] >= c.Dims() {
			continue
		}
		dim := order[col]
		var elements []int
		for _, row := range rows {
			if row >= 0 && row < c.Rows {
				elements = append(elements, c.Element(dim, row))
			}
		}
		ok, err := s.pick(c, p, dim, elements, how)
		if err != nil {
			return false, err
		}
		done = done || ok
	}
	return done, nil
}

// An AxisCell is a cell of a pivot table that is selected: in the left or top
// axis, or in the data, which stands for both of its heads.
type AxisCell struct {
	Kind     byte // L T D
	Row, Col int
}

// PickPivot selects nodes of a pivot table's axes.
func (s *Session) PickPivot(ctx context.Context, p Place, cells []AxisCell, how Pick) (bool, error) {
	c, err := s.Cube(ctx, p)
	if err != nil {
		return false, err
	}
	elements := map[int][]int{}
	add := func(top bool, row, col int) {
		if dim, e, ok := c.PivotElement(top, row, col); ok && !slices.Contains(elements[dim], e) {
			elements[dim] = append(elements[dim], e)
		}
	}
	for _, cell := range cells {
		switch cell.Kind {
		case 'L':
			add(false, cell.Row, cell.Col)
		case 'T':
			add(true, cell.Row, cell.Col)
		case 'D': // every head of the cell's row and column
			for level := range c.Dims() {
				add(false, cell.Row, level)
				add(true, level, cell.Col)
			}
		}
	}
	done := false
	for dim := range c.Dims() {
		f, codes, ok := c.Pick(dim, elements[dim])
		if !ok || codes.Empty() {
			continue
		}
		ok, err := s.Select(f, codes, s.in(p, how))
		if err != nil {
			return false, err
		}
		done = done || ok
	}
	return done, nil
}

// A Range is an interval of numbers.
type Range struct {
	Min, Max     float64
	MinIn, MaxIn bool
}

func (r Range) has(x float64) bool {
	return (x > r.Min || r.MinIn && x == r.Min) && (x < r.Max || r.MaxIn && x == r.Max)
}

// PickRanges selects the values of the columns' dimensions in rows whose
// measures lie in the ranges: in all of them, or with or in any.
func (s *Session) PickRanges(ctx context.Context, p Place, ranges map[int][]Range, columns []int, or bool, how Pick) (bool, error) {
	c, err := s.Cube(ctx, p)
	if err != nil {
		return false, err
	}
	var rows []int
	for row := range c.Rows {
		if inRanges(c, row, ranges, or) {
			rows = append(rows, row)
		}
	}
	if len(columns) == 0 {
		for dim := range c.Dims() {
			columns = append(columns, dim)
		}
	}
	done := false
	for _, dim := range columns {
		if dim < 0 || dim >= c.Dims() {
			continue
		}
		elements := make([]int, len(rows))
		for i, row := range rows {
			elements[i] = c.Element(dim, row)
		}
		ok, err := s.PickElements(ctx, p, dim, elements, how)
		if err != nil {
			return false, err
		}
		done = done || ok
	}
	return done, nil
}

func inRanges(c *cube.Cube, row int, ranges map[int][]Range, or bool) bool {
	for m, list := range ranges {
		if m < 0 || m >= c.Measures() {
			continue
		}
		x := c.Number(m, row)
		in := slices.ContainsFunc(list, func(r Range) bool { return !math.IsNaN(x) && r.has(x) })
		if in == or {
			return or
		}
	}
	return !or && len(ranges) > 0
}

// PickContinuous selects the values of a dimension's field that lie in any of
// the ranges.
func (s *Session) PickContinuous(ctx context.Context, p Place, dim int, ranges []Range, how Pick) (bool, error) {
	f, err := s.fieldAt(ctx, p, dim)
	if err != nil || f == nil {
		return false, err
	}
	codes := bitset.New(f.Symbols.Len() + 1)
	for code := 1; code <= f.Symbols.Len(); code++ {
		x := f.Symbols.Number(uint32(code))
		if !math.IsNaN(x) && slices.ContainsFunc(ranges, func(r Range) bool { return r.has(x) }) {
			codes.Add(code)
		}
	}
	return s.Select(f, codes, s.in(p, how))
}

// fieldAt returns the field behind a dimension, nil if there are several or
// none.
func (s *Session) fieldAt(ctx context.Context, p Place, dim int) (*model.Field, error) {
	def := s.definition(p.target, p.node, p.State, p.list)
	if dim >= 0 && dim < len(def.Dims) {
		if f := s.FieldOf(def.Dims[dim].Field()); f != nil {
			return f, nil
		}
	}
	c, err := s.Cube(ctx, p)
	if err != nil || dim < 0 || dim >= c.Dims() {
		return nil, err
	}
	if names := c.Fields(dim); len(names) == 1 {
		return s.data.Model.Field(names[0]), nil
	}
	return nil, nil
}

// FieldsAt returns the fields behind the dimensions of a place, all of them if
// none are named.
func (s *Session) FieldsAt(ctx context.Context, p Place, dims []int) ([]*model.Field, error) {
	if len(dims) == 0 {
		for i := range max(1, p.node.Get("qDimensions").Len()) {
			dims = append(dims, i)
		}
	}
	var out []*model.Field
	for _, d := range dims {
		f, err := s.fieldAt(ctx, p, d)
		if err != nil {
			return nil, err
		}
		if f != nil && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out, nil
}

// PickStatus selects the values of a list object's field by their state.
func (s *Session) PickStatus(ctx context.Context, p Place, want Status, how Pick) (bool, error) {
	f, err := s.fieldAt(ctx, p, 0)
	if err != nil || f == nil {
		return false, err
	}
	codes, err := s.WithStatus(f, p.State, want)
	if err != nil {
		return false, err
	}
	return s.Select(f, codes, s.in(p, how))
}
