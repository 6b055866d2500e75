package query

import (
	"fmt"
	"slices"
	"sync"

	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A DimDef defines a dimension: a field by name, or an expression.
type DimDef struct {
	Field string
	Expr  string // used when Field is ""
	// Listed says that only values are asked for: of a field alone nobody then
	// looks for NULL, which takes all its rows into memory.
	Listed bool
}

// A dim is a dimension of a grid. A calculated dimension has codes of its own
// for the values that it takes.
type dim struct {
	field  *model.Field   // plain
	listed bool           // plain, NULL is not asked for
	inputs []*model.Field // calculated: the fields it depends on
	node   expr.Node      // calculated: over fieldNode and aggrNode
	aggrs  []*aggr
	call   string // synthetic: the call of ValueList or ValueLoop

	values  *storage.Field // calculated: the values met so far
	through []uint32       // calculated from one field: its code -> own code
	mu      sync.Mutex     // guards values while a scan runs
}

// fields returns the fields whose codes decide the dimension's value.
func (d *dim) fields() []*model.Field {
	if d.field != nil {
		return []*model.Field{d.field}
	}
	return d.inputs
}

// source returns the field that holds the dimension's values.
func (d *dim) source() *storage.Field {
	if d.field != nil {
		return d.field.Field
	}
	return d.values
}

// size returns the number of codes, 0 while it is not known.
func (d *dim) size() uint64 {
	switch {
	case d.field != nil:
		return uint64(d.field.Symbols.Len() + 1)
	case d.through != nil:
		return uint64(d.values.Symbols.Len() + 1)
	}
	return 0
}

// dim resolves the definition of a dimension. A calculated dimension that is
// nothing but a field is that field.
func (p *planner) dim(def DimDef) (*dim, error) {
	m := p.c.model()
	if def.Field != "" {
		if f := m.Field(def.Field); f != nil {
			return &dim{field: f, listed: def.Listed}, nil
		}
		return nil, fmt.Errorf("%w: no field %q", ErrInvalidDimension, def.Field)
	}
	node, err := p.c.parse(p.ctx, def.Expr, p.depth)
	if err != nil {
		return nil, err
	}
	if f, ok := node.(*expr.Field); ok && m.Field(f.Name) != nil {
		return &dim{field: m.Field(f.Name), listed: def.Listed}, nil
	}
	if d, err := p.synthetic(node); d != nil || err != nil {
		return d, err
	}
	d := &dim{values: &storage.Field{Symbols: &storage.Symbols{}}}
	rec := &recordResolver{p: p, scope: p.context}
	if d.node, err = rec.resolve(node, 0); err != nil {
		return nil, err
	}
	d.inputs, d.aggrs = rec.fields, rec.aggrs
	for _, a := range d.aggrs {
		for _, f := range a.fields {
			if !slices.Contains(d.inputs, f) {
				d.inputs = append(d.inputs, f)
			}
		}
	}
	if len(d.inputs) == 0 {
		return nil, fmt.Errorf("%w: %s depends on no field", ErrInvalidDimension, def.Expr)
	}
	if len(d.inputs) == 1 {
		return d, d.translate(p.c)
	}
	return d, nil
}

// translate evaluates a dimension over one field once per value.
func (d *dim) translate(c *Context) error {
	f := d.inputs[0]
	codes := make([]uint32, f.Symbols.Len()+1)
	for i := range codes {
		codes[i] = uint32(i)
	}
	d.through = make([]uint32, len(codes))
	return d.calculator(c).codes(d.through, [][]uint32{codes})
}

// A calculator computes codes of a calculated dimension in one goroutine.
type calculator struct {
	d      *dim
	c      *Context
	run    *eval.Run
	err    error
	inputs []input
	known  *groups  // combinations of field codes met before
	own    []uint32 // their code
}

func (d *dim) calculator(c *Context) *calculator {
	k := &calculator{d: d, c: c, known: newGroups(make([]uint64, len(d.inputs)))}
	s := &scan{c: c, col: map[*model.Field]int{}}
	for _, f := range d.inputs {
		s.column(f)
	}
	env := newRecordEnv(s, &job{fields: d.inputs, aggrs: d.aggrs})
	p, err := c.program(d.node, env)
	if err != nil {
		k.err = err
		return k
	}
	k.run, k.inputs = p.Start(), env.inputs
	return k
}

// codes writes the dimension's codes for records with the given codes of its
// fields. Each combination of field codes is evaluated once.
func (k *calculator) codes(dst []uint32, fields [][]uint32) error {
	if k.err != nil {
		return k.err
	}
	tuple := make([]uint32, len(fields))
	var fresh [][]uint32
	for range fields {
		fresh = append(fresh, nil)
	}
	for i := range dst {
		for f := range fields {
			tuple[f] = fields[f][i]
		}
		before := k.known.n
		dst[i] = k.known.of(tuple) // replaced by the own code below
		if k.known.n > before {
			for f := range fields {
				fresh[f] = append(fresh[f], tuple[f])
			}
		}
	}
	if len(fresh[0]) > 0 {
		if err := k.evaluate(fresh); err != nil {
			return err
		}
	}
	for i, g := range dst {
		dst[i] = k.own[g]
	}
	return nil
}

// evaluate appends to own the codes of new combinations of field codes.
func (k *calculator) evaluate(fresh [][]uint32) error {
	b := &batch{n: len(fresh[0]), cols: fresh}
	inputs := make([]dual.Vector, len(k.inputs))
	for i, in := range k.inputs {
		v, err := in.vector(&worker{}, b)
		if err != nil {
			return err
		}
		inputs[i] = v
	}
	v, err := k.run.Vector(b.n, inputs)
	if err != nil {
		return err
	}
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	for i := range b.n {
		x := v.At(i)
		if x.Kind == dual.Num && x.Format != nil && k.d.values.Format == nil {
			k.d.values.Format = x.Format
		}
		code, err := k.d.values.Symbols.Code(x)
		if err != nil {
			return err
		}
		k.own = append(k.own, code)
	}
	return nil
}
