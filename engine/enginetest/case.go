package enginetest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/app"
)

// A Case is a conformance case file.
type Case struct {
	ID         string
	Title      string
	Tier       int
	Confidence string
	Script     []string
	Steps      []Step
}

// A Step is an action or a check of a case.
type Step struct {
	Op, Check string

	Field  string
	State  string
	Text   string
	Name   string
	ID     string
	Expr   string
	Table  string
	Order  string
	Values json.RawMessage
	Value  json.RawMessage
	Is     json.RawMessage
	Expect json.RawMessage
	User   *User
	N, T   json.RawMessage

	Dims         []string
	Measures     []string
	Rows         [][]json.RawMessage
	Totals       []json.RawMessage
	Sort         []Sort
	Fields       []string
	Names        []string
	SuppressNull bool `json:"suppress_null"`
	SuppressZero bool `json:"suppress_zero"`
}

// A Sort is the order of a dimension.
type Sort struct {
	Dim  int
	By   string
	Desc bool
}

// A User is who opens an app with section access.
type User struct {
	UserID string
	Groups []string
	Email  string
}

// Cases reads the case files below dir, in order of their names.
func Cases(t testing.TB, dir string) []Case {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "c*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
	}
	slices.Sort(files)
	cases := make([]Case, len(files))
	for i, f := range files {
		b, err := os.ReadFile(f)
		if err == nil {
			err = json.Unmarshal(b, &cases[i])
		}
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
	}
	return cases
}

// Run runs a case and returns what differs, step by step.
func (c *Case) Run(t testing.TB) (problems []string) {
	a, err := Open(t, strings.Join(c.Script, "\n"), app.Options{})
	if err != nil {
		return []string{err.Error()}
	}
	for i := range c.Steps {
		s := &c.Steps[i]
		err := a.step(s)
		if err != nil {
			problems = append(problems, fmt.Sprintf("step %d %s%s: %v", i, s.Op, s.Check, err))
		}
	}
	return problems
}

func (a *App) step(s *Step) error {
	if s.Check != "" {
		check := checks[s.Check]
		if check == nil {
			return fmt.Errorf("unknown check %q", s.Check)
		}
		return check(a, s)
	}
	action := actions[s.Op]
	if action == nil {
		return fmt.Errorf("unknown op %q", s.Op)
	}
	ok, err := action(a, s)
	if e := string(s.Expect); e == "false" || e == `"denied"` {
		if ok && err == nil {
			return fmt.Errorf("accepted, want it refused")
		}
		return nil
	}
	if err == nil && !ok {
		return fmt.Errorf("refused")
	}
	return err
}

// matches compares a cell with an expected value of a case.
func matches(c Cell, want json.RawMessage) bool {
	var v any
	if json.Unmarshal(want, &v) != nil {
		return false
	}
	switch w := v.(type) {
	case nil:
		return c.Null
	case float64:
		return !c.Null && near(c.Num, w)
	case string:
		return !c.Null && c.Text == w
	case bool:
		return !c.Null && near(c.Num, map[bool]float64{true: -1}[w])
	case map[string]any:
		if w["any"] == true {
			return true
		}
		n, hasN := w["n"].(float64)
		t, hasT := w["t"].(string)
		return (hasN || hasT) && !c.Null && (!hasN || near(c.Num, n)) && (!hasT || c.Text == t)
	}
	return false
}

func near(got, want float64) bool {
	return math.Abs(got-want) <= 1e-9*max(1, math.Abs(want))
}

// compareRows compares rows in order, or as a multiset.
func compareRows(got [][]Cell, want [][]json.RawMessage, ordered bool) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d rows %v, want %d", len(got), show(got), len(want))
	}
	rowMatches := func(g []Cell, w []json.RawMessage) bool {
		if len(g) != len(w) {
			return false
		}
		for i := range g {
			if !matches(g[i], w[i]) {
				return false
			}
		}
		return true
	}
	used := make([]bool, len(got))
	for i, w := range want {
		found := false
		for j, g := range got {
			if used[j] || (ordered && i != j) || !rowMatches(g, w) {
				continue
			}
			used[j], found = true, true
			break
		}
		if !found {
			return fmt.Errorf("no row %s (order matters: %v) in %v", rawRow(w), ordered, show(got))
		}
	}
	return nil
}

func rawRow(w []json.RawMessage) string {
	parts := make([]string, len(w))
	for i, x := range w {
		parts[i] = string(x)
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func show(rows [][]Cell) string {
	if len(rows) > 12 {
		return fmt.Sprint(rows[:12], "...")
	}
	return fmt.Sprint(rows)
}
