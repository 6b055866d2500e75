package fn

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// eval evaluates an expression of scalar functions and constants.
func eval(c *Context, n expr.Node) (dual.Value, error) {
	switch n := n.(type) {
	case *expr.Literal:
		if n.Value.HasText() {
			return Literal(c.Locale, n.Value.Text), nil
		}
		return n.Value, nil
	case *expr.Unary:
		x, err := eval(c, n.X)
		if err != nil {
			return x, err
		}
		return Unary(n.Op)(c, x), nil
	case *expr.Binary:
		l, err := eval(c, n.L)
		if err != nil {
			return l, err
		}
		r, err := eval(c, n.R)
		if err != nil {
			return r, err
		}
		return Binary(n.Op)(c, l, r), nil
	case *expr.Call:
		f := Lookup(n.Name)
		if f == nil {
			return dual.Value{}, fmt.Errorf("no function %s", n.Name)
		}
		if len(n.Args) < f.Min || f.Max >= 0 && len(n.Args) > f.Max {
			return dual.Value{}, fmt.Errorf("%s of %d arguments", n.Name, len(n.Args))
		}
		var args []dual.Value
		for _, a := range n.Args {
			v, err := eval(c, a)
			if err != nil {
				return v, err
			}
			args = append(args, v)
		}
		return f.Eval(c, args), nil
	}
	return dual.Value{}, fmt.Errorf("unexpected %T", n)
}

func evalText(t *testing.T, c *Context, src string) dual.Value {
	t.Helper()
	n, err := expr.Parse(src, expr.Options{})
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	v, err := eval(c, n)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return v
}

// conformanceFile is the part of a conformance case that needs no tables.
type conformanceFile struct {
	ID     string
	Script []string
	Steps  []struct {
		Check, Expr string
		Is          any
	}
}

// TestConformance runs the checks of the conformance cases on scalar functions.
func TestConformance(t *testing.T) {
	dir := "../../../shared/reference/conformance"
	for _, pattern := range []string{"c07[5-8]-*.json", "c08[1-9]-*.json", "c092-*.json"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		if len(files) == 0 {
			t.Skipf("no conformance cases %s in %s", pattern, dir)
		}
		for _, file := range files {
			t.Run(filepath.Base(file)[:4], func(t *testing.T) { runConformance(t, file) })
		}
	}
}

func runConformance(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var f conformanceFile
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	c := &Context{Locale: number.Default()}
	set := regexp.MustCompile(`^SET (\w+)='(.*)';$`)
	for _, line := range f.Script {
		if m := set.FindStringSubmatch(line); m != nil {
			c.Locale, _ = c.Locale.With(m[1], m[2])
		}
	}
	for _, s := range f.Steps {
		if s.Check != "eval" {
			continue
		}
		v := evalText(t, c, s.Expr)
		if !agrees(c, v, s.Is) {
			t.Errorf("%s = %+v (%q), want %v", s.Expr, v, c.text(v), s.Is)
		}
	}
}

func agrees(c *Context, v dual.Value, want any) bool {
	switch want := want.(type) {
	case nil:
		return v.IsNull()
	case float64:
		return v.HasNum() && near(v.Num, want, 1e-9)
	case string:
		return !v.IsNull() && c.text(v) == want
	case map[string]any:
		if n, ok := want["n"]; ok && !agrees(c, v, n) {
			return false
		}
		t, ok := want["t"]
		return !ok || agrees(c, v, t)
	}
	return false
}

func near(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance*math.Max(1, math.Abs(b))
}
