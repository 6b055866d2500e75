package qix

import (
	"slices"
	"strings"
	"testing"
)

// rows returns "a 1 / b 2" of a straight hypercube.
func (c *client) rows(handle int) string {
	c.t.Helper()
	var out []string
	for _, row := range c.result(handle, "GetLayout", "[]").At("/qLayout/qHyperCube/qDataPages/0/qMatrix").Items() {
		var cells []string
		for _, cell := range row.Items() {
			cells = append(cells, cell.Get("qText").Str())
		}
		out = append(out, strings.Join(cells, " "))
	}
	return strings.Join(out, " / ")
}

func cubeOf(dim, measure, more string) string {
	return `{"qInfo":{"qType":"c"},"qHyperCubeDef":{"qDimensions":[` + dim + `],"qMeasures":[` + measure + `],"qInitialDataFetch":[{"qWidth":5,"qHeight":50}]` + more + `}}`
}

const (
	byRegion = `{"qDef":{"qFieldDefs":["Region"],"qSortCriterias":[{"qSortByLoadOrder":1}]}}`
	amount   = `{"qDef":{"qDef":"Sum(Amount)"}}`
)

func TestMasterItems(t *testing.T) {
	c := openSales(t)
	c.result(1, "CreateDimension", `[{"qInfo":{"qId":"d","qType":"dimension"},"qDim":{"qFieldDefs":["Product"]},"qMetaDef":{"title":"Goods"}}]`)
	c.result(1, "CreateMeasure", `[{"qInfo":{"qId":"m","qType":"measure"},"qMeasure":{"qDef":"Sum(Amount)","qLabel":"Turnover"}}]`)
	obj := c.create(cubeOf(`{"qLibraryId":"d"}`, `{"qLibraryId":"m"}`, ""))
	if got := c.rows(obj); got != "a 4 / b 5 / c 7" {
		t.Errorf("rows %s", got)
	}
	if got := c.result(1, "Evaluate", `["[Turnover] * 2"]`).Get("qReturn").Str(); got != "32" {
		t.Errorf("a master measure by its label gives %s", got)
	}
	m := c.result(1, "GetMeasure", `["m"]`).At("/qReturn/qHandle").Int()
	n := c.ask(m, "SetProperties", `[{"qInfo":{"qId":"m","qType":"measure"},"qMeasure":{"qDef":"Count(Amount)"}}]`)
	if !slices.Contains(n.Get("change").Ints(), obj) {
		t.Errorf("change %s lacks the chart that uses the measure", n.Get("change").JSON())
	}
	if got := c.rows(obj); got != "a 2 / b 1 / c 1" {
		t.Errorf("rows %s after the change", got)
	}
}

func TestAlternateStates(t *testing.T) {
	c := openSales(t)
	c.result(1, "AddAlternateState", `["Other"]`)
	def := c.create(cubeOf(byRegion, amount, ""))
	other := c.create(cubeOf(byRegion, amount, `,"qStateName":"Other"`))
	c.rows(def)
	c.rows(other)
	field := c.result(1, "GetField", `["Region","Other"]`).At("/qReturn/qHandle").Int()
	n := c.ask(field, "Select", `["West"]`)
	if got := n.Get("change").Ints(); !slices.Contains(got, other) || slices.Contains(got, def) {
		t.Errorf("change %v: %d depends on the state, %d does not", got, other, def)
	}
	if got := c.rows(other); got != "West 7" {
		t.Errorf("rows of the state %s", got)
	}
	if got := c.rows(def); got != "North 6 / South 3 / West 7" {
		t.Errorf("rows of the default state %s", got)
	}
	if n := c.ask(1, "GetField", `["Region","Nowhere"]`); n.Get("error") == nil {
		t.Error("a state that does not exist")
	}
}

func TestDrillDownAndCycle(t *testing.T) {
	c := openSales(t)
	drill := c.create(cubeOf(`{"qDef":{"qGrouping":"H","qFieldDefs":["Region","Product"]}}`, amount, ""))
	cycle := c.create(cubeOf(`{"qDef":{"qGrouping":"C","qFieldDefs":["Region","Product"]}}`, amount, ""))
	if !c.result(drill, "SelectHyperCubeValues", `["/qHyperCubeDef",0,[0],false]`).Get("qSuccess").Truth() {
		t.Fatal("not selected")
	}
	if got := c.rows(drill); got != "a 1 / b 5" {
		t.Errorf("below North: %s", got)
	}
	c.result(drill, "DrillUp", `["/qHyperCubeDef",0,1]`)
	if got := c.rows(drill); got != "North 6 / South 3 / West 7" {
		t.Errorf("up again: %s", got)
	}
	c.result(cycle, "StepCycle", `["/qHyperCubeDef",0,1]`)
	if got := c.rows(cycle); got != "a 4 / b 5 / c 7" {
		t.Errorf("after a step: %s", got)
	}
	c.result(cycle, "StepCycle", `["/qHyperCubeDef",0,-3]`)
	if got := c.rows(cycle); got != "North 6 / South 3 / West 7" {
		t.Errorf("three steps back: %s", got)
	}
}

