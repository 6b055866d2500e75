package object

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/object/tree"
)

// fake answers every expression with its own text and length.
type fake struct{}

func (fake) Expression(_ context.Context, expr, state string) (string, float64, error) {
	return state + ":" + expr, float64(len(expr)), nil
}

func (fake) AppendDef(_ context.Context, dst []byte, d Def) ([]byte, bool, error) {
	if d.Name != "qListObjectDef" && d.Name != "qHyperCubeDef" {
		return dst, false, nil
	}
	return append(dst, strconv.Quote(d.Path+" in "+d.State)...), true, nil
}

func TestAppendLayout(t *testing.T) {
	for _, tt := range []struct{ props, want, why string }{
		{`{"a":[1,{"b":null}],"qx":true}`, `"a":[1,{"b":null}],"qx":true`, "unknown members travel on"},
		{`{"t":{"qStringExpression":{"qExpr":"=1"}}}`, `"t":"$:=1"`, "an expression object"},
		{`{"t":{"qStringExpression":"=1"},"n":{"qValueExpression":"abc"}}`, `"t":"$:=1","n":3`, "a plain expression text"},
		{`{"t":{"qStringExpression":{"qv":"=2"}}}`, `"t":"$:=2"`, "the old spelling"},
		{`{"box":{"qStateName":"A","l":[{"qListObjectDef":{}}]}}`, `"box":{"qStateName":"A","l":[{"qListObject":"/box/l/0/qListObjectDef in A"}]}`, "definitions at any depth, in the state above"},
		{`{"qHyperCubeDef":{"qStateName":"B"}}`, `"qHyperCube":"/qHyperCubeDef in B"`, "a state of its own"},
		{`{"qLayoutExclude":{"x":1},"myDef":{}}`, `"myDef":{}`, "left out; a Def of the client's own"},
	} {
		got, err := AppendLayout(t.Context(), nil, View{Props: tree.MustParse(tt.props)}, fake{})
		if err != nil {
			t.Fatal(err)
		}
		want := `{"qInfo":null,"qMeta":{},"qSelectionInfo":{},` + tt.want + `}`
		if string(got) != want {
			t.Errorf("%s\n got %s\nwant %s\n(%s)", tt.props, got, want, tt.why)
		}
	}
}

func TestExpand(t *testing.T) {
	for _, tt := range []struct {
		kind             Kind
		props, want, why string
	}{
		{Generic, `{"x":"","y":false}`, `{"x":"","y":false,"qMetaDef":{}}`, "unknown members stay, empty ones too"},
		{
			Generic, `{"a":{"qListObjectDef":{"qFrequencyMode":"EQ_NX_FREQUENCY_VALUE","qStateName":"","qDef":{"qSortCriterias":[{"qSortByAscii":1}]}}}}`,
			`{"a":{"qListObjectDef":{"qFrequencyMode":"V","qDef":{"qSortCriterias":[{"qSortByAscii":1,"qSortByState":0,"qSortByFrequency":0,"qSortByNumeric":0,"qSortByLoadOrder":0,"qSortByExpression":0,"qExpression":{},"qSortByGreyness":0}],"qGrouping":"N","qFieldDefs":[],"qFieldLabels":[],"qNumberPresentations":[],"qActiveField":0},"qAutoSortByState":{"qDisplayNumberOfRows":0},"qInitialDataFetch":[],"qExpressions":[]}},"qMetaDef":{}}`,
			"numbers, arrays and structures are written, empty strings are not",
		},
		{Dimension, `{"qDim":{"qGrouping":1}}`, `{"qDim":{"qGrouping":"H","qFieldDefs":[],"qFieldLabels":[]},"qMetaDef":{}}`, "an enum by number"},
		{Generic, `{"qHyperCubeDef":[1]}`, `{"qHyperCubeDef":[1],"qMetaDef":{}}`, "nonsense is kept"},
	} {
		if got := Expand(tt.kind, tree.MustParse(tt.props)).JSON(); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s\n(%s)", tt.props, got, tt.want, tt.why)
		}
	}
	cube := Expand(Generic, tree.MustParse(`{"qHyperCubeDef":{"qDimensions":[{}],"qMeasures":[{"qDef":{"qDef":"=1","qLabel":""}}]}}`)).JSON()
	for _, part := range []string{`"qOtherCounted":{}`, `"qAccumulate":0`, `"qMode":"S"`, `"qNumFormat":{"qType":"U","qnDec":10,"qUseThou":0}`, `"qForceBadValueKeeping":true`} {
		if !strings.Contains(cube, part) {
			t.Errorf("%s is missing in %s", part, cube)
		}
	}
	if strings.Contains(cube, "qLabel\"") || strings.Contains(cube, "qSuppressZero") {
		t.Errorf("empty members in %s", cube)
	}
}

func TestDeps(t *testing.T) {
	d := DepsOf(tree.MustParse(`{"qExtendsId":"p","b":{"qStateName":"A","qHyperCubeDef":{"qMeasures":[{"qLibraryId":"m","x":"Sum(vX)"}]}},"qAppObjectListDef":{"qType":"sheet"}}`))
	if !d.OnState("A") || d.OnState("$") || !d.OnItem("m") || !d.OnItem("p") || !d.OnVariable("vX") || d.OnVariable("vY") {
		t.Errorf("%+v", d)
	}
	if !d.OnList(Generic, "sheet") || d.OnList(Generic, "story") || d.OnList(Dimension, "") {
		t.Errorf("lists %+v", d.Lists)
	}
	if d := DepsOf(tree.MustParse(`{"t":{"qStringExpression":"Sum({A} x)"}}`)); !d.OnState("A") || !d.OnState("$") {
		t.Error("a set expression may look at any state")
	}
}

func TestStore(t *testing.T) {
	s := NewStore()
	add := func(id, parent string) {
		t.Helper()
		it, err := NewItem(Generic, tree.MustParse(`{"qInfo":{"qId":"`+id+`","qType":"x"}}`), nil, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		it.Parent = parent
		if err := s.Add(it); err != nil {
			t.Fatal(err)
		}
	}
	add("a", "")
	add("b", "a")
	add("c", "b")
	add("d", "a")
	if err := s.Add(&Item{ID: "a"}); !errors.Is(err, ErrExists) {
		t.Errorf("second a: %v", err)
	}
	if !s.Descends("c", "a") || s.Descends("d", "b") {
		t.Error("c lies below a, d does not lie below b")
	}
	if err := s.Reorder("a", []string{"d"}); err != nil || s.Get("a").Children[0] != "d" {
		t.Errorf("reordered: %v, %v", s.Get("a").Children, err)
	}
	if gone := s.Remove("b"); len(gone) != 2 || s.Get("c") != nil || len(s.Get("a").Children) != 1 {
		t.Errorf("removed %v, a has %v", gone, s.Get("a").Children)
	}
	if s.Remove("b") != nil {
		t.Error("removed twice")
	}
}
