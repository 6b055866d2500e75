package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// checks compare what the engine says with what a case expects.
var checks = map[string]func(a *App, s *Step) error{
	"eval":     (*App).checkEval,
	"cube":     (*App).checkCube,
	"states":   (*App).checkStates,
	"field":    (*App).checkField,
	"table":    (*App).checkTable,
	"tables":   (*App).checkTables,
	"var":      (*App).checkVar,
	"no_field": (*App).checkNoField,
}

func (a *App) checkEval(s *Step) error {
	v, err := a.Session.Context(s.State).Value(context.Background(), s.Expr)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Expr, err)
	}
	if got := a.cell(v); !matches(got, s.Is) {
		return fmt.Errorf("%s: got %v, want %s", s.Expr, got, s.Is)
	}
	return nil
}

// sortKeys are the members of a sort criterion by the words of the cases.
var sortKeys = map[string]string{"numeric": "qSortByNumeric", "text": "qSortByAscii", "load": "qSortByLoadOrder", "": "qSortByLoadOrder"}

func (a *App) checkCube(s *Step) error {
	def := a.cubeDef(s)
	c, err := cube.Compute(context.Background(), a.Session.Context(s.State), cube.Parse(def, cube.Library{}), cube.Options{})
	if err != nil {
		return err
	}
	if c.Err != nil {
		return fmt.Errorf("cube: %+v", *c.Err)
	}
	rows := make([][]Cell, c.Rows)
	for r := range rows {
		for col := range len(s.Dims) + len(s.Measures) {
			rows[r] = append(rows[r], a.cell(c.Value(col, r)))
		}
	}
	if err := compareRows(rows, s.Rows, s.Order == "listed"); err != nil {
		return fmt.Errorf("%v by %v: %w", s.Measures, s.Dims, err)
	}
	for i, want := range s.Totals {
		if got := a.cell(c.Totals()[i]); !matches(got, want) {
			return fmt.Errorf("total of %s: got %v, want %s", s.Measures[i], got, want)
		}
	}
	return nil
}

func (a *App) cubeDef(s *Step) *tree.Node {
	var dims, measures []*tree.Node
	order := []*tree.Node{}
	for _, x := range s.Sort {
		order = append(order, tree.NewInt(x.Dim))
	}
	for i, d := range s.Dims {
		by, sign := "qSortByLoadOrder", 1
		for _, x := range s.Sort {
			if x.Dim == i {
				by = sortKeys[x.By]
				if x.Desc {
					sign = -1
				}
			}
		}
		dims = append(dims, tree.NewObject(
			tree.Member{Key: "qDef", Value: tree.NewObject(
				tree.Member{Key: "qFieldDefs", Value: tree.NewStrings(d)},
				tree.Member{Key: "qSortCriterias", Value: tree.NewArray(tree.NewObject(tree.Member{Key: by, Value: tree.NewInt(sign)}))},
			)},
			tree.Member{Key: "qNullSuppression", Value: tree.NewBool(s.SuppressNull)},
		))
	}
	for _, m := range s.Measures {
		measures = append(measures, tree.NewObject(tree.Member{Key: "qDef", Value: tree.NewObject(
			tree.Member{Key: "qDef", Value: tree.NewString(m)},
		)}))
	}
	return tree.NewObject(
		tree.Member{Key: "qDimensions", Value: tree.NewArray(dims...)},
		tree.Member{Key: "qMeasures", Value: tree.NewArray(measures...)},
		tree.Member{Key: "qInterColumnSortOrder", Value: tree.NewArray(order...)},
		tree.Member{Key: "qSuppressZero", Value: tree.NewBool(s.SuppressZero)},
	)
}

// list computes a list object of a field.
func (a *App) list(field, state, by string) (*cube.Cube, error) {
	def := tree.MustParse(fmt.Sprintf(`{"qShowAlternatives":true,"qDef":{"qFieldDefs":[%s],"qSortCriterias":[{%q:1}]}}`,
		tree.NewString(field).JSON(), sortKeys[by]))
	c, err := cube.Compute(context.Background(), a.Session.Context(state), cube.ParseList(def, cube.Library{}), cube.Options{})
	if err == nil && c.Err != nil {
		err = fmt.Errorf("list object: %+v", *c.Err)
	}
	return c, err
}

func (a *App) checkStates(s *Step) error {
	c, err := a.list(s.Field, s.State, "load")
	if err != nil {
		return err
	}
	var want map[string]string
	if err := json.Unmarshal(s.Values, &want); err != nil {
		return err
	}
	got := map[string]string{}
	for r := range c.Rows {
		got[a.cell(c.Value(0, r)).Text] = c.State(0, r).String()
	}
	for text, w := range want {
		if got[text] != w {
			return fmt.Errorf("%s=%s is %q, want %q", s.Field, text, got[text], w)
		}
	}
	return nil
}

func (a *App) checkField(s *Step) error {
	c, err := a.list(s.Field, s.State, s.Order)
	if err != nil {
		return err
	}
	var want []string
	if err := json.Unmarshal(s.Values, &want); err != nil {
		return err
	}
	got := []string{}
	for r := range c.Rows {
		got = append(got, a.cell(c.Value(0, r)).Text)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s in %s order: got %q, want %q", s.Field, s.Order, got, want)
	}
	return nil
}

func (a *App) checkTable(s *Step) error {
	d := a.Session.Data()
	t := d.Model.Table(s.Table)
	if t == nil {
		return fmt.Errorf("no table %q", s.Table)
	}
	rows := make([][]Cell, t.Rows)
	for _, name := range s.Fields {
		found := false
		for _, col := range d.Columns(t, true) {
			if col.Field.Name != name {
				continue
			}
			found = true
			for r, v := range col.Values(0, t.Rows) {
				rows[r] = append(rows[r], a.cell(v))
			}
		}
		if !found {
			return fmt.Errorf("table %s has no field %s", s.Table, name)
		}
	}
	if err := compareRows(rows, s.Rows, s.Order == "load"); err != nil {
		return fmt.Errorf("table %s: %w", s.Table, err)
	}
	return nil
}

func (a *App) checkTables(s *Step) error {
	var got []string
	for _, t := range a.Session.Data().Model.Tables {
		got = append(got, t.Name)
	}
	want := slices.Clone(s.Names)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("tables %q, want %q", got, want)
	}
	return nil
}

func (a *App) checkVar(s *Step) error {
	it := a.Session.VariableItem(s.Name)
	if it == nil {
		return fmt.Errorf("no variable %s", s.Name)
	}
	text, num, err := a.Session.VariableValue(context.Background(), it)
	if err != nil {
		return err
	}
	c := Cell{Num: num, Text: text}
	for _, want := range []json.RawMessage{s.N, s.T} {
		if want != nil && !matches(c, want) {
			return fmt.Errorf("variable %s is %v, want %s", s.Name, c, want)
		}
	}
	return nil
}

func (a *App) checkNoField(s *Step) error {
	if f := a.Session.Data().Model.Field(s.Field); f != nil && !strings.HasPrefix(s.Field, "$") {
		return fmt.Errorf("field %s exists", s.Field)
	}
	return nil
}
