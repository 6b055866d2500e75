package cube_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/enginetest"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
)

const sales = `
Sales:
LOAD If(Region='-', Null(), Region) AS Region, Product, Amount INLINE [
Region, Product, Amount
North, a, 10
North, b, 50
South, a, 30
west, c, 70
East, c, 0
-, b, 5];`

func compute(t *testing.T, a *enginetest.App, def string, o cube.Options) *cube.Cube {
	t.Helper()
	n, err := tree.ParseString(def)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cube.Compute(context.Background(), a.Session.Context(""), cube.Parse(n, cube.Library{}), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A layout is what the tests read of qHyperCube.
type layout struct {
	QSize  struct{ Qcx, Qcy int }
	QError *struct {
		QErrorCode int
	}
	QCalcCondMsg   string
	QDimensionInfo []struct {
		QFallbackTitle string
		QMin, QMax     any
		QStateCounts   map[string]int
		QGrouping      string
		QError         *struct{ QErrorCode int }
	}
	QMeasureInfo []struct {
		QFallbackTitle string
		QMin, QMax     float64
	}
	QGrandTotalRow  []cell
	QHasOtherValues bool
	QDataPages      []struct {
		QMatrix [][]cell
		QArea   struct{ QLeft, QTop, QWidth, QHeight int }
	}
	QPivotDataPages []struct {
		QLeft, QTop []node
		QData       [][]struct{ QText, QType string }
	}
	QStackedDataPages []struct{ QData []node }
}

type cell struct {
	QText        string
	QElemNumber  int
	QState       string
	QIsNull      bool
	QIsOtherCell bool
	QAttrExps    struct{ QValues []struct{ QText string } }
}

type node struct {
	QText, QType           string
	QElemNo                int
	QCanExpand             bool
	QCanCollapse           bool
	QMaxPos, QMinNeg, QRow any
	QSubNodes              []node
}

func read(t *testing.T, c *cube.Cube) layout {
	t.Helper()
	b := c.AppendLayout(nil)
	var l layout
	if err := json.Unmarshal(b, &l); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return l
}

// matrix prints a page: cells by blanks, rows by slashes.
func matrix(rows [][]cell) string {
	var out []string
	for _, r := range rows {
		var cells []string
		for _, c := range r {
			cells = append(cells, c.QText)
		}
		out = append(out, strings.Join(cells, " "))
	}
	return strings.Join(out, " / ")
}

// outline prints nodes with their types and sub-nodes.
func outline(nodes []node) string {
	var out []string
	for _, n := range nodes {
		s := n.QText + ":" + n.QType
		if n.QCanExpand {
			s += "+"
		}
		if n.QCanCollapse {
			s += "-"
		}
		if len(n.QSubNodes) > 0 {
			s += "(" + outline(n.QSubNodes) + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func dim(field, more string) string {
	return fmt.Sprintf(`{"qDef":{"qFieldDefs":[%q]%s}}`, field, more)
}

const page = `"qInitialDataFetch":[{"qLeft":0,"qTop":0,"qWidth":10,"qHeight":50}]`

func TestStraight(t *testing.T) {
	a := enginetest.Load(t, sales)
	sum := `{"qDef":{"qDef":"Sum(Amount)"}}`
	for _, tt := range []struct{ name, def, want, why string }{
		{
			"load order", `"qDimensions":[` + dim("Region", "") + `],"qMeasures":[` + sum + `]`,
			"North 60 / South 30 / west 70 / East 0 / - 5", "without criteria values come as loaded, NULL last",
		},
		{
			"text", `"qDimensions":[` + dim("Region", `,"qSortCriterias":[{"qSortByAscii":1}]`) + `],"qMeasures":[` + sum + `]`,
			"East 0 / North 60 / South 30 / west 70 / - 5", "collation looks at case last",
		},
		{
			"text descending", `"qDimensions":[` + dim("Region", `,"qSortCriterias":[{"qSortByAscii":-1}]`) + `],"qMeasures":[` + sum + `]`,
			"west 70 / South 30 / North 60 / East 0 / - 5", "NULL is last in both directions",
		},
		{
			"expression", `"qDimensions":[` + dim("Region", `,"qSortCriterias":[{"qSortByExpression":-1,"qExpression":{"qv":"Max(Amount)"}}]`) + `],"qMeasures":[` + sum + `]`,
			"west 70 / North 60 / South 30 / East 0 / - 5", "by the greatest amount: 70, 50, 30, 0",
		},
		{
			"frequency", `"qDimensions":[` + dim("Product", `,"qSortCriterias":[{"qSortByFrequency":1,"qSortByLoadOrder":-1}]`) + `],"qMeasures":[` + sum + `]`,
			"c 70 / b 55 / a 40", "two rows each; the next criterion decides",
		},
		{
			"measure", `"qDimensions":[` + dim("Region", "") + `],"qMeasures":[{"qDef":{"qDef":"Sum(Amount)"},"qSortBy":{"qSortByNumeric":-1}}],"qInterColumnSortOrder":[1,0]`,
			"west 70 / North 60 / South 30 / - 5 / East 0", "the measure is the first column of the order",
		},
		{
			"no null, no zero", `"qSuppressZero":true,"qSuppressMissing":true,"qDimensions":[` + dim("Region", "") + `],"qMeasures":[` + sum + `]`,
			"North 60 / South 30 / west 70", "East has 0, one row has no region",
		},
		{
			"column order", `"qColumnOrder":[1,0],"qDimensions":[` + dim("Product", "") + `],"qMeasures":[` + sum + `]`,
			"40 a / 55 b / 70 c", "pages follow the column order",
		},
		{
			"format", `"qDimensions":[` + dim("Product", "") + `],"qMeasures":[{"qDef":{"qDef":"Sum(Amount)","qNumFormat":{"qType":"F","qFmt":"0.00","qDec":".","qThou":","}}}]`,
			"a 40.00 / b 55.00 / c 70.00", "the measure's format makes the text",
		},
		{
			"order of rows for Above", `"qDimensions":[` + dim("Product", `,"qSortCriterias":[{"qSortByAscii":-1}]`) + `],"qMeasures":[{"qDef":{"qDef":"RangeSum(Above(Sum(Amount),0,RowNo()))"}}]`,
			"c 70 / b 125 / a 165", "running sums follow the order that is shown",
		},
		{
			"two best and others", `"qDimensions":[{"qDef":{"qFieldDefs":["Region"]},"qNullSuppression":true,"qOtherTotalSpec":{"qOtherMode":"OTHER_COUNTED","qOtherCounted":{"qv":"2"}}}],"qMeasures":[` + sum + `]`,
			"North 60 / west 70 / Others 30", "South and East are evaluated together",
		},
		{
			"bottom one without others", `"qDimensions":[{"qDef":{"qFieldDefs":["Product"]},"qOtherTotalSpec":{"qOtherMode":"OTHER_COUNTED","qOtherCounted":{"qv":"-1"},"qSuppressOther":true}}],"qMeasures":[` + sum + `]`,
			"a 40", "a negative count asks for the least",
		},
		{
			"at least 50", `"qDimensions":[{"qDef":{"qFieldDefs":["Product"]},"qOtherTotalSpec":{"qOtherMode":"OTHER_ABS_LIMITED","qOtherLimit":{"qv":"50"},"qOtherLimitMode":"OTHER_GE_LIMIT"}}],"qMeasures":[` + sum + `]`,
			"b 55 / c 70 / Others 40", "",
		},
		{
			"half of the total", `"qDimensions":[{"qDef":{"qFieldDefs":["Product"]},"qOtherTotalSpec":{"qOtherMode":"OTHER_REL_ACC_TARGET","qOtherLimit":{"qv":"0.5"}}}],"qMeasures":[` + sum + `]`,
			"b 55 / c 70 / Others 40", "70 of 165 is less than half, with 55 it is more",
		},
		{
			"others inside a group", `"qDimensions":[` + dim("Product", "") + `,{"qDef":{"qFieldDefs":["Region"]},"qOtherTotalSpec":{"qOtherMode":"OTHER_COUNTED","qOtherCounted":{"qv":"1"}}}],"qMeasures":[` + sum + `]`,
			"a South 30 / a Others 10 / b North 50 / c west 70 / c Others 0", "the best region of each product; the rest of b has no region and cannot be selected",
		},
		{
			"calculated", `"qDimensions":[` + dim("=If(Amount>20,'big','small')", "") + `],"qMeasures":[` + sum + `]`,
			"small 15 / big 150", "values of a calculated dimension in order of appearance",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := read(t, compute(t, a, `{`+tt.def+`,`+page+`}`, cube.Options{}))
			if l.QError != nil {
				t.Fatalf("error %d", l.QError.QErrorCode)
			}
			if got := matrix(l.QDataPages[0].QMatrix); got != tt.want {
				t.Errorf("got  %s\nwant %s\n%s", got, tt.want, tt.why)
			}
		})
	}
}

func TestPagesAndInfos(t *testing.T) {
	a := enginetest.Load(t, sales)
	def := `{"qDimensions":[{"qDef":{"qFieldDefs":["Region","Product"],"qGrouping":"H","qFieldLabels":["Where"]},"qAttributeExpressions":[{"qExpression":"Count(Product)"}]}],
		"qMeasures":[{"qDef":{"qDef":"Sum(Amount)","qLabel":"='Total of ' & Sum(Amount)"}}],"qInitialDataFetch":[{"qLeft":1,"qTop":3,"qWidth":9,"qHeight":9}]}`
	l := read(t, compute(t, a, def, cube.Options{}))
	if got := fmt.Sprint(l.QSize, l.QDataPages[0].QArea); got != "{2 5} {1 3 1 2}" {
		t.Errorf("size and area %s: a page is cut to what there is", got)
	}
	d, m := l.QDimensionInfo[0], l.QMeasureInfo[0]
	if d.QFallbackTitle != "Where" || d.QGrouping != "H" || d.QMin != "NaN" || d.QStateCounts["qOption"] != 4 {
		t.Errorf("dimension info %+v", d)
	}
	if m.QFallbackTitle != "Total of 165" || m.QMin != 0 || m.QMax != 70 || l.QGrandTotalRow[0].QText != "165" {
		t.Errorf("measure info %+v, total %+v", m, l.QGrandTotalRow)
	}
	first := read(t, compute(t, a, strings.Replace(def, `"qLeft":1,"qTop":3`, `"qLeft":0,"qTop":0`, 1), cube.Options{}))
	if c := first.QDataPages[0].QMatrix[0][0]; c.QText != "North" || c.QElemNumber != 0 || c.QState != "O" || c.QAttrExps.QValues[0].QText != "2" {
		t.Errorf("first cell %+v", c)
	}
	if c := first.QDataPages[0].QMatrix[4][0]; c.QText != "-" || c.QElemNumber != -2 || !c.QIsNull {
		t.Errorf("NULL cell %+v", c)
	}
}

func TestErrorsAndConditions(t *testing.T) {
	a := enginetest.Load(t, sales)
	for _, tt := range []struct {
		name, def string
		code      int
	}{
		{"unknown field", `"qDimensions":[` + dim("Nowhere", "") + `]`, 7000},
		{"bad measure", `"qMeasures":[{"qDef":{"qDef":"Sum(("}}]`, 7000},
		{"no such master item", `"qDimensions":[{"qLibraryId":"x"}]`, 7001},
		{"condition", `"qCalcCondition":{"qCond":{"qv":"Sum(Amount)>1000"},"qMsg":{"qv":"select something"}},"qMeasures":[{"qDef":{"qDef":"1"}}]`, 7005},
	} {
		n, err := tree.ParseString(`{` + tt.def + `,` + page + `}`)
		if err != nil {
			t.Fatal(err)
		}
		none := cube.Library{Dimension: func(string) *tree.Node { return nil }, Measure: func(string) *tree.Node { return nil }}
		c, err := cube.Compute(context.Background(), a.Session.Context(""), cube.Parse(n, none), cube.Options{})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		l := read(t, c)
		if l.QError == nil || l.QError.QErrorCode != tt.code {
			t.Errorf("%s: error %+v, want code %d", tt.name, l.QError, tt.code)
		}
		if tt.code == 7005 && l.QCalcCondMsg != "select something" {
			t.Errorf("message %q", l.QCalcCondMsg)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n := tree.MustParse(`{"qMeasures":[{"qDef":{"qDef":"Sum(Amount)"}}]}`)
	if _, err := cube.Compute(ctx, a.Session.Context(""), cube.Parse(n, cube.Library{}), cube.Options{}); err == nil {
		t.Error("a cancelled calculation has to end with an error, not in the layout")
	}
}

func TestPivot(t *testing.T) {
	a := enginetest.Load(t, sales)
	def := func(more string) string {
		return `{"qMode":"P","qSuppressMissing":true,"qDimensions":[{"qDef":{"qFieldDefs":["Region"]},"qShowTotal":true},` + dim("Product", "") + `],
			"qMeasures":[{"qDef":{"qDef":"Sum(Amount)","qLabel":"S"}},{"qDef":{"qDef":"Count(Amount)","qLabel":"N"}}],
			"qInterColumnSortOrder":[0,1,-1],"qNoOfLeftDims":2` + more + `,` + page + `}`
	}
	data := func(l layout) string {
		var out []string
		for _, r := range l.QPivotDataPages[0].QData {
			s := ""
			for _, c := range r {
				s += c.QText + c.QType + " "
			}
			out = append(out, strings.TrimSpace(s))
		}
		return strings.Join(out, " / ")
	}
	closed := compute(t, a, def(""), cube.Options{})
	l := read(t, closed)
	if got, want := outline(l.QPivotDataPages[0].QLeft), "North:N+ South:N+ west:N+ East:N+ Totals:T"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
	if got, want := outline(l.QPivotDataPages[0].QTop), "S:P N:P"; got != want {
		t.Errorf("top %s, want %s", got, want)
	}
	if got, want := data(l), "60T 2T / 30T 1T / 70T 1T / 0T 1T / 165T 6T"; got != want {
		t.Errorf("data %s, want %s: closed nodes show the sum over what is below", got, want)
	}
	key := closed.NodeKey(false, 0, 0)
	l = read(t, compute(t, a, def(""), cube.Options{Open: cube.Open{key: true}}))
	if got, want := outline(l.QPivotDataPages[0].QLeft[:2]), "North:N-(a:N b:N) South:N+"; got != want {
		t.Errorf("opened: left %s, want %s", got, want)
	}
	if got, want := data(l), "10V 1V / 50V 1V / 30T 1T / 70T 1T / 0T 1T / 165T 6T"; got != want {
		t.Errorf("opened: data %s, want %s", got, want)
	}
	l = read(t, compute(t, a, def(`,"qAlwaysFullyExpanded":true,"qShowTotalsAbove":true`), cube.Options{}))
	if got, want := outline(l.QPivotDataPages[0].QLeft), "Totals:T North:N-(a:N b:N) South:N-(a:N) west:N-(c:N) East:N-(c:N)"; got != want {
		t.Errorf("expanded: left %s, want %s", got, want)
	}
}

func TestStacked(t *testing.T) {
	a := enginetest.Load(t, sales)
	def := `{"qMode":"K","qSuppressMissing":true,"qAlwaysFullyExpanded":true,"qDimensions":[` + dim("Product", "") + `,` + dim("Region", "") + `],
		"qMeasures":[{"qDef":{"qDef":"Sum(Amount)"}}],` + page + `}`
	l := read(t, compute(t, a, def, cube.Options{}))
	if got := fmt.Sprint(l.QSize); got != "{2 3}" {
		t.Errorf("size %s: rows count along the first dimension, columns are the widest second level", got)
	}
	root := l.QStackedDataPages[0].QData[0]
	if got, want := outline(root.QSubNodes), "a:N(North:N(10:V) South:N(30:V)) b:N(North:N(50:V)) c:N(west:N(70:V) East:N(0:V))"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if a := root.QSubNodes[0]; a.QMaxPos != 40.0 || a.QRow != 0.0 || root.QSubNodes[2].QRow != 2.0 {
		t.Errorf("stack sums and rows: %+v", root.QSubNodes)
	}
}

func TestList(t *testing.T) {
	a := enginetest.Load(t, sales)
	f := a.Session.Data().Model.Field("Region")
	if ok, err := a.Session.Select(f, session.Elements(f, []int{1}), session.Pick{}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, tt := range []struct{ def, want, why string }{
		{`"qShowAlternatives":true`, "North:A South:S west:A East:A", "values of the same field are alternatives"},
		{``, "North:X South:S west:X East:X", "without qShowAlternatives they look excluded"},
		{`"qShowAlternatives":true,"qAutoSortByState":{"qDisplayNumberOfRows":2}`, "South:S North:A west:A East:A", "more rows than fit: selected first"},
		{`"qShowAlternatives":true,"qAutoSortByState":{"qDisplayNumberOfRows":9}`, "North:A South:S west:A East:A", "all fit: order unchanged"},
	} {
		more := ""
		if tt.def != "" {
			more = "," + tt.def
		}
		n := tree.MustParse(`{"qDef":{"qFieldDefs":["Region"]}` + more + `,` + page + `}`)
		c, err := cube.Compute(context.Background(), a.Session.Context(""), cube.ParseList(n, cube.Library{}), cube.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for row := range c.Rows {
			got = append(got, a.Session.Text(f, int(f.Symbols.Find(c.Value(0, row))))+":"+c.State(0, row).String())
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: got %s, want %s: %s", tt.def, s, tt.want, tt.why)
		}
	}
}
