package cube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/bitset"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Codes of rows that are no value of a dimension.
const (
	codeNull  = 0
	codeOther = ^uint32(0)
	codeTotal = ^uint32(0) - 1
)

// Validation error codes of the protocol (NxValidationError).
const (
	errInvalid   = 7000
	errNotFound  = 7001
	errTime      = 7003
	errCondition = 7005
)

// An Invalid is an error that belongs into the layout, not to the request.
type Invalid struct {
	Code    int
	Context string
	Message string
}

// A Cube is the result of a definition in one state: all rows, in the order
// in which they are shown. It is immutable.
type Cube struct {
	Def         *Def
	Rows        int
	Err         *Invalid
	CalcMessage string

	q      *query.Context
	dims   []dimView
	meas   []measView
	codes  [][]uint32    // by dimension
	vals   []dual.Vector // by measure
	attrs  []dual.Vector // attribute expressions, dimensions' first
	totals []dual.Value
	sorted []int // effective sort order of the columns
	others bool
	ranks  [][]int32 // by dimension and code: places in the sort order
	pivot  *pivot

	frequency []uint32 // list: by code
	alive     float64  // list: sum of the frequencies of values
	highlight string   // list: the search string
}

// A dimView is what is known of a dimension apart from the rows.
type dimView struct {
	def     *Dim
	title   string
	labels  []string
	field   *storage.Field // holds the values
	plain   *model.Field   // nil: calculated
	inputs  []string
	states  []infer.Status    // by code-1
	show    *number.Presenter // nil: by the value's own format
	span    span
	counts  infer.Counts
	locked  bool
	one     bool
	err     *Invalid
	attrs   int      // position of its first attribute expression
	bound   bool     // what the grid knows of it is known here
	through []uint32 // calculated from one field: its code -> code of the dimension
}

// A measView is what is known of a measure apart from the rows.
type measView struct {
	def   *Measure
	title string
	expr  string
	show  *number.Presenter // nil: by the value's own format
	err   *Invalid
	attrs int
	span  span
}

// An Options is what a session adds to a definition.
type Options struct {
	// Matches limits a list object to these codes: a search; nil = all.
	Matches *bitset.Set
	// Search is the text that was searched for, for highlighting.
	Search string
	// Open is the pivot nodes that a user has opened or closed.
	Open Open
}

// Compute evaluates a definition. The state is that of the context. Errors of
// the definition itself end up in Cube.Err and the infos of its columns; err
// is for cancelled requests and failures.
func Compute(ctx context.Context, q *query.Context, d *Def, o Options) (*Cube, error) {
	c := &Cube{Def: d, q: q, highlight: o.Search}
	if err := c.compute(ctx, o); err != nil {
		return nil, err
	}
	c.settle()
	return c, nil
}

// Late is the cube of a definition that took more time than there is.
func Late(q *query.Context, d *Def, limit time.Duration) *Cube {
	c := &Cube{Def: d, q: q, Err: &Invalid{errTime, "", fmt.Sprintf("the calculation took longer than %v", limit)}}
	c.settle()
	return c
}

func (c *Cube) compute(ctx context.Context, o Options) error {
	ok, err := c.condition(ctx)
	if err != nil || !ok {
		return err
	}
	if err := c.views(ctx); err != nil || c.Err != nil {
		return err
	}
	if c.Def.List {
		return c.computeList(ctx, o)
	}
	if err := c.computeRows(ctx); err != nil || c.Err != nil || c.Def.Mode != Pivot {
		return err
	}
	if err := c.computePivot(ctx, o.Open); err != nil {
		return c.invalid(err)
	}
	return nil
}

// presenter returns what shows numbers by a FieldAttributes, nil if that leaves
// it to the value.
func (c *Cube) presenter(n *tree.Node) *number.Presenter {
	if f := format(n); f != nil {
		return c.q.Fn.Locale.Presenter(f)
	}
	return nil
}

// settle finds what layouts tell of all rows, and lets go of the session: a
// cube may outlive it.
func (c *Cube) settle() {
	for d := range c.codes {
		c.dims[d].span = c.dimSpan(d)
	}
	for m := range c.vals {
		c.meas[m].span = c.measureSpan(m)
	}
	if c.frequency != nil {
		for _, n := range c.frequency[1:] {
			c.alive += float64(n)
		}
	}
	c.q = &query.Context{Infer: c.q.Infer, State: c.q.State, Fn: &fn.Context{Locale: c.q.Fn.Locale}}
}

