package query

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/dual"
)

func itoa(n int) string { return strconv.Itoa(n) }

// modelFunc returns the function of that name (in lower case) that looks into
// the data model, nil if there is none.
func (c *Context) modelFunc(lower string) *fn.Func {
	field := func(v dual.Value) *model.Field { return c.model().Field(c.Fn.Locale.Text(v)) }
	eval := func(name string, args int, f func(args []dual.Value) dual.Value) *fn.Func {
		return &fn.Func{Name: name, Min: args, Max: args, Eval: func(_ *fn.Context, a []dual.Value) dual.Value {
			if len(a) != args {
				return dual.Value{}
			}
			return f(a)
		}}
	}
	switch lower {
	case "fieldvaluecount":
		return eval("FieldValueCount", 1, func(a []dual.Value) dual.Value {
			if f := field(a[0]); f != nil {
				return dual.Number(float64(f.Symbols.Len()))
			}
			return dual.Value{}
		})
	case "fieldvalue":
		return eval("FieldValue", 2, func(a []dual.Value) dual.Value {
			f, n := field(a[0]), a[1].Float()
			if f == nil || !(n >= 1 && n <= float64(f.Symbols.Len())) {
				return dual.Value{}
			}
			return f.Value(uint32(n))
		})
	case "fieldindex":
		return eval("FieldIndex", 2, func(a []dual.Value) dual.Value {
			f := field(a[0])
			if f == nil {
				return dual.Value{}
			}
			return dual.Number(float64(f.Symbols.Find(a[1])))
		})
	case "noofrows":
		return eval("NoOfRows", 1, func(a []dual.Value) dual.Value {
			if t := c.model().Table(c.Fn.Locale.Text(a[0])); t != nil {
				return dual.Number(float64(t.Rows))
			}
			return dual.Value{}
		})
	}
	return nil
}

// selectionFunc evaluates the functions that tell what is selected; they are
// constants of a grid. ok = false for other names.
func (p *planner) selectionFunc(lower string, n *expr.Call) (expr.Node, bool, error) {
	if lower == "statename" && len(n.Args) == 0 {
		name := p.c.State
		if name == "" {
			name = state.Default
		}
		return &constNode{n.At, dual.String(name)}, true, nil
	}
	if lower == "getcurrentselections" {
		v, err := p.currentSelections(n)
		return &constNode{n.At, v}, true, err
	}
	f, ok := selectionFuncs[lower]
	if !ok {
		return nil, false, nil
	}
	if len(n.Args) == 0 {
		return nil, true, errorAt(n, "%s takes the name of a field", n.Name)
	}
	var name string
	switch a := n.Args[0].(type) {
	case *expr.Field:
		name = a.Name
	case *expr.Literal:
		name = a.Value.Text
	default:
		return nil, true, errorAt(a, "%s takes the name of a field", n.Name)
	}
	field := p.c.model().Field(name)
	if field == nil {
		return nil, true, errorAt(n, "no field %s", name)
	}
	args, err := p.constants(n.Args[1:])
	if err != nil {
		return nil, true, err
	}
	return &constNode{n.At, f(p.c, field, args)}, true, nil
}

