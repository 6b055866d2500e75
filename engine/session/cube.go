package session

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// groupKey names a dimension with a group of fields.
type groupKey struct {
	target
	dim int
}

// A cached cube is good while nothing that it may depend on has changed.
type cached struct {
	epoch uint64
	cube  *cube.Cube
}

// cachedMax bounds the cubes that a session keeps at hand.
const cachedMax = 200

// appendCube writes the layout of a hypercube or list object.
func (s *Session) appendCube(ctx context.Context, dst []byte, d object.Def) ([]byte, error) {
	c, err := s.compute(ctx, target{d.Object, d.Path}, d.Node, d.State, d.Name == "qListObjectDef")
	if err != nil {
		return nil, err
	}
	return c.AppendLayout(dst), nil
}

// A Place is a hypercube or list object inside an object.
type Place struct {
	target
	State string
	node  *tree.Node
	list  bool
}

// Place finds a definition in an object by its path, which ends in
// qHyperCubeDef or qListObjectDef.
func (s *Session) Place(id, path string) (Place, error) {
	it := s.Item(id)
	if it == nil {
		return Place{}, fmt.Errorf("%w: %s", object.ErrNotFound, id)
	}
	path = "/" + strings.Trim(path, "/")
	props := s.effective(it)
	p := Place{target: target{id, path}, State: "$", node: props.At(path)}
	p.list = strings.HasSuffix(path, "/qListObjectDef")
	if p.node.Kind() != tree.Object || !p.list && !strings.HasSuffix(path, "/qHyperCubeDef") {
		return Place{}, fmt.Errorf("%w: %q", ErrPath, path)
	}
	for i := range path { // the nearest state above counts
		if path[i] == '/' {
			if name := props.At(path[:i]).Get("qStateName").Str(); name != "" {
				p.State = name
			}
		}
	}
	if name := p.node.Get("qStateName").Str(); name != "" {
		p.State = name
	}
	return p, nil
}

// Cube computes what a place shows now.
func (s *Session) Cube(ctx context.Context, p Place) (*cube.Cube, error) {
	return s.compute(ctx, p.target, p.node, p.State, p.list)
}

func (s *Session) compute(ctx context.Context, at target, node *tree.Node, name string, list bool) (*cube.Cube, error) {
	if _, err := s.State(name); err != nil {
		name = "$" // objects may name a state that was removed
	}
	epoch := s.handles.epoch.Load()
	if c, ok := s.cubes[at]; ok && c.epoch == epoch && c.cube.Def.Node == node {
		return c.cube, nil
	}
	def := s.definition(at, node, name, list)
	o, err := s.cubeOptions(ctx, at, def, name)
	if err != nil {
		return nil, err
	}
	c, err := cube.Compute(ctx, s.Context(name), def, o)
	if err != nil {
		return nil, err
	}
	if len(s.cubes) >= cachedMax {
		clear(s.cubes)
	}
	s.cubes[at] = cached{epoch, c}
	return c, nil
}

// definition reads a definition and sets the active fields of its groups.
func (s *Session) definition(at target, node *tree.Node, name string, list bool) *cube.Def {
	lib := cube.Library{
		Dimension: func(id string) *tree.Node { return s.libraryItem(object.Dimension, id).Get("qDim") },
		Measure:   func(id string) *tree.Node { return s.libraryItem(object.Measure, id).Get("qMeasure") },
	}
	var def *cube.Def
	if list {
		def = cube.ParseList(node, lib)
		if def.AutoSortRows <= 0 { // only a positive number switches it on
			def.AutoSortRows = -1
		}
	} else {
		def = cube.Parse(node, lib)
	}
	for i := range def.Dims {
		d := &def.Dims[i]
		switch d.Grouping {
		case 'H':
			d.Active = s.drillLevel(d, name)
		case 'C':
			if n, ok := s.groups[groupKey{at, i}]; ok && n < len(d.Fields) {
				d.Active = n
			}
		}
	}
	return def
}

