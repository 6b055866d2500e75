package script

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A mapping is a mapping table: it is not part of the data model.
type mapping struct {
	values map[key]dual.Value
	parts  []part // keys as texts, for MapSubString
}

type part struct{ from, to string }

// storeMapping makes a mapping table of the first two columns. The first
// entry of a key wins.
func (r *runner) storeMapping(name string, in reader) error {
	if len(in.Fields()) < 2 {
		return fmt.Errorf("mapping table %s has %d fields, want two", name, len(in.Fields()))
	}
	m := &mapping{values: map[key]dual.Value{}}
	for {
		b, err := in.Next(r.ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		for i := range b.Rows {
			k, v := b.Columns[0].At(i), b.Columns[1].At(i)
			if _, ok := m.values[keyOf(k)]; ok || k.IsNull() {
				continue
			}
			m.values[keyOf(k)] = v
			if from := r.show(k); from != "" {
				m.parts = append(m.parts, part{from, r.show(v)})
			}
		}
	}
	// Longer keys first: where two keys match at one place the longer one counts.
	slices.SortStableFunc(m.parts, func(a, b part) int { return len(b.from) - len(a.from) })
	r.maps[name] = m
	r.event(Event{Kind: TableFinished, Table: name, Rows: len(m.values)})
	return nil
}

// find returns what a value is mapped to. A text that reads as a number finds
// the number, too.
func (m *mapping) find(x *fn.Context, v dual.Value) (dual.Value, bool) {
	if v.IsNull() {
		return v, false
	}
	to, ok := m.values[keyOf(v)]
	if !ok && v.Kind == dual.Text {
		if n := dual.Number(x.Locale.Num(v)); !n.IsNull() {
			to, ok = m.values[keyOf(n)]
		}
	}
	return to, ok
}

// mapArg returns the mapping table that the first argument names.
func (e *env) mapArg(c *expr.Call) (*mapping, error) {
	v, err := e.r.compute(e.nameArg(c.Args[0]))
	if err != nil {
		return nil, err
	}
	name := e.r.show(v)
	m := e.r.maps[name]
	if m == nil {
		return nil, &expr.Error{At: c.At, Msg: fmt.Sprintf("%s: mapping table %q not found", c.Name, name)}
	}
	return m, nil
}

// bindApplyMap binds ApplyMap(map, expr [, default]).
func bindApplyMap(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if err := arity(c, 2, 3); err != nil {
		return eval.Binding{}, false, err
	}
	m, err := e.mapArg(c)
	if err != nil {
		return eval.Binding{}, false, err
	}
	return e.scalar(c, &fn.Func{Name: "ApplyMap", Eval: func(x *fn.Context, args []dual.Value) dual.Value {
		if to, ok := m.find(x, args[0]); ok {
			return to
		}
		return args[len(args)-1] // the default, else the value itself
	}}, c.Args[1:]...)
}

// bindMapSubString binds MapSubString(map, text).
func bindMapSubString(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if err := arity(c, 2, 2); err != nil {
		return eval.Binding{}, false, err
	}
	m, err := e.mapArg(c)
	if err != nil {
		return eval.Binding{}, false, err
	}
	return e.scalar(c, &fn.Func{Name: "MapSubString", Eval: func(x *fn.Context, args []dual.Value) dual.Value {
		if args[0].IsNull() {
			return dual.Value{}
		}
		return dual.String(m.replace(x.Locale.Text(args[0])))
	}}, c.Args[1])
}

// replace replaces the keys in s from left to right; what was put in is not
// looked at again.
func (m *mapping) replace(s string) string {
	var out strings.Builder
next:
	for i := 0; i < len(s); {
		for _, p := range m.parts {
			if strings.HasPrefix(s[i:], p.from) {
				out.WriteString(p.to)
				i += len(p.from)
				continue next
			}
		}
		out.WriteByte(s[i])
		i++
	}
	return out.String()
}
