package script

import (
	"fmt"
	"math"
	"strings"

	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// bindRecNo binds RecNo(): the number of the input row.
func bindRecNo(e *env, _ *expr.Call) (eval.Binding, bool, error) {
	if e.feed == nil || e.group != nil {
		return constant(dual.Value{})
	}
	return eval.Binding{Input: e.feed.input(feedCol{kind: colRecNo})}, true, nil
}

// bindRowNo binds RowNo(): the number of the row in the table being loaded.
// It is known for many rows at once only where no row is left out any more.
// WHILE and WHERE are asked before there is a row: they see the number of rows
// so far (script-truth s03: WHILE RowNo() < n makes n rows).
func bindRowNo(e *env, _ *expr.Call) (eval.Binding, bool, error) {
	if e.feed == nil {
		return constant(dual.Value{})
	}
	if e.group != nil {
		if !e.feed.top {
			e.needsRows()
		}
		return eval.Binding{Input: e.group[rowNoInput]}, true, nil
	}
	if e.phase != phaseOutput || !e.feed.top {
		e.needsRows()
	}
	kind := colRowNo
	if e.phase != phaseOutput {
		kind = colRowsSoFar
	}
	return eval.Binding{Input: e.feed.input(feedCol{kind: kind})}, true, nil
}

// bindIterNo binds IterNo(): the number of the iteration of WHILE.
func bindIterNo(e *env, _ *expr.Call) (eval.Binding, bool, error) {
	if e.feed == nil || e.group != nil || e.phase == phaseWhere || !e.feed.hasWhile {
		return constant(dual.Value{})
	}
	return eval.Binding{Input: e.feed.input(feedCol{kind: colIterNo})}, true, nil
}

// bindPrevious binds Previous(expr): the value on the input row before.
func bindPrevious(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if err := arity(c, 1, 1); err != nil {
		return eval.Binding{}, false, err
	}
	if e.feed == nil || e.group != nil {
		return constant(dual.Value{})
	}
	if e.phase == phaseWhere {
		e.needsRows()
	}
	p, err := e.feed.compile(c.Args[0], e.phase)
	if err != nil {
		return eval.Binding{}, false, err
	}
	return eval.Binding{Input: e.feed.input(feedCol{kind: colPrevious, key: expr.String(c), prog: p})}, true, nil
}

// bindSubField binds SubField(text, delimiter), which makes a row per part.
func bindSubField(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if len(c.Args) != 2 || e.feed == nil || e.group != nil || e.phase != phaseOutput {
		return eval.Binding{}, false, nil
	}
	text, err := e.feed.compile(c.Args[0], e.phase)
	if err != nil {
		return eval.Binding{}, false, err
	}
	delim, err := e.feed.compile(c.Args[1], e.phase)
	if err != nil {
		return eval.Binding{}, false, err
	}
	return eval.Binding{Input: e.feed.input(feedCol{kind: colSubField, prog: text, delim: delim})}, true, nil
}

// bindText binds Text(x), whose result stays a text when it is stored.
func bindText(e *env, c *expr.Call) (eval.Binding, bool, error) {
	f := fn.Lookup("text")
	if e.feed == nil || f == nil || len(c.Args) != 1 {
		return eval.Binding{}, false, nil
	}
	return eval.Binding{Func: &fn.Func{Name: "Text", Min: 1, Max: 1, Eval: func(x *fn.Context, args []dual.Value) dual.Value {
		v := f.Eval(x, args)
		if v.Kind == dual.Text {
			v.Format = keepText
		}
		return v
	}}}, true, nil
}

// bindEvaluate binds Evaluate(text): the result of the text as an expression,
// NULL if it is none.
func bindEvaluate(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if err := arity(c, 1, 1); err != nil {
		return eval.Binding{}, false, err
	}
	e.looks()
	depth := 0
	return eval.Binding{Func: &fn.Func{Name: "Evaluate", Volatile: true, Eval: func(x *fn.Context, args []dual.Value) dual.Value {
		n, err := expr.Parse(x.Locale.Text(args[0]), expr.Options{Script: true})
		if err != nil || depth > 0 {
			return dual.Value{}
		}
		depth++
		defer func() { depth-- }()
		v, err := e.r.compute(n)
		if err != nil {
			return dual.Value{}
		}
		return v
	}}}, true, nil
}

// bindPeek binds Peek(field [, row [, table]]): a value of a stored row.
func bindPeek(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if err := arity(c, 1, 3); err != nil {
		return eval.Binding{}, false, err
	}
	args := append([]expr.Node(nil), c.Args...)
	args[0] = e.nameArg(args[0])
	if len(args) < 3 {
		e.needsRows()
	} else {
		args[2] = e.nameArg(args[2])
		if name, ok := literal(args[2]); ok && e.feed != nil {
			e.feed.peeks = append(e.feed.peeks, name)
		} else {
			e.needsRows()
		}
	}
	e.looks()
	return e.scalar(c, &fn.Func{Name: "Peek", Volatile: true, Eval: e.r.peek}, args...)
}

// peek is Peek with its values.
func (r *runner) peek(x *fn.Context, args []dual.Value) dual.Value {
	row := -1.0
	if len(args) > 1 {
		row = math.Trunc(x.Locale.Num(args[1]))
	}
	if math.IsNaN(row) || math.Abs(row) > storage.RowsMax {
		return dual.Value{}
	}
	table := ""
	if len(args) > 2 {
		table = x.Locale.Text(args[2])
	}
	return r.stored(table, x.Locale.Text(args[0]), int(row))
}

// stored returns the value of a field in a row of a table; negative rows
// count from the end, no table is the one being loaded, or the last one.
func (r *runner) stored(table, field string, row int) dual.Value {
	if o := r.loading; o != nil && (table == "" || table == o.name) {
		return o.value(field, row)
	}
	if table == "" {
		table = r.last
	}
	t := r.section.Table(table)
	if t == nil {
		return dual.Value{}
	}
	if row < 0 {
		row += t.Rows
	}
	c := t.Column(field)
	if c == nil || row < 0 || row >= t.Rows {
		return dual.Value{}
	}
	return c.Field.Value(c.Code(row))
}

// rowNo returns the number that the next row of the table being loaded gets.
func (r *runner) rowNo() int {
	if r.loading == nil {
		return 1
	}
	return r.loading.builder.Rows() + 1
}

// liveCodes tells which values of a field are in a table: seen[code] is 1.
type liveCodes struct {
	seen []uint8
	list []uint32 // the codes seen, ascending; nil until it is asked for
}

// liveOf returns the values of f that tables hold, and, in a load that runs
// row by row, those of the rows stored so far.
func (r *runner) liveOf(f *storage.Field) []uint8 {
	if l, ok := r.live[f]; ok {
		return l.seen
	}
	seen := make([]uint8, f.Symbols.Len()+1)
	seen[0] = 1
	open := f.Symbols.Len()
	for _, t := range r.section.Tables() {
		if c := t.Column(f.Name); c != nil {
			open = c.Mark(seen, nil, open)
		}
	}
	r.live[f] = liveCodes{seen: seen}
	return seen
}

// bindExists binds Exists(field [, expr]).
func bindExists(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if err := arity(c, 1, 2); err != nil {
		return eval.Binding{}, false, err
	}
	name := ""
	switch n := c.Args[0].(type) {
	case *expr.Field:
		name = n.Name
	case *expr.Literal:
		name = n.Value.Text
	default:
		return eval.Binding{}, false, &expr.Error{At: n.Pos(), Msg: "Exists: want the name of a field"}
	}
	arg := expr.Node(&expr.Field{At: c.At, Name: name})
	if len(c.Args) == 2 {
		arg = c.Args[1]
	}
	if e.feed != nil {
		e.feed.exists = append(e.feed.exists, name)
	}
	e.looks()
	f := &fn.Func{Name: "Exists", Eval: func(_ *fn.Context, args []dual.Value) dual.Value {
		return dual.Bool(e.r.exists(name, args[0]))
	}}
	// On a field that grows while the load runs the answer changes; the memo
	// of the program must not keep it.
	f.Volatile = e.feed != nil && !e.r.frozen(name)
	return e.scalar(c, f, arg)
}

// frozen reports whether no row of the running load goes to the field. It is
// asked before the output fields are known, so it looks at the statement.
func (r *runner) frozen(field string) bool {
	return !r.outputs[field] && !r.outputsStar
}

// exists reports whether a field has the value in a stored row.
func (r *runner) exists(field string, v dual.Value) bool {
	f := r.section.Field(field)
	if f == nil || v.IsNull() {
		return false
	}
	code := f.Symbols.Find(v)
	if code == 0 && v.Kind == dual.Text {
		code = f.Symbols.Find(r.read(v.Text))
	}
	seen := r.liveOf(f)
	return code != 0 && int(code) < len(seen) && seen[code] != 0
}

// A series is a numbering of AutoNumber.
type series struct {
	numbers map[key]float64
}

// number returns the number of v, a new one for a new value.
func (s *series) number(v dual.Value) float64 {
	k := keyOf(v)
	n, ok := s.numbers[k]
	if !ok {
		n = float64(len(s.numbers) + 1)
		s.numbers[k] = n
	}
	return n
}

// seriesOf returns the named numbering.
func (r *runner) seriesOf(id string) *series {
	s := r.series[id]
	if s == nil {
		s = &series{map[key]float64{}}
		r.series[id] = s
	}
	return s
}

// bindAutoNumber binds AutoNumber(expr [, id]).
func bindAutoNumber(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if err := arity(c, 1, 2); err != nil {
		return eval.Binding{}, false, err
	}
	e.looks()
	return eval.Binding{Func: &fn.Func{Name: "AutoNumber", Volatile: true, Eval: func(x *fn.Context, args []dual.Value) dual.Value {
		if args[0].IsNull() {
			return dual.Value{}
		}
		id := ""
		if len(args) > 1 {
			id = x.Locale.Text(args[1])
		}
		return dual.Formatted(e.r.seriesOf(id).number(args[0]), fn.FormatCounter)
	}}}, true, nil
}

// bindAutoNumberHash binds AutoNumberHash128 and 256: the numbering of the
// combinations of the arguments.
func bindAutoNumberHash(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if err := arity(c, 1, -1); err != nil {
		return eval.Binding{}, false, err
	}
	e.looks()
	id := strings.ToLower(c.Name)
	return eval.Binding{Func: &fn.Func{Name: c.Name, Volatile: true, Eval: func(x *fn.Context, args []dual.Value) dual.Value {
		var k strings.Builder
		for _, a := range args {
			text := x.Locale.Text(a)
			fmt.Fprintf(&k, "%d %d %s ", a.Kind&dual.Num, len(text), text)
		}
		return dual.Formatted(e.r.seriesOf(id).number(dual.String(k.String())), fn.FormatCounter)
	}}}, true, nil
}
