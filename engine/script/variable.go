package script

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Variable is a variable as a script left it. Its text is what shows, made
// with the settings in force when it was set.
type Variable struct {
	Name  string
	Value dual.Value
	// plain is set for numbers without a text or format of their own, which
	// expand with a decimal point whatever the settings say.
	plain bool
}

// variables are the variables of a script in order of creation.
type variables struct {
	byName map[string]*Variable
	order  []string
}

func newVariables(given map[string]dual.Value) *variables {
	v := &variables{byName: map[string]*Variable{}}
	for _, x := range []Variable{
		{Name: "ErrorMode", Value: dual.New("1", 1)},
		{Name: "StripComments", Value: dual.New("1", 1)},
		{Name: "OpenUrlTimeout", Value: dual.New("86400", 86400)},
		{Name: "ScriptError", Value: dual.Number(0)},
		{Name: "ScriptErrorCount", Value: dual.New("0", 0)},
		{Name: "ScriptErrorList"},
	} {
		v.put(&x)
	}
	for name, val := range given {
		v.put(&Variable{Name: name, Value: val, plain: val.Kind == dual.Num && val.Format == nil})
	}
	return v
}

func (v *variables) put(x *Variable) {
	if v.byName[x.Name] == nil {
		v.order = append(v.order, x.Name)
	}
	v.byName[x.Name] = x
}

func (v *variables) remove(name string) {
	if v.byName[name] == nil {
		return
	}
	delete(v.byName, name)
	v.order = slices.DeleteFunc(v.order, func(n string) bool { return n == name })
}

// restore puts a variable back as it was; nil removes it.
func (v *variables) restore(name string, x *Variable) {
	if x == nil {
		v.remove(name)
		return
	}
	v.put(x)
}

func (v *variables) get(name string) (dual.Value, bool) {
	x := v.byName[name]
	if x == nil {
		return dual.Value{}, false
	}
	return x.Value, true
}

// number returns the number of a variable, 0 if it has none.
func (v *variables) number(name string) float64 {
	if x := v.byName[name]; x != nil && x.Value.HasNum() {
		return x.Value.Num
	}
	return 0
}

func (v *variables) scriptError(msg string) {
	n := v.number("ScriptErrorCount") + 1
	v.put(&Variable{Name: "ScriptErrorCount", Value: dual.New(strconv.Itoa(int(n)), n)})
	v.put(&Variable{Name: "ScriptError", Value: dual.New(msg, 1)})
	before := v.byName["ScriptErrorList"].Value.Text
	v.put(&Variable{Name: "ScriptErrorList", Value: dual.String(strings.TrimPrefix(before+"\n"+msg, "\n"))})
}

func (v *variables) list() []Variable {
	out := make([]Variable, len(v.order))
	for i, name := range v.order {
		out[i] = *v.byName[name]
	}
	return out
}

// assign sets a variable to the result of an expression; NULL removes it.
func (r *runner) assign(name string, v dual.Value) error {
	if v.IsNull() {
		r.vars.remove(name)
		return nil
	}
	x := &Variable{Name: name, plain: v.Kind == dual.Num && (v.Format == nil || *v.Format == *fn.FormatReal || *v.Format == *fn.FormatInteger || *v.Format == *fn.FormatCounter)}
	switch {
	case v.HasNum():
		x.Value = dual.New(r.show(v), v.Num)
	default:
		x.Value = r.read(v.Text)
	}
	r.store(x)
	return nil
}

// read gives a text the number that it reads as; the text stays as it is.
func (r *runner) read(text string) dual.Value {
	return dual.New(text, r.fn.Locale.Num(dual.String(text)))
}

// store keeps a variable and puts it in force if it is a setting.
func (r *runner) store(x *Variable) {
	if x.Name == "ScriptErrorList" || x.Name == "ScriptError" {
		return // read only
	}
	r.vars.put(x)
	if l, ok := r.fn.Locale.With(x.Name, x.Value.Text); ok {
		r.setLocale(l)
	}
}

// runSet is SET name = text.
func (r *runner) runSet(sc *scanner) error {
	sc.accept("SET")
	name, err := sc.name("a variable")
	if err != nil {
		return err
	}
	if err := sc.expect('='); err != nil {
		return err
	}
	value := strings.Trim(withoutComments(sc.src[sc.pos:], true), " \t\r\n\u00a0")
	if value != "" && value[0] != '[' && closers[value[0]] != 0 && quotedEnd(value, 0) == len(value) {
		value = unquote(value)
		if value == "" {
			return r.setSeparator(name)
		}
	}
	if value == "" {
		r.vars.remove(name)
		return nil
	}
	r.store(&Variable{Name: name, Value: r.read(value)})
	return nil
}

// setSeparator is SET name = ”: an empty setting, such as no thousands
// separator, is in force although the variable goes.
func (r *runner) setSeparator(name string) error {
	r.vars.remove(name)
	if l, ok := r.fn.Locale.With(name, ""); ok {
		r.setLocale(l)
	}
	return nil
}

// runLet is [LET] name = [expression].
func (r *runner) runLet(sc *scanner) error {
	save := sc.pos
	if sc.accept("LET") && sc.ahead() == '=' {
		sc.pos = save // a variable called let
	}
	name, err := sc.name("a variable")
	if err != nil {
		return err
	}
	if err := sc.expect('='); err != nil {
		return err
	}
	if sc.end() {
		r.vars.remove(name)
		return nil
	}
	v, err := r.value(sc)
	if err != nil {
		return err
	}
	if err := sc.finish(); err != nil {
		return err
	}
	return r.assign(name, v)
}

// expand does the dollar expansion of a statement.
func (r *runner) expand(src string) (string, error) {
	return expr.Expand(src, expander{r})
}

// An expander gives dollar expansion the variables of the script.
type expander struct{ r *runner }

var _ expr.Expander = expander{}

// Variable implements [expr.Expander].
func (e expander) Variable(name string) (expr.Expansion, bool) {
	x := e.r.vars.byName[name]
	if x == nil {
		return expr.Expansion{}, false
	}
	return e.expansion(x.Value, x.plain), true
}

func (e expander) expansion(v dual.Value, plain bool) expr.Expansion {
	if plain {
		return expr.Expansion{Text: plainNumber(v.Num), Num: v.Num}
	}
	return expr.Expansion{Text: e.r.show(v), Num: v.Float()}
}

// plainNumber returns the text of a number with a decimal point.
func plainNumber(x float64) string {
	if math.Abs(x) < 1e15 && x == math.Trunc(x) {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', 15, 64)
}

// Eval implements [expr.Expander]. What cannot be evaluated in a script
// expands to nothing: scripts SET chart expressions that hold $(=Max(Year)).
func (e expander) Eval(source, format string) (expr.Expansion, error) {
	n, err := expr.Parse(source, expr.Options{Script: true})
	if err != nil {
		return expr.Expansion{Num: math.NaN()}, nil //nolint:nilerr // see above
	}
	v, err := e.r.compute(n)
	if err != nil {
		return expr.Expansion{Num: math.NaN()}, nil //nolint:nilerr // see above
	}
	if format != "" && v.HasNum() {
		return expr.Expansion{Text: e.r.fn.Locale.FormatNum(v.Num, &dual.Format{Type: dual.Fix, Pattern: format}), Num: v.Num}, nil
	}
	return e.expansion(v, v.Kind == dual.Num && (v.Format == nil || *v.Format == *fn.FormatReal)), nil
}
