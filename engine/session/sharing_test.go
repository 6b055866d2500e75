package session_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/enginetest"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/storage/bitset"
)

const sharedScript = `
Sales:
LOAD * INLINE [
Region, Product, Year, Amount
North, a, 1, 10
North, b, 2, 50
South, a, 1, 30
South, c, 2, 20
West, c, 3, 70
East, b, 3, 5];`

// shownExpressions depend on all that an expression can depend on.
var shownExpressions = []string{
	"Sum(Amount)", "Sum({1} Amount)", "Sum({$1} Amount)", "Sum({$_1} Amount)", "Sum({Other} Amount)", "Sum({<Region=P({Other} Region)>} Amount)",
	"Sum({<Year={$(vYear)}>} Amount)", "Sum({<Year={$(=Max(Year))}>} Amount)", "$(vSum)", "vSum", "Total", "Sum({Kept} Amount)",
	"GetCurrentSelections()", "GetFieldSelections(Region)", "GetSelectedCount(Region, 0, 'Other')", "OSUser()", "Count(Product) & StateName()",
	"If(vYear=1, Sum({Other} Amount), vOther)", "Sum(Aggr(Sum(Amount), Region))", "Rank(Sum(Amount))", "$($(vName))", "Nope(", "Today(1)", "DocumentTitle()",
}

func shownObject(rng *rand.Rand) *tree.Node {
	expr := func() string { return shownExpressions[rng.IntN(len(shownExpressions))] }
	dim := [...]string{"Region", "Product", "=Year*10", "=If(vYear=1, Region, Product)", "=Aggr(Rank(Sum(Amount)), Region)"}[rng.IntN(5)]
	state := [...]string{"", "Other", "$"}[rng.IntN(3)]
	var text string
	switch rng.IntN(4) {
	case 0:
		text = fmt.Sprintf(`{"qListObjectDef":{"qStateName":%q,"qDef":{"qFieldDefs":[%q]},"qExpressions":[{"qExpr":%q}],"qFrequencyMode":"V","qInitialDataFetch":[{"qWidth":1,"qHeight":10}]}}`,
			state, dim, expr())
	case 1:
		text = fmt.Sprintf(`{"qHyperCubeDef":{"qStateName":%q,"qMode":"P","qDimensions":[{"qDef":{"qFieldDefs":[%q]}},{"qDef":{"qFieldDefs":["Year"]}}],
			"qMeasures":[{"qDef":{"qDef":%q}}],"qAlwaysFullyExpanded":true,"qNoOfLeftDims":1,"qInitialDataFetch":[{"qWidth":10,"qHeight":10}]}}`, state, dim, expr())
	default:
		text = fmt.Sprintf(`{"qHyperCubeDef":{"qStateName":%q,"qDimensions":[{"qLibraryId":%q,"qDef":{"qFieldDefs":[%q],"qFieldLabels":["='by ' & GetSelectedCount(Year)"]}}],
			"qMeasures":[{"qLibraryId":%q,"qDef":{"qDef":%q}}],"qCalcCondition":{"qCond":%q},"qInitialDataFetch":[{"qWidth":4,"qHeight":10}]}}`,
			state, [...]string{"", "d"}[rng.IntN(2)], dim, [...]string{"", "m"}[rng.IntN(2)], expr(), [...]string{"", "vYear=1", "1"}[rng.IntN(3)])
	}
	n, err := tree.ParseString(text)
	if err != nil {
		panic(err)
	}
	return n.With("qInfo", tree.NewObject(tree.Member{Key: "qType", Value: tree.NewString("x")}))
}

