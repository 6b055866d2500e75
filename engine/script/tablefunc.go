package script

import (
	"math"
	"slices"

	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// tableFunc binds a function of least to most arguments that reads tables;
// arguments that may be bare names are those marked in names.
func tableFunc(e *env, c *expr.Call, least, most int, names []int, f func(x *fn.Context, args []dual.Value) dual.Value) (eval.Binding, bool, error) {
	if err := arity(c, least, most); err != nil {
		return eval.Binding{}, false, err
	}
	args := append([]expr.Node(nil), c.Args...)
	for _, i := range names {
		if i < len(args) {
			args[i] = e.nameArg(args[i])
		}
	}
	e.looks()
	return e.scalar(c, &fn.Func{Name: c.Name, Volatile: true, Eval: f}, args...)
}

func integer(n int) dual.Value { return dual.Formatted(float64(n), fn.FormatInteger) }

// index returns argument i as a whole number; ok is false if it is none.
func index(x *fn.Context, args []dual.Value, i int) (int, bool) {
	n := math.Trunc(x.Locale.Num(args[i]))
	if !(math.Abs(n) <= math.MaxInt32) {
		return 0, false
	}
	return int(n), true
}

// tableArg returns the table that argument i names, nil if there is none. An
// absent argument means the last table.
func (r *runner) tableArg(x *fn.Context, args []dual.Value, i int) *storage.Table {
	name := r.last
	if i < len(args) {
		name = x.Locale.Text(args[i])
	}
	if r.loading != nil && r.loading.name == name {
		return r.loading.builder.Table()
	}
	return r.section.Table(name)
}

// codes returns the codes of a field's values in load order, which is
// ascending.
func (r *runner) codes(field string) (*storage.Field, []uint32) {
	f := r.section.Field(field)
	if f == nil {
		return nil, nil
	}
	seen := r.liveOf(f)
	if l := r.live[f]; l.list != nil {
		return f, l.list
	}
	list := []uint32{}
	for code, s := range seen {
		if code > 0 && s != 0 {
			list = append(list, uint32(code))
		}
	}
	r.live[f] = liveCodes{seen, list}
	return f, list
}

// fieldValues returns the values of a field in load order.
func (r *runner) fieldValues(field string) []dual.Value {
	f, codes := r.codes(field)
	out := make([]dual.Value, len(codes))
	for i, c := range codes {
		out[i] = f.Value(c)
	}
	return out
}

func bindFieldValue(e *env, c *expr.Call) (eval.Binding, bool, error) {
	return tableFunc(e, c, 2, 2, []int{0}, func(x *fn.Context, args []dual.Value) dual.Value {
		f, codes := e.r.codes(x.Locale.Text(args[0]))
		n, ok := index(x, args, 1)
		if !ok || n < 1 || n > len(codes) {
			return dual.Value{}
		}
		return f.Value(codes[n-1])
	})
}

func bindFieldValueCount(e *env, c *expr.Call) (eval.Binding, bool, error) {
	return tableFunc(e, c, 1, 1, []int{0}, func(x *fn.Context, args []dual.Value) dual.Value {
		f, codes := e.r.codes(x.Locale.Text(args[0]))
		if f == nil {
			return dual.Value{}
		}
		return integer(len(codes))
	})
}

func bindFieldIndex(e *env, c *expr.Call) (eval.Binding, bool, error) {
	return tableFunc(e, c, 2, 2, []int{0}, func(x *fn.Context, args []dual.Value) dual.Value {
		f, codes := e.r.codes(x.Locale.Text(args[0]))
		if f == nil {
			return integer(0)
		}
		if i, ok := slices.BinarySearch(codes, f.Symbols.Find(args[1])); ok {
			return integer(i + 1)
		}
		return integer(0)
	})
}

func bindFieldName(e *env, c *expr.Call) (eval.Binding, bool, error) {
	return tableFunc(e, c, 1, 2, []int{1}, func(x *fn.Context, args []dual.Value) dual.Value {
		t := e.r.tableArg(x, args, 1)
		n, ok := index(x, args, 0)
		if t == nil || !ok || n < 1 || n > len(t.Columns) {
			return dual.Value{}
		}
		return dual.String(t.Columns[n-1].Field.Name)
	})
}

func bindFieldNumber(e *env, c *expr.Call) (eval.Binding, bool, error) {
	return tableFunc(e, c, 1, 2, []int{0, 1}, func(x *fn.Context, args []dual.Value) dual.Value {
		t := e.r.tableArg(x, args, 1)
		if t == nil {
			return integer(0)
		}
		name := x.Locale.Text(args[0])
		for i, col := range t.Columns {
			if col.Field.Name == name {
				return integer(i + 1)
			}
		}
		return integer(0)
	})
}

func bindNoOfFields(e *env, c *expr.Call) (eval.Binding, bool, error) {
	return tableFunc(e, c, 0, 1, []int{0}, func(x *fn.Context, args []dual.Value) dual.Value {
		t := e.r.tableArg(x, args, 0)
		if t == nil {
			return dual.Value{}
		}
		return integer(len(t.Columns))
	})
}

func bindNoOfRows(e *env, c *expr.Call) (eval.Binding, bool, error) {
	return tableFunc(e, c, 0, 1, []int{0}, func(x *fn.Context, args []dual.Value) dual.Value {
		if o := e.r.loading; o != nil && len(args) > 0 && x.Locale.Text(args[0]) == o.name {
			return integer(o.builder.Rows())
		}
		t := e.r.tableArg(x, args, 0)
		if t == nil {
			return dual.Value{}
		}
		return integer(t.Rows)
	})
}

func bindNoOfTables(e *env, c *expr.Call) (eval.Binding, bool, error) {
	return tableFunc(e, c, 0, 0, nil, func(*fn.Context, []dual.Value) dual.Value {
		return integer(len(e.r.section.Tables()))
	})
}

func bindTableName(e *env, c *expr.Call) (eval.Binding, bool, error) {
	return tableFunc(e, c, 1, 1, nil, func(x *fn.Context, args []dual.Value) dual.Value {
		n, ok := index(x, args, 0)
		tables := e.r.section.Tables()
		if !ok || n < 0 || n >= len(tables) {
			return dual.Value{}
		}
		return dual.String(tables[n].Name)
	})
}

func bindTableNumber(e *env, c *expr.Call) (eval.Binding, bool, error) {
	return tableFunc(e, c, 1, 1, []int{0}, func(x *fn.Context, args []dual.Value) dual.Value {
		name := x.Locale.Text(args[0])
		for i, t := range e.r.section.Tables() {
			if t.Name == name {
				return integer(i)
			}
		}
		return dual.Value{}
	})
}

// bindLookup binds Lookup(field, matchField, value [, table]): the first row
// in load order counts.
func bindLookup(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if len(c.Args) < 4 {
		e.needsRows()
	}
	first := map[[2]string]map[uint32]int{} // by table and field: the first row of every code
	tables := map[string]*storage.Table{}
	return tableFunc(e, c, 3, 4, []int{0, 1, 3}, func(x *fn.Context, args []dual.Value) dual.Value {
		t := e.r.tableArg(x, args, 3)
		if len(args) < 4 && e.r.loading != nil {
			t = e.r.loading.builder.Table()
		}
		if t == nil {
			return dual.Value{}
		}
		match, field := t.Column(x.Locale.Text(args[1])), t.Column(x.Locale.Text(args[0]))
		if match == nil || field == nil {
			return dual.Value{}
		}
		id := [2]string{t.Name, match.Field.Name}
		rows := first[id]
		if rows == nil || tables[t.Name] != t {
			rows = map[uint32]int{}
			for i := t.Rows - 1; i >= 0; i-- {
				rows[match.Code(i)] = i
			}
			first[id], tables[t.Name] = rows, t
		}
		row, ok := rows[match.Field.Symbols.Find(args[2])]
		if !ok || args[2].IsNull() || match.Code(row) == 0 {
			return dual.Value{}
		}
		return field.Field.Value(field.Code(row))
	})
}
