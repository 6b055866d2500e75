package eval

import (
	"math"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Run is the state in which one goroutine runs a program, batch by batch.
// It remembers per dictionary what was computed from it.
type Run struct {
	program *Program
	n       int
	inputs  []dual.Vector
	memos   []memo
	row     []dual.Value // arguments of one call
	reuse   bool
}

// Start returns a state to run p in.
func (p *Program) Start() *Run {
	return &Run{program: p, memos: make([]memo, p.n)}
}

// Batches is Start for somebody who is done with a vector before asking for
// the next: the memory of numbers is used again.
func (p *Program) Batches() *Run {
	r := p.Start()
	r.reuse = true
	return r
}

// Vector computes the expression for n rows. inputs[i] is the vector of the
// binding with Input i+1 and has n values.
func (r *Run) Vector(n int, inputs []dual.Vector) (dual.Vector, error) {
	r.n, r.inputs = n, inputs
	return r.program.root.run(r)
}

// Value computes an expression without inputs.
func (p *Program) Value() (dual.Value, error) {
	v, err := p.Start().Vector(1, nil)
	if err != nil {
		return dual.Value{}, err
	}
	return v.At(0), nil
}

type constant struct{ v dual.Value }

func (c constant) run(r *Run) (dual.Vector, error) { return dual.Constant(c.v, r.n), nil }

type input int

func (i input) run(r *Run) (dual.Vector, error) { return r.inputs[i], nil }

// A vectorCall hands whole vectors to a function that looks across rows.
type vectorCall struct {
	f    func(n int, args []dual.Vector) (dual.Vector, error)
	args []op
}

func (c *vectorCall) run(r *Run) (dual.Vector, error) {
	args := make([]dual.Vector, len(c.args))
	for i, a := range c.args {
		var err error
		if args[i], err = a.run(r); err != nil {
			return dual.Vector{}, err
		}
	}
	return c.f(r.n, args)
}

// A branch is If(...). Row by row only the branch that is taken is computed,
// so that functions with a memory (AutoNumber) see just the rows they are
// asked for; over longer vectors both are computed and chosen from.
type branch struct {
	args []op
	all  *call
}

func (b *branch) run(r *Run) (dual.Vector, error) {
	cond, err := b.args[0].run(r)
	if err != nil {
		return dual.Vector{}, err
	}
	if r.n == 1 || cond.Const {
		return b.take(r, r.n > 0 && cond.At(0).True())
	}
	yes, err := b.take(r, true)
	if err != nil {
		return dual.Vector{}, err
	}
	no, err := b.take(r, false)
	if err != nil {
		return dual.Vector{}, err
	}
	if _, kind := shape([]dual.Vector{cond, yes, no}); kind == oneCoded {
		return b.all.apply(r, []dual.Vector{cond, yes, no}), nil
	}
	return choose(&cond, &yes, &no), nil
}

// take computes one branch only.
func (b *branch) take(r *Run, yes bool) (dual.Vector, error) {
	switch {
	case yes:
		return b.args[1].run(r)
	case len(b.args) > 2:
		return b.args[2].run(r)
	}
	return dual.Constant(dual.Value{}, r.n), nil
}

// choose takes each row from one of two vectors.
func choose(cond, yes, no *dual.Vector) dual.Vector {
	if yes.Dict.Nums != nil && no.Dict.Nums != nil && yes.Dict.Format == no.Dict.Format {
		out := make([]float64, cond.N)
		for i := range out {
			if x := cond.Num(i); x == x && x != 0 {
				out[i] = yes.Num(i)
			} else {
				out[i] = no.Num(i)
			}
		}
		return dual.Nums(out, yes.Dict.Format)
	}
	out := make([]dual.Value, cond.N)
	for i := range out {
		if cond.At(i).True() {
			out[i] = yes.At(i)
		} else {
			out[i] = no.At(i)
		}
	}
	return dual.Vals(out)
}

// A call applies a scalar function.
type call struct {
	id    int
	f     *fn.Func
	args  []op
	arith func(dst, a, b []float64) // + - * on numbers, NaN is NULL; nil for other calls
}

// A memo is what a call has computed from the dictionaries of its arguments.
// Entries are filled when a row asks for them.
type memo struct {
	from []*dual.Dict
	done []bool
	out  *dual.Dict

	scratch [3][]float64 // result and arguments, where they may be used again
}

func (c *call) run(r *Run) (dual.Vector, error) {
	args := make([]dual.Vector, len(c.args))
	for i, a := range c.args {
		var err error
		if args[i], err = a.run(r); err != nil {
			return dual.Vector{}, err
		}
	}
	return c.apply(r, args), nil
}

// apply calls the function with the values of the argument vectors, as seldom
// as their layout allows.
func (c *call) apply(r *Run, args []dual.Vector) dual.Vector {
	if c.f.Volatile {
		return c.rows(r, args)
	}
	switch codes, kind := shape(args); kind {
	case allConst:
		return dual.Constant(c.at(r, args, func(*dual.Vector) int { return 0 }), r.n)
	case oneCoded:
		return dual.Coded(codes, c.entries(r, args, codes))
	}
	if v, ok := c.numbers(r, args); ok {
		return v
	}
	return c.rows(r, args)
}

type argShape uint8

const (
	allConst argShape = iota
	oneCoded          // one code vector, shared by all arguments that are not constant
	mixed
)

func shape(args []dual.Vector) ([]uint32, argShape) {
	var codes []uint32
	for i := range args {
		switch a := &args[i]; {
		case a.Const:
		case a.Codes == nil || a.N == 0:
			return nil, mixed
		case codes == nil:
			codes = a.Codes
		case &codes[0] != &a.Codes[0]:
			return nil, mixed
		}
	}
	if codes == nil {
		return nil, allConst
	}
	return codes, oneCoded
}

// at calls the function with one value of each argument.
func (c *call) at(r *Run, args []dual.Vector, entry func(*dual.Vector) int) dual.Value {
	base := len(r.row)
	for i := range args {
		r.row = append(r.row, args[i].Dict.At(entry(&args[i])))
	}
	v := c.f.Eval(r.program.ctx, r.row[base:])
	r.row = r.row[:base]
	return v
}

func (c *call) rows(r *Run, args []dual.Vector) dual.Vector {
	out := make([]dual.Value, r.n)
	for i := range out {
		out[i] = c.at(r, args, func(v *dual.Vector) int { return v.Entry(i) })
	}
	return dual.Vals(out)
}

// entries computes the dictionary entries that codes ask for and that are not
// known yet.
func (c *call) entries(r *Run, args []dual.Vector, codes []uint32) *dual.Dict {
	m := &r.memos[c.id]
	if !m.of(args) {
		n := 0
		m.from = m.from[:0]
		for i := range args {
			m.from = append(m.from, args[i].Dict)
			if !args[i].Const {
				n = args[i].Dict.Len()
			}
		}
		m.done = make([]bool, n)
		m.out = &dual.Dict{Vals: make([]dual.Value, n)}
	}
	for _, e := range codes {
		if !m.done[e] {
			m.done[e] = true
			m.out.Vals[e] = c.at(r, args, func(v *dual.Vector) int {
				if v.Const {
					return 0
				}
				return int(e)
			})
		}
	}
	return m.out
}

// of reports whether the memo was made from the same dictionaries. Constants
// count by their value: their dictionary is new in each batch.
func (m *memo) of(args []dual.Vector) bool {
	if len(m.from) != len(args) {
		return false
	}
	for i := range args {
		if m.from[i] == args[i].Dict {
			continue
		}
		if !args[i].Const || m.from[i].Len() != 1 || !constEqual(m.from[i], args[i].Dict) {
			return false
		}
	}
	return true
}

func constEqual(a, b *dual.Dict) bool {
	x, y := a.At(0), b.At(0)
	return dual.Identical(x, y) && x.Format == y.Format
}

// numbers is the fast path of arithmetic and of number functions: plain loops
// over numbers, NaN being NULL.
func (c *call) numbers(r *Run, args []dual.Vector) (dual.Vector, bool) {
	switch {
	case c.arith != nil:
		out := r.room(c.id, 0)
		c.arith(out, r.numbers(&args[0], c.id, 1), r.numbers(&args[1], c.id, 2))
		return dual.Nums(out, fn.FormatReal), true
	case c.f.Num1 != nil && len(args) == 1 && args[0].Dict.Nums != nil:
		out := r.room(c.id, 0)
		for i, x := range args[0].Dict.Nums {
			out[i] = math.NaN()
			if x == x { // not NULL
				out[i] = c.f.Num1(x)
			}
		}
		return dual.Nums(out, c.f.Format), true
	}
	return dual.Vector{}, false
}

// room returns space for a number per row, with anything in it: place k of a
// call.
func (r *Run) room(call, k int) []float64 {
	if !r.reuse {
		return make([]float64, r.n)
	}
	s := &r.memos[call].scratch[k]
	if cap(*s) < r.n {
		*s = make([]float64, r.n)
	}
	return (*s)[:r.n]
}

// numbers returns the numeric reading of every value of a vector, argument k
// of a call.
func (r *Run) numbers(v *dual.Vector, call, k int) []float64 {
	if v.Codes == nil && !v.Const && v.Dict.Nums != nil {
		return v.Dict.Nums
	}
	out := r.room(call, k)
	if v.Const {
		x := r.program.ctx.Locale.Num(v.Dict.At(0))
		for i := range out {
			out[i] = x
		}
		return out
	}
	if nums := v.Dict.Nums; nums != nil {
		for i, c := range v.Codes {
			out[i] = nums[c]
		}
		return out
	}
	for i := range out {
		e := &v.Dict.Vals[v.Entry(i)]
		if e.Kind == dual.Text { // may read as a number all the same
			out[i] = r.program.ctx.Locale.Num(*e)
		} else {
			out[i] = e.Float()
		}
	}
	return out
}

func arithmetic(op string) func(dst, a, b []float64) {
	switch op {
	case "+":
		return func(dst, a, b []float64) {
			for i := range dst {
				dst[i] = a[i] + b[i]
			}
		}
	case "-":
		return func(dst, a, b []float64) {
			for i := range dst {
				dst[i] = a[i] - b[i]
			}
		}
	case "*":
		return func(dst, a, b []float64) {
			for i := range dst {
				dst[i] = a[i] * b[i]
			}
		}
	}
	return nil
}