// condition evaluates the calculation condition.
func (c *Cube) condition(ctx context.Context) (bool, error) {
	if c.Def.CalcCond == "" {
		return true, nil
	}
	v, err := c.q.Value(ctx, c.Def.CalcCond)
	if errors.Is(err, query.ErrAborted) {
		return false, err
	}
	if err == nil && v.True() {
		return true, nil
	}
	c.Err = &Invalid{Code: errCondition, Message: "calculation condition is not fulfilled"}
	if c.Def.CalcMsg != "" {
		c.CalcMessage = c.Def.CalcMsg
		if text, err := c.q.Text(ctx, c.Def.CalcMsg); err == nil && strings.HasPrefix(strings.TrimSpace(c.Def.CalcMsg), "=") {
			c.CalcMessage = text
		}
	}
	return false, nil
}

// views resolves the columns. Columns whose own condition is not met are left
// out.
func (c *Cube) views(ctx context.Context) error {
	for i := range c.Def.Dims {
		d := &c.Def.Dims[i]
		if keep, err := c.keeps(ctx, d.CalcCond); err != nil {
			return err
		} else if !keep {
			continue
		}
		v := dimView{def: d, title: d.Field(), attrs: -1, show: c.presenter(d.Format)}
		if d.Missing {
			c.fail(&v.err, errNotFound, d.LibraryID, "no such master dimension")
		} else if d.Field() == "" {
			c.fail(&v.err, errInvalid, "", "the dimension has no field")
		}
		v.title, v.labels = c.dimTitles(ctx, d)
		c.dims = append(c.dims, v)
	}
	for i := range c.Def.Measures {
		m := &c.Def.Measures[i]
		if keep, err := c.keeps(ctx, m.CalcCond); err != nil {
			return err
		} else if !keep {
			continue
		}
		v := measView{def: m, expr: m.Expr, show: c.presenter(m.Format), attrs: -1}
		if m.Missing {
			c.fail(&v.err, errNotFound, m.LibraryID, "no such master measure")
		}
		v.title = m.Label
		if m.LabelExpr != "" {
			v.title = c.label(ctx, m.LabelExpr)
		} else if strings.HasPrefix(v.title, "=") {
			v.title = c.label(ctx, v.title)
		}
		if v.title == "" {
			v.title = m.Expr
		}
		if c.Def.ContextSet != "" {
			v.expr = c.Def.ContextSet + " (" + strings.TrimPrefix(strings.TrimSpace(m.Expr), "=") + ")"
		}
		c.meas = append(c.meas, v)
	}
	return nil
}

func (c *Cube) keeps(ctx context.Context, cond string) (bool, error) {
	if cond == "" {
		return true, nil
	}
	v, err := c.q.Value(ctx, cond)
	if errors.Is(err, query.ErrAborted) {
		return false, err
	}
	return err == nil && v.True(), nil
}

func (c *Cube) label(ctx context.Context, source string) string {
	if !strings.HasPrefix(strings.TrimSpace(source), "=") {
		return source
	}
	text, err := c.q.Text(ctx, source)
	if err != nil {
		return source
	}
	return text
}

// dimTitles returns the title of the active field and those of a group.
func (c *Cube) dimTitles(ctx context.Context, d *Dim) (string, []string) {
	titles := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		titles[i] = FieldName(f)
		if strings.HasPrefix(f, "=") && c.q.Infer.Model.Field(titles[i]) == nil {
			titles[i] = f
		}
		if i < len(d.Labels) && d.Labels[i] != "" {
			titles[i] = c.label(ctx, d.Labels[i])
		}
	}
	if d.Active < len(titles) {
		return titles[d.Active], titles
	}
	return "", titles
}

func (c *Cube) fail(at **Invalid, code int, context, message string) {
	*at = &Invalid{code, context, message}
	if c.Err == nil {
		c.Err = *at
	}
}

// FieldName returns the name in a field reference: plain, in brackets or
// quotes, with or without an equals sign.
func FieldName(ref string) string {
	t := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(ref), "="))
	if n := len(t); n >= 2 && t[0] == '[' && t[n-1] == ']' {
		return strings.ReplaceAll(t[1:n-1], "]]", "]")
	} else if n >= 2 && t[0] == '"' && t[n-1] == '"' {
		return strings.ReplaceAll(t[1:n-1], `""`, `"`)
	}
	return t
}

func (c *Cube) dimDef(ref string) query.DimDef {
	m := c.q.Infer.Model
	switch name := FieldName(ref); {
	case m.Field(ref) != nil:
		return query.DimDef{Field: ref}
	case m.Field(name) != nil:
		return query.DimDef{Field: name}
	default:
		return query.DimDef{Expr: ref}
	}
}

func (c *Cube) dimDefs() []query.DimDef {
	defs := make([]query.DimDef, len(c.dims))
	for i := range c.dims {
		defs[i] = c.dimDef(c.dims[i].def.Field())
	}
	return defs
}