func (s *Session) libraryItem(kind object.Kind, id string) *tree.Node {
	if it := s.Item(id); it != nil && it.Kind == kind {
		return it.Props
	}
	return nil
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

func (s *Session) cubeOptions(ctx context.Context, at target, def *cube.Def, name string) (o cube.Options, err error) {
	o.Open = s.expanded[at]
	if o.Search = s.searches[at]; o.Search != "" && len(def.Dims) > 0 {
		if f := s.FieldOf(def.Dims[0].Field()); f != nil {
			o.Matches, err = s.Search(ctx, f, name, o.Search)
		}
	}
	return o, err
}

// Page kinds of [Session.AppendPages].
const (
	StraightPages = 'S'
	PivotPages    = 'P'
	StackPages    = 'K'
)

// AppendPages writes an array of pages of a place.
func (s *Session) AppendPages(ctx context.Context, dst []byte, p Place, kind byte, pages []cube.Page) ([]byte, error) {
	c, err := s.Cube(ctx, p)
	if err != nil {
		return nil, err
	}
	if n := cellsOf(c, pages); n > cellsMax {
		return nil, fmt.Errorf("%w: %d cells, %d at a time", ErrTooLarge, n, cellsMax)
	}
	dst = append(dst, '[')
	for _, page := range pages {
		dst = tree.AppendComma(dst)
		switch {
		case c.Err != nil:
			dst = append(dst, `{"qMatrix":[],"qTails":[],"qArea":{"qLeft":0,"qTop":0,"qWidth":0,"qHeight":0}}`...)
		case kind == PivotPages:
			dst = c.AppendPivotPage(dst, page)
		case kind == StackPages:
			dst = c.AppendStackPage(dst, page)
		default:
			dst = c.AppendPage(dst, page)
		}
	}
	return append(dst, ']'), nil
}

// cellsMax bounds the cells of one answer; the memory of one is its rows of
// about a hundred bytes each.
const cellsMax = 1_000_000

// cellsOf returns how many cells the pages of a straight table or list have.
// Those of pivot tables are fewer than what has been computed already.
func cellsOf(c *cube.Cube, pages []cube.Page) (n int) {
	if c.Def.Mode != cube.Straight {
		return 0
	}
	for _, p := range pages {
		n += min(max(p.Width, 0), c.Dims()+c.Measures()) * min(max(p.Height, 0), c.Rows)
	}
	return n
}

// PickElements selects element numbers of a dimension of a place.
func (s *Session) PickElements(ctx context.Context, p Place, dim int, elements []int, how Pick) (bool, error) {
	c, err := s.Cube(ctx, p)
	if err != nil {
		return false, err
	}
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
	order := shownColumns(c)
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
		f, codes, ok := c.Pick(dim, elements)
		if !ok {
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

// shownColumns returns the columns in the order in which pages show them.
func shownColumns(c *cube.Cube) []int {
	n := c.Dims() + c.Measures()
	var order []int
	for _, col := range c.Def.ColumnOrder {
		if col >= 0 && col < n && !slices.Contains(order, col) {
			order = append(order, col)
		}
	}
	for col := range n {
		if !slices.Contains(order, col) {
			order = append(order, col)
		}
	}
	return order
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

// SearchFor limits a list object to the values that match; "" ends that.
func (s *Session) SearchFor(ctx context.Context, p Place, text string) (found bool, err error) {
	f, err := s.fieldAt(ctx, p, 0)
	if err != nil {
		return false, err
	}
	if text == "" {
		s.AbortSearch(p)
		return true, nil
	}
	if f != nil {
		codes, err := s.Search(ctx, f, p.State, text)
		if err != nil {
			return false, err
		}
		found = !codes.Empty()
	}
	s.searches[p.target] = text
	s.objectChanged(p.object)
	return found, nil
}

// AbortSearch ends the search of a list object, if there is one.
func (s *Session) AbortSearch(p Place) {
	if _, ok := s.searches[p.target]; ok {
		delete(s.searches, p.target)
		s.objectChanged(p.object)
	}
}

// AcceptSearch selects what a list object's search has found, and ends it.
func (s *Session) AcceptSearch(ctx context.Context, p Place, how Pick) (bool, error) {
	text := s.searches[p.target]
	f, err := s.fieldAt(ctx, p, 0)
	if err != nil || f == nil || text == "" {
		return false, err
	}
	codes, err := s.Search(ctx, f, p.State, text)
	if err != nil {
		return false, err
	}
	s.AbortSearch(p)
	return s.Select(f, codes, s.in(p, how))
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
