package script

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An outCol computes one field of a LOAD.
type outCol struct {
	name   string
	direct int      // input that is the field, from 1; 0 = prog
	prog   *program // of an expression
	read   *memo    // reads the texts that prog makes
}

// A stage is one LOAD without aggregation: a reader over another one.
type stage struct {
	feed *feed
	out  []outCol
}

var _ source.Reader = (*stage)(nil)

func newStage(f *feed, fields []loadField) (*stage, error) {
	s := &stage{feed: f, out: make([]outCol, len(fields))}
	for i, x := range fields {
		c := outCol{name: x.name}
		if field, ok := x.node.(*expr.Field); ok {
			c.direct = f.field(field.Name)
		}
		if c.direct == 0 {
			var err error
			if c.prog, err = f.compile(storedLiteral(x.node), phaseOutput); err != nil {
				return nil, err
			}
			c.read = interpreter(f.r.fn.Locale)
		}
		s.out[i] = c
	}
	return s, nil
}

// storedLiteral gives a number that is a whole expression the text it was
// written with: LOAD 1 as Counter stores the text, too.
func storedLiteral(n expr.Node) expr.Node {
	l, ok := n.(*expr.Literal)
	if !ok || !l.Value.HasNum() {
		return n
	}
	return &expr.Literal{At: l.At, Text: l.Text, Value: dual.New(l.Text, l.Value.Num)}
}

// Fields implements [source.Reader].
func (s *stage) Fields() []string { return outNames(s.out) }

func outNames(out []outCol) []string {
	names := make([]string, len(out))
	for i := range out {
		names[i] = out[i].name
	}
	return names
}

// Next implements [source.Reader].
func (s *stage) Next(ctx context.Context) (*source.Batch, error) {
	n, vecs, err := s.feed.next(ctx)
	if err != nil {
		return nil, err
	}
	columns, err := project(s.out, n, vecs, s.feed.serial || s.feed.single)
	return s.feed.consumed(n, columns), err
}

// Close implements [source.Reader].
func (s *stage) Close() error { return s.feed.in.Close() }

// project computes the output columns for n rows.
func project(out []outCol, n int, vecs []dual.Vector, serial bool) ([]dual.Vector, error) {
	columns := make([]dual.Vector, len(out))
	one := func(i int) error {
		c := &out[i]
		if c.direct > 0 {
			columns[i] = vecs[c.direct-1]
			return nil
		}
		v, err := c.prog.run.Vector(n, vecs)
		if err != nil {
			return fmt.Errorf("field %s: %w", c.name, err)
		}
		columns[i] = c.read.vector(v, false)
		return nil
	}
	const small = 1 << 12 // rows below which goroutines cost more than they gain
	if serial || n < small || len(out) < 2 {
		for i := range out {
			if err := one(i); err != nil {
				return nil, err
			}
		}
		return columns, nil
	}
	var g errgroup.Group
	for i := range out {
		g.Go(func() error { return one(i) })
	}
	return columns, g.Wait()
}

// outputFields replaces * by the fields of the input and looks for names that
// are there twice.
func outputFields(l *load, in reader) ([]loadField, error) {
	var out []loadField
	for _, f := range l.fields {
		if !f.star {
			out = append(out, f)
			continue
		}
		for _, name := range in.Fields() {
			out = append(out, loadField{name: name, node: &expr.Field{Name: name, Quoted: true}})
		}
	}
	seen := map[string]bool{}
	for _, f := range out {
		if seen[f.name] {
			return nil, fmt.Errorf("field %q is there twice", f.name)
		}
		seen[f.name] = true
	}
	return out, nil
}

// neededFields returns the fields of its source that a load uses; nil means
// all.
func neededFields(l *load) []string {
	var nodes []expr.Node
	for _, f := range l.fields {
		if f.star {
			return nil
		}
		nodes = append(nodes, f.node)
	}
	return fieldsIn(append(nodes, conditions(l)...))
}

// computedFields returns the fields of its source that expressions of a load
// read.
func computedFields(l *load) []string {
	nodes := conditions(l)
	for _, f := range l.fields {
		if _, direct := f.node.(*expr.Field); !f.star && !direct {
			nodes = append(nodes, f.node)
		}
	}
	return fieldsIn(nodes)
}

// conditions returns the expressions of a load that are not its fields.
func conditions(l *load) []expr.Node {
	nodes := slices.Clone(l.groupBy)
	for _, n := range []expr.Node{l.where, l.while} {
		if n != nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// fieldsIn returns the fields that expressions read.
func fieldsIn(nodes []expr.Node) []string {
	fields := []string{}
	for _, n := range nodes {
		for _, name := range expr.Fields(n) {
			if !slices.Contains(fields, name) {
				fields = append(fields, name)
			}
		}
		// Exists(field) reads the field of the row although it names it as text.
		expr.Walk(n, func(n expr.Node) bool {
			if c, ok := n.(*expr.Call); ok {
				for _, a := range c.Args {
					if l, ok := a.(*expr.Literal); ok && !l.Value.HasNum() {
						fields = append(fields, l.Value.Text)
					}
				}
			}
			return true
		})
	}
	return fields
}