func TestSelectionsInCubes(t *testing.T) {
	for _, tt := range []struct{ method, params, want, why string }{
		{"SelectHyperCubeValues", `["/qHyperCubeDef",0,[0,2],false]`, "13", "element numbers"},
		{"SelectHyperCubeCells", `["/qHyperCubeDef",[1],[0]]`, "3", "a row"},
		{"RangeSelectHyperCubeValues", `["/qHyperCubeDef",[{"qRange":{"qMin":4,"qMax":6,"qMaxInclEq":true},"qMeasureIx":0}],[0],false]`, "6", "a range of the measure"},
		{"RangeSelectHyperCubeValues", `["/qHyperCubeDef",[{"qRange":{"qMin":4,"qMax":6},"qMeasureIx":0}],[0],false]`, "16", "an open range finds nothing"},
		{"MultiRangeSelectHyperCubeValues", `["/qHyperCubeDef",[{"qRanges":[{"qRange":{"qMin":0,"qMax":4},"qMeasureIx":0}],"qColumnsToSelect":[0]}]]`, "3", "several ranges"},
	} {
		c := openSales(t)
		obj := c.create(cubeOf(byRegion, amount, ""))
		c.result(obj, tt.method, tt.params)
		if got := c.result(1, "Evaluate", `["Sum(Amount)"]`).Get("qReturn").Str(); got != tt.want {
			t.Errorf("%s%s: Sum(Amount) = %s, want %s: %s", tt.method, tt.params, got, tt.want, tt.why)
		}
	}
}

func TestFullPropertyTree(t *testing.T) {
	c := openSales(t)
	h := c.result(1, "CreateObject", `[{"qInfo":{"qId":"s","qType":"sheet"}}]`).At("/qReturn/qHandle").Int()
	c.result(h, "SetFullPropertyTree", `[{"qProperty":{"qInfo":{"qId":"s","qType":"sheet"},"v":1},"qChildren":[
		{"qProperty":{"qInfo":{"qId":"k1","qType":"x"}},"qChildren":[{"qProperty":{"qInfo":{"qId":"g","qType":"y"}}}]},{"qProperty":{"qInfo":{"qId":"k2","qType":"x"}}}]}]`)
	c.result(h, "SetChildArrayOrder", `[["k2","k1"]]`)
	entry := c.result(h, "GetFullPropertyTree", "[]").Get("qPropEntry")
	if entry.At("/qProperty/v").Int() != 1 || entry.At("/qChildren/0/qProperty/qInfo/qId").Str() != "k2" || entry.At("/qChildren/1/qChildren/0/qProperty/qInfo/qId").Str() != "g" {
		t.Errorf("tree %s", entry.JSON())
	}
	c.result(h, "SetFullPropertyTree", `[{"qProperty":{"qInfo":{"qId":"s","qType":"sheet"}},"qChildren":[{"qProperty":{"qInfo":{"qId":"k2","qType":"x"}}}]}]`)
	var ids []string
	for _, i := range c.result(1, "GetAllInfos", "[]").Get("qInfos").Items() {
		if i.Get("qType").Str() != "variable" {
			ids = append(ids, i.Get("qId").Str())
		}
	}
	if got := strings.Join(ids, " "); got != "s k2" {
		t.Errorf("objects left: %s", got)
	}
}

func TestExtends(t *testing.T) {
	c := openSales(t)
	base := c.result(1, "CreateObject", `[{"qInfo":{"qId":"base","qType":"x"},"a":1,"o":{"x":1,"y":2}}]`).At("/qReturn/qHandle").Int()
	h := c.create(`{"qInfo":{"qType":"x"},"qExtendsId":"base","o":{"x":9}}`)
	layout := c.result(h, "GetLayout", "[]").Get("qLayout")
	if layout.Get("a").Int() != 1 || layout.Get("o").JSON() != `{"x":9,"y":2}` || layout.Get("qExtendsId").Str() != "base" {
		t.Errorf("layout %s", layout.JSON())
	}
	n := c.ask(base, "SetProperties", `[{"qInfo":{"qId":"base","qType":"x"},"a":2}]`)
	if !slices.Contains(n.Get("change").Ints(), h) {
		t.Errorf("change %s lacks the object that extends it", n.Get("change").JSON())
	}
}

func TestTablesInSourceMode(t *testing.T) {
	c := openSales(t)
	c.result(1, "SetScript", `["A: LOAD * INLINE [\nx, y, p\n1, a, P\n2, b, Q];\nB: LOAD * INLINE [\nx, y, q\n1, a, R];"]`)
	c.result(1, "DoReload", "[]")
	names := func(synthetic string) string {
		var out []string
		for _, tb := range c.result(1, "GetTablesAndKeys", `[{},{},0,`+synthetic+`,false]`).Get("qtr").Items() {
			var fields []string
			for _, f := range tb.Get("qFields").Items() {
				fields = append(fields, f.Get("qName").Str())
			}
			slices.Sort(fields)
			out = append(out, tb.Get("qName").Str()+"("+strings.Join(fields, " ")+")")
		}
		return strings.Join(out, " ")
	}
	if got := names("false"); got != "A(p x y) B(q x y)" {
		t.Errorf("source mode: %s", got)
	}
	if got := names("true"); got != "A($Syn 1 p) B($Syn 1 q) $Syn 1 Table($Syn 1 x y)" {
		t.Errorf("synthetic mode: %s", got)
	}
}
