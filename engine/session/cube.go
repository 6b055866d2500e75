package session

import (
	"context"
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// An own cube is one that no other session can use: a search, or nodes opened
// by the user, or the time. It is good while nothing that it may depend on has
// changed.
type ownCube struct {
	epoch uint64
	node  *tree.Node // the definition
	cube  *cube.Cube
}

// ownMax bounds the cubes that a session keeps for itself.
const ownMax = 20

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
	if c, ok := s.cubes[at]; ok && c.epoch == epoch && c.node == node {
		return c.cube, nil
	}
	delete(s.cubes, at)
	def := s.definition(at, node, name, list)
	o, err := s.cubeOptions(ctx, at, def, name)
	if err != nil {
		return nil, err
	}
	c, shared, err := s.inTime(ctx, name, def, o)
	if err != nil || shared {
		return c, err
	}
	if len(s.cubes) >= ownMax {
		clear(s.cubes)
	}
	s.cubes[at] = ownCube{epoch, node, c}
	return c, nil
}

// inTime computes a cube within the time that there is for it.
func (s *Session) inTime(ctx context.Context, name string, def *cube.Def, o cube.Options) (c *cube.Cube, shared bool, err error) {
	q, limit := s.Context(name), s.lib.Limits().ObjectTime
	if limit <= 0 {
		return s.data.Results.Compute(ctx, q, def, o)
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c, shared, err = s.data.Results.Compute(within, q, def, o)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return cube.Late(q, def, limit), false, nil
	}
	return c, shared, err
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