func (p *planner) constants(nodes []expr.Node) ([]dual.Value, error) {
	var args []dual.Value
	for _, a := range nodes {
		v, err := p.constant(a, p.context)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	return args, nil
}

var selectionFuncs = map[string]func(c *Context, f *model.Field, args []dual.Value) dual.Value{
	"getselectedcount": func(c *Context, f *model.Field, args []dual.Value) dual.Value {
		n := c.counts(f, args, 1)
		count := n[infer.Selected] + n[infer.Locked]
		if len(args) > 0 && args[0].True() {
			count += n[infer.SelectedExcluded] + n[infer.LockedExcluded]
		}
		return dual.Number(float64(count))
	},
	"getpossiblecount": func(c *Context, f *model.Field, args []dual.Value) dual.Value {
		n := c.counts(f, args, 0)
		return dual.Number(float64(n[infer.Selected] + n[infer.Locked] + n[infer.Optional]))
	},
	"getalternativecount": func(c *Context, f *model.Field, args []dual.Value) dual.Value {
		return dual.Number(float64(c.counts(f, args, 0)[infer.Alternative]))
	},
	"getexcludedcount": func(c *Context, f *model.Field, args []dual.Value) dual.Value {
		n := c.counts(f, args, 0)
		return dual.Number(float64(n[infer.Excluded] + n[infer.Alternative] + n[infer.SelectedExcluded] + n[infer.LockedExcluded]))
	},
	"getnotselectedcount": func(*Context, *model.Field, []dual.Value) dual.Value {
		return dual.Number(0) // there is no and-mode yet
	},
	"getfieldselections": func(c *Context, f *model.Field, args []dual.Value) dual.Value {
		sep, most := ", ", 6
		if len(args) > 0 {
			sep = c.Fn.Locale.Text(args[0])
		}
		if len(args) > 1 && args[1].HasNum() {
			most = int(math.Min(args[1].Num, math.MaxInt32))
		}
		text := c.selections(c.stateOf(args, 2), f, sep, most)
		if text == "" {
			return dual.Value{}
		}
		return dual.String(text)
	},
}

// stateOf returns the state named by argument i, the context's without it.
func (c *Context) stateOf(args []dual.Value, i int) *state.State {
	if i >= len(args) {
		return c.current()
	}
	st, _ := c.History.Now().State(c.Fn.Locale.Text(args[i]))
	return st
}

func (c *Context) counts(f *model.Field, args []dual.Value, stateArg int) infer.Counts {
	return c.Infer.Counts(c.stateOf(args, stateArg), f)
}

// selections lists what is selected in a field, as GetFieldSelections shows
// it.
func (c *Context) selections(st *state.State, f *model.Field, sep string, most int) string {
	sel, ok := st.Field(f.Name)
	if !ok {
		return ""
	}
	n, all := sel.Codes.Count(), f.Symbols.Len()
	texts := func(selected bool) []string {
		var out []string
		each(f, func(code uint32, v dual.Value) {
			if sel.Codes.Has(int(code)) == selected {
				out = append(out, c.Fn.Locale.Text(v))
			}
		})
		return out
	}
	switch {
	case n <= most:
		return strings.Join(texts(true), sep)
	case n == all:
		return "ALL"
	case all-n <= 2:
		return "NOT " + strings.Join(texts(false), sep)
	default:
		return fmt.Sprintf("%d of %d", n, all)
	}
}

// Selections lists what is selected in a field of the context's state, at
// most so many values by name; "" where nothing is.
func (c *Context) Selections(field string, most int) string {
	f := c.model().Field(field)
	if f == nil {
		return ""
	}
	return c.selections(c.current(), f, ", ", most)
}

// currentSelections is GetCurrentSelections([between fields[, behind a name[,
// between values[, most values[, state]]]]]).
func (p *planner) currentSelections(n *expr.Call) (dual.Value, error) {
	args, err := p.constants(n.Args)
	if err != nil {
		return dual.Value{}, err
	}
	text := func(i int, missing string) string {
		if i < len(args) {
			return p.c.Fn.Locale.Text(args[i])
		}
		return missing
	}
	most := 6
	if len(args) > 3 && args[3].HasNum() {
		most = int(math.Min(args[3].Num, math.MaxInt32))
	}
	st := p.c.stateOf(args, 4)
	var records []string
	for _, name := range p.c.History.Now().Order(text(4, p.c.State)) {
		if f := p.c.model().Field(name); f != nil {
			records = append(records, name+text(1, ": ")+p.c.selections(st, f, text(2, ", "), most))
		}
	}
	if records == nil {
		return dual.Value{}, nil
	}
	return dual.String(strings.Join(records, text(0, "\r\n"))), nil
}