// What a session gets of others is what it would compute: sessions of two
// users change selections, alternate states, variables, master items and data
// at random, and each layout is compared with one that nothing is shared for.
func TestSharedResultsAreOwn(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := newShared(t, rng)
		for step := range 100 {
			w.change(t)
			if !w.compare(t) {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
}

// shared is some sessions on one app.
type shared struct {
	rng      *rand.Rand
	sessions []*session.Session
	objects  []*tree.Node
	ids      []map[int]string // by session and object
}

func newShared(t *testing.T, rng *rand.Rand) *shared {
	first := enginetest.Load(t, sharedScript).Session
	a, err := first.App()
	if err != nil {
		t.Fatal(err)
	}
	w := &shared{rng: rng, sessions: []*session.Session{first}}
	for _, user := range []string{"ann", "ann", "bob"} {
		s := session.New(user, user, first.Library(), nil)
		t.Cleanup(s.Close)
		if _, err := s.OpenDoc(a.ID); err != nil {
			t.Fatal(err)
		}
		w.sessions = append(w.sessions, s)
	}
	if err := first.AddState("Other", false, ""); err != nil {
		t.Fatal(err)
	}
	w.create(t, object.Dimension, `{"qInfo":{"qId":"d","qType":"dimension"},"qDim":{"qFieldDefs":["Product"]}}`)
	w.create(t, object.Measure, `{"qInfo":{"qId":"m","qType":"measure"},"qMeasure":{"qLabel":"Total","qDef":"Sum(Amount)"}}`)
	for name, def := range map[string]string{"vYear": "1", "vSum": "=Sum(Amount)", "vOther": "7", "vName": "vSum"} {
		w.create(t, object.Variable, fmt.Sprintf(`{"qInfo":{"qId":%q,"qType":"variable"},"qName":%q,"qDefinition":%q}`, name, name, def))
	}
	for range 12 {
		w.objects = append(w.objects, shownObject(rng))
	}
	for _, s := range w.sessions {
		s.Begin()
		ids := map[int]string{}
		for i, n := range w.objects {
			ref, err := s.CreateSession(object.Generic, n)
			if err != nil {
				t.Fatal(err)
			}
			ids[i] = ref.ID
		}
		w.ids = append(w.ids, ids)
	}
	return w
}

func (w *shared) create(t *testing.T, kind object.Kind, props string) {
	t.Helper()
	n, err := tree.ParseString(props)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.sessions[0].Create(kind, n, nil); err != nil {
		t.Fatal(err)
	}
}

// change does something in some session.
func (w *shared) change(t *testing.T) {
	s := w.sessions[w.rng.IntN(len(w.sessions))]
	s.Begin()
	pick := func(list ...string) string { return list[w.rng.IntN(len(list))] }
	var err error
	switch w.rng.IntN(12) {
	case 0:
		err = s.SetDefinition(pick("vYear", "vSum", "vOther"), pick("1", "2", "=Sum(Amount)", "=Max(Year)", "GetCurrentSelections()"))
	case 1:
		err = s.SetDefinition("vName", pick("vSum", "vOther", "vYear"))
	case 2:
		item := map[string]string{
			"d": fmt.Sprintf(`{"qInfo":{"qId":"d","qType":"dimension"},"qDim":{"qFieldDefs":[%q]}}`, pick("Product", "Region")),
			"m": fmt.Sprintf(`{"qInfo":{"qId":"m","qType":"measure"},"qMeasure":{"qLabel":"Total","qDef":%q}}`, pick("Sum(Amount)", "Max(Amount)")),
		}
		id := pick("d", "m")
		var n *tree.Node
		if n, err = tree.ParseString(item[id]); err == nil {
			err = s.SetProperties(id, n)
		}
	case 3:
		s.Back()
	case 4:
		s.Forward()
	case 5:
		err = s.ClearAll(pick("", "Other"), false, "")
	case 6:
		_, err = s.SetLock("Region", "", w.rng.IntN(2) == 0)
	case 7:
		n, _ := tree.ParseString(fmt.Sprintf(`{"qInfo":{"qType":"bookmark"},"qMetaDef":{"title":%q}}`, pick("Kept", "unused")))
		_, err = s.Create(object.Bookmark, n, s.KeepState(false))
	case 8:
		if w.rng.IntN(8) == 0 {
			a, _ := s.App()
			a.SetScript(sharedScript + fmt.Sprintf("CONCATENATE (Sales) LOAD * INLINE [Region, Product, Year, Amount\nNorth, a, 1, %d];", w.rng.IntN(100)))
			_, err = a.Reload(t.Context(), "")
		}
	default:
		f := s.FieldOf(pick("Region", "Product", "Year"))
		codes := bitset.New(f.Symbols.Len() + 1)
		for range 1 + w.rng.IntN(2) {
			codes.Add(1 + w.rng.IntN(f.Symbols.Len()))
		}
		_, err = s.Select(f, codes, session.Pick{State: pick("", "", "Other"), Toggle: w.rng.IntN(3) == 0})
	}
	if err != nil {
		t.Fatal(err)
	}
	s.End()
}

// compare has every session compute some objects.
func (w *shared) compare(t *testing.T) bool {
	for i, s := range w.sessions {
		s.Begin()
		for range 3 {
			n := w.rng.IntN(len(w.objects))
			path := "/qHyperCubeDef"
			list := w.objects[n].Has("qListObjectDef")
			if list {
				path = "/qListObjectDef"
			}
			p, err := s.Place(w.ids[i][n], path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Cube(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			want := unshared(t, s, s.Effective(s.Item(w.ids[i][n])).At(path), p.State, list)
			if g, w := string(got.AppendLayout(nil)), string(want.AppendLayout(nil)); g != w {
				t.Errorf("session %d shows\n%s\nand would compute\n%s", i, g, w)
				return false
			}
		}
		s.End()
	}
	return true
}

// The same selections made in another order are the same to charts, but not to
// GetCurrentSelections.
func TestSharedByOrder(t *testing.T) {
	one := enginetest.Load(t, sharedScript).Session
	a, err := one.App()
	if err != nil {
		t.Fatal(err)
	}
	two := session.New("two", "", one.Library(), nil)
	t.Cleanup(two.Close)
	if _, err := two.OpenDoc(a.ID); err != nil {
		t.Fatal(err)
	}
	for s, order := range map[*session.Session][]string{one: {"Region", "Year"}, two: {"Year", "Region"}} {
		s.Begin()
		for _, name := range order {
			f := s.FieldOf(name)
			if ok, err := s.Select(f, bitset.Of(f.Symbols.Len()+1, 1), session.Pick{}); err != nil || !ok {
				t.Fatal(ok, err)
			}
		}
		if v, err := s.Value(t.Context(), "Sum(Amount)", ""); err != nil || v.Num != 10 {
			t.Errorf("%v: the sum is %v, %v", order, v.Num, err)
		}
		want := fmt.Sprintf("%s: %s\r\n", order[0], s.Text(s.FieldOf(order[0]), 1))
		if v, err := s.Value(t.Context(), "GetCurrentSelections()", ""); err != nil || len(v.Text) < len(want) || v.Text[:len(want)] != want {
			t.Errorf("%v: %q, %v", order, v.Text, err)
		}
	}
}

func unshared(t *testing.T, s *session.Session, def *tree.Node, state string, list bool) *cube.Cube {
	t.Helper()
	lib := cube.Library{
		Dimension: func(id string) *tree.Node { return s.Item(id).Props.Get("qDim") },
		Measure:   func(id string) *tree.Node { return s.Item(id).Props.Get("qMeasure") },
	}
	parse := cube.Parse
	if list {
		parse = cube.ParseList
	}
	c, err := cube.Compute(context.Background(), s.Context(state), parse(def, lib), cube.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
