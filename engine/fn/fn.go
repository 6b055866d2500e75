// Package fn is the library of scalar functions and operators of the
// expression language: what depends on its arguments and the session alone,
// not on rows or tables.
//
// Functions are grouped by family, one file each; every family is a table of
// [Func]. They handle NULL themselves: most give NULL if a needed argument is
// NULL or outside their domain.
package fn

import (
	"math"
	"sort"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/number/memo"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Context is what functions know besides their arguments. It is not copied
// once it is used; any number of goroutines may use it if its functions allow
// that.
type Context struct {
	Locale *number.Locale   // never nil
	Now    func() time.Time // wall clock in the zone of the engine; nil: Now() etc. are NULL
	Rand   func() float64   // uniform in [0, 1); nil: Rand() is NULL

	User          string // as OSUser shows it
	OnUser        func() // is told that a function shows the user; nil: nobody is
	AppName       string
	AppID         string
	AppTitle      string
	Author        string
	ComputerName  string
	EngineVersion string
	ReloadTime    time.Time // of the last finished reload; zero: NULL
	OpenTime      time.Time // when the app was opened; zero: as Now
	StartTime     time.Time // of the engine or the running reload
	PartialReload bool

	regexps memo.Map[string, compiledRegexp]
}

// A Func is one scalar function.
type Func struct {
	Name     string
	Min, Max int  // numbers of arguments allowed; Max -1 = any
	Volatile bool // differs from call to call (Rand)

	// Num1 is set where a function of one argument maps numbers to numbers:
	// the result for a number, NaN for NULL. It agrees with Eval, and Format
	// is the format of its results.
	Num1   func(float64) float64
	Format *dual.Format

	// Eval computes the function; len(args) is within Min and Max. It does
	// not keep args.
	Eval func(c *Context, args []dual.Value) dual.Value
}

// Formats of results, as fields computed by these functions carry them.
var (
	FormatInteger = &dual.Format{Type: dual.Integer, Pattern: "###0"}        // Year, RecNo, Count ...
	FormatCounter = &dual.Format{Type: dual.Integer, Pattern: "0"}           // Mod, AutoNumber
	FormatReal    = &dual.Format{Type: dual.Real, Pattern: "##############"} // arithmetic
)

// families is every table of functions of this package.
var families = [][]Func{
	codepageFuncs, colorFuncs, conditionalFuncs, clockFuncs, dateFuncs, distributionFuncs, financialFuncs,
	formatFuncs, hashFuncs, inPeriodFuncs, integerFuncs, interpretFuncs, jsonFuncs, mathFuncs, periodFuncs,
	rangeFuncs, regexFuncs, roundFuncs, searchFuncs, stringFuncs, systemFuncs, workdayFuncs,
}

var byName = index(families)

func index(families [][]Func) map[string]*Func {
	m := map[string]*Func{}
	for _, family := range families {
		for i := range family {
			m[strings.ToLower(family[i].Name)] = &family[i]
		}
	}
	return m
}

// Lookup finds a function by its name, without case. It returns nil if there
// is none.
func Lookup(name string) *Func { return byName[strings.ToLower(name)] }

// Names returns the names of all functions in alphabetic order.
func Names() []string {
	names := make([]string, 0, len(byName))
	for _, f := range byName {
		names = append(names, f.Name)
	}
	sort.Strings(names)
	return names
}

// Literal returns the value of a quoted text in an expression: the text as it
// is, with a number behind it where it reads as one.
func Literal(l *number.Locale, text string) dual.Value {
	return dual.New(text, l.Num(dual.String(text)))
}

type evalFunc = func(c *Context, args []dual.Value) dual.Value

func (c *Context) num(v dual.Value) float64 { return c.Locale.Num(v) }

func (c *Context) text(v dual.Value) string { return c.Locale.Text(v) }

// numAt returns the number of argument i, or fallback where the argument is
// absent, and NaN where it is no number.
func (c *Context) numAt(args []dual.Value, i int, fallback float64) float64 {
	if i >= len(args) {
		return fallback
	}
	return c.num(args[i])
}

// intAt is numAt truncated; it reports false for what does not fit an int32.
func (c *Context) intAt(args []dual.Value, i, fallback int) (int, bool) {
	x := math.Trunc(c.numAt(args, i, float64(fallback)))
	if !(math.Abs(x) <= math.MaxInt32) {
		return 0, false
	}
	return int(x), true
}

func (c *Context) textAt(args []dual.Value, i int, fallback string) string {
	if i >= len(args) {
		return fallback
	}
	return c.text(args[i])
}

// strict makes a function NULL as soon as one argument is.
func strict(f evalFunc) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		for _, a := range args {
			if a.IsNull() {
				return dual.Value{}
			}
		}
		return f(c, args)
	}
}

// realValue returns an arithmetic result; NULL if it is not finite.
func realValue(x float64) dual.Value {
	if math.IsInf(x, 0) {
		return dual.Value{}
	}
	return dual.Formatted(x, FormatReal)
}

func integer(n int) dual.Value { return dual.Formatted(float64(n), FormatInteger) }

// num1 is a function of one number.
func num1(name string, f func(float64) float64) Func {
	return num1As(name, FormatReal, f)
}

func num1As(name string, format *dual.Format, f func(float64) float64) Func {
	finite := func(x float64) float64 {
		y := f(x)
		if math.IsInf(y, 0) {
			return math.NaN()
		}
		return y
	}
	return Func{Name: name, Min: 1, Max: 1, Num1: finite, Format: format, Eval: func(c *Context, args []dual.Value) dual.Value {
		x := c.num(args[0])
		if math.IsNaN(x) {
			return dual.Value{}
		}
		return dual.Formatted(finite(x), format)
	}}
}

// nums is a function of numbers only: NULL if an argument has no number.
func nums(name string, argsMin, argsMax int, f func(x []float64) float64) Func {
	return Func{Name: name, Min: argsMin, Max: argsMax, Eval: func(c *Context, args []dual.Value) dual.Value {
		var buf [8]float64
		x := buf[:0]
		for _, a := range args {
			n := c.num(a)
			if math.IsNaN(n) {
				return dual.Value{}
			}
			x = append(x, n)
		}
		return realValue(f(x))
	}}
}

// constant is a function without arguments.
func constant(name string, v dual.Value) Func {
	return Func{Name: name, Eval: func(*Context, []dual.Value) dual.Value { return v }}
}