// computeRows evaluates all columns, and arranges the rows.
func (c *Cube) computeRows(ctx context.Context) error {
	q := *c.q
	q.DataOnly = c.Def.SuppressZero && len(c.meas) > 0
	g, err := q.Grid(ctx, c.dimDefs(), c.expressions())
	if err != nil {
		return c.invalid(err)
	}
	c.bind(g)
	plain, err := g.Measures(nil)
	if err != nil {
		return c.invalid(err)
	}
	if c.totals, err = g.Totals(); err != nil {
		return c.invalid(err)
	}
	order := c.visible(g, plain)
	if err := c.sort(ctx, g, plain, order); err != nil {
		return c.invalid(err)
	}
	vals := make([]dual.Vector, len(plain))
	if g.Ordered() {
		if vals, err = g.Measures(order); err != nil {
			return c.invalid(err)
		}
	} else {
		for i := range plain {
			vals[i] = plain[i].Gather(order)
		}
	}
	c.Rows = len(order)
	c.codes = make([][]uint32, len(c.dims))
	for d := range c.codes {
		c.codes[d] = make([]uint32, len(order))
		for i, row := range order {
			c.codes[d][i] = g.Code(d, int(row))
		}
	}
	c.vals, c.attrs = vals[:len(c.meas)], vals[len(c.meas):]
	if err := c.limit(ctx); err != nil {
		return c.invalid(err)
	}
	c.rowTotals()
	return nil
}

// expressions returns the measures, then the attribute expressions and
// attribute dimensions of all columns, and notes where they are.
func (c *Cube) expressions() []string {
	var exprs, attrs []string
	for i := range c.meas {
		exprs = append(exprs, c.meas[i].expr)
	}
	add := func(at *int, lists ...[]Attr) {
		*at = len(attrs)
		for _, list := range lists {
			for _, a := range list {
				attrs = append(attrs, a.Expr)
			}
		}
	}
	for i := range c.dims {
		add(&c.dims[i].attrs, c.dims[i].def.Attrs, c.dims[i].def.AttrDims)
	}
	for i := range c.meas {
		add(&c.meas[i].attrs, c.meas[i].def.Attrs, c.meas[i].def.AttrDims)
	}
	return append(exprs, attrs...)
}

// invalid turns an error of the definition into a note in the layout.
func (c *Cube) invalid(err error) error {
	var de *query.DimensionError
	var me *query.MeasureError
	var xe *expr.Error
	switch {
	case errors.Is(err, query.ErrAborted):
		return err
	case errors.As(err, &de) && de.Dim < len(c.dims):
		c.fail(&c.dims[de.Dim].err, errInvalid, c.dims[de.Dim].def.Field(), de.Err.Error())
	case errors.As(err, &me) && me.Measure < len(c.meas):
		c.fail(&c.meas[me.Measure].err, errInvalid, c.meas[me.Measure].expr, me.Err.Error())
	case errors.As(err, &me), errors.As(err, &xe):
		c.Err = &Invalid{errInvalid, "", err.Error()}
	default:
		return fmt.Errorf("hypercube: %w", err)
	}
	c.Rows = 0
	return nil
}

// bind notes what the grid knows of the dimensions.
func (c *Cube) bind(g *query.Grid) {
	m := c.q.Infer.Model
	st, _ := c.q.History.Now().State(c.q.State)
	for i := range c.dims {
		v := &c.dims[i]
		v.field = g.Field(i)
		v.inputs = g.Inputs(i)
		v.bound, v.through = true, g.Through(i)
		if name := g.Plain(i); name != "" {
			v.plain = m.Field(name)
			v.bindField(c.q.Infer, st)
			continue
		}
		v.bindCalculated(c.q.Infer, st)
	}
}

func (v *dimView) bindField(e *infer.Engine, st *state.State) {
	v.states = e.States(st, v.plain)
	for _, s := range v.states {
		v.counts[s]++
	}
	if sel, ok := st.Field(v.plain.Name); ok {
		v.locked, v.one = sel.Locked, sel.OneAlways
	}
}

// bindCalculated derives the states of calculated values from those of the
// field they are made from: a value is selected if one of its sources is.
func (v *dimView) bindCalculated(e *infer.Engine, st *state.State) {
	n := v.field.Symbols.Len()
	v.states = make([]infer.Status, n)
	if len(v.inputs) == 1 {
		f := e.Model.Field(v.inputs[0])
		if _, ok := st.Field(f.Name); ok {
			v.takeBest(e.States(st, f))
		}
	}
	for _, s := range v.states {
		v.counts[s]++
	}
}

// takeBest gives every value the strongest status among the values of the
// field that make it.
func (v *dimView) takeBest(states []infer.Status) {
	for i := range v.states {
		v.states[i] = infer.Excluded
	}
	for i, s := range states {
		if own := v.through[i+1]; own != codeNull && strength(s) < strength(v.states[own-1]) {
			v.states[own-1] = s
		}
	}
}

// strength orders statuses, the strongest first.
func strength(s infer.Status) int {
	return [...]int{
		infer.Locked: 0, infer.Selected: 1, infer.Optional: 2, infer.Alternative: 3,
		infer.SelectedExcluded: 4, infer.LockedExcluded: 5, infer.Excluded: 6,
	}[s]
}

// visible returns the rows that suppression leaves.
func (c *Cube) visible(g *query.Grid, vals []dual.Vector) []int32 {
	order := make([]int32, 0, g.N)
	for row := range g.N {
		keep := true
		for d := range c.dims {
			if g.Code(d, row) == codeNull && (c.dims[d].def.NoNull || c.Def.SuppressMissing) {
				keep = false
			}
		}
		if keep && c.Def.SuppressZero && len(c.meas) > 0 && len(c.dims) > 0 {
			keep = false
			for m := range c.meas {
				if x := vals[m].At(row); x.HasText() && !x.HasNum() || x.HasNum() && x.Num != 0 {
					keep = true
				}
			}
		}
		if keep {
			order = append(order, int32(row))
		}
	}
	return order
}

// rowTotals replaces totals that a measure wants from its rows.
func (c *Cube) rowTotals() {
	for i := range c.meas {
		fold := rowFolds[strings.ToLower(c.meas[i].def.Aggr)]
		if fold == nil || i >= len(c.totals) {
			continue
		}
		var xs []float64
		for row := range c.Rows {
			if x := c.vals[i].Num(row); x == x {
				xs = append(xs, x)
			}
		}
		c.totals[i] = dual.Value{}
		if len(xs) > 0 {
			c.totals[i] = dual.Number(fold(xs))
		}
	}
}

var rowFolds = map[string]func(xs []float64) float64{
	"sum": func(xs []float64) (s float64) {
		for _, x := range xs {
			s += x
		}
		return s
	},
	"avg": func(xs []float64) (s float64) {
		for _, x := range xs {
			s += x
		}
		return s / float64(len(xs))
	},
	"min":   slices.Min[[]float64],
	"max":   slices.Max[[]float64],
	"count": func(xs []float64) float64 { return float64(len(xs)) },
}

// Pick returns the field that a selection of element numbers in a dimension
// goes to, and its codes; ok = false if the dimension depends on several
// fields or there is no such dimension.
func (c *Cube) Pick(dim int, elements []int) (f *model.Field, codes *bitset.Set, ok bool) {
	if dim < 0 || dim >= len(c.dims) || !c.dims[dim].bound {
		return nil, nil, false
	}
	v := &c.dims[dim]
	if len(v.inputs) != 1 {
		return nil, nil, false
	}
	wanted := bitset.New(v.field.Symbols.Len() + 1)
	for _, e := range elements {
		if e >= 0 && e < v.field.Symbols.Len() {
			wanted.Add(e + 1)
		}
	}
	f = c.q.Infer.Model.Field(v.inputs[0])
	if v.plain != nil {
		return f, wanted, true
	}
	codes = bitset.New(f.Symbols.Len() + 1)
	for code, own := range v.through {
		if code > 0 && own != codeNull && wanted.Has(int(own)) {
			codes.Add(code)
		}
	}
	return f, codes, true
}

// Element returns the element number of a row in a dimension; negative for
// what is no value.
func (c *Cube) Element(dim, row int) int { return element(c.codes[dim][row]) }

func element(code uint32) int {
	switch code {
	case codeNull:
		return -2
	case codeOther:
		return -3
	case codeTotal:
		return -1
	}
	return int(code) - 1
}

// Dims returns the number of dimensions, those left out by their condition
// not counted.
func (c *Cube) Dims() int { return len(c.dims) }

// Number returns the number of a measure in a row, NaN for none.
func (c *Cube) Number(measure, row int) float64 { return c.vals[measure].Num(row) }

// Measures returns the number of measures.
func (c *Cube) Measures() int { return len(c.meas) }

// Fields returns the names of the fields that the dimensions depend on.
func (c *Cube) Fields(dim int) []string { return c.dims[dim].inputs }

// Value returns the value in a column: dimensions first, then measures. What
// is no value of a dimension is NULL.
func (c *Cube) Value(col, row int) dual.Value {
	if col >= len(c.dims) {
		return c.vals[col-len(c.dims)].At(row)
	}
	if code := c.codes[col][row]; int(code) <= c.dims[col].field.Symbols.Len() {
		return c.dims[col].value(code)
	}
	return dual.Value{}
}

// Totals returns the measures over everything.
func (c *Cube) Totals() []dual.Value { return c.totals[:min(len(c.totals), len(c.meas))] }

// State returns the status of a row's value in a dimension.
func (c *Cube) State(dim, row int) infer.Status { return c.status(dim, c.codes[dim][row]) }
