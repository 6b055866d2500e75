package cube_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/enginetest"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/storage/dual"
)

// manyRows has numbers, dates, NULL and texts that have to be escaped.
const manyRows = `
T: LOAD RecNo() AS id, Date(40000+RecNo()) AS day, If(Mod(RecNo(),7)=0, Null(), Pick(1+Mod(RecNo(),5), 'plain', 'with "quotes"', 'Ä ö €', 'tab' & Chr(9), 'back\slash') & RecNo()) AS name,
	If(Mod(RecNo(),11)=0, Null(), RecNo()/7) AS x, Money(RecNo()*1000.5, '# ##0,00 €', ',', ' ') AS amount AUTOGENERATE %d;`

const wideCube = `{"qDimensions":[{"qDef":{"qFieldDefs":["id"],"qNumberPresentations":[{"qType":"F","qFmt":"#,##0.0"}]}},{"qDef":{"qFieldDefs":["day"]}},{"qDef":{"qFieldDefs":["name"]}}],
	"qMeasures":[{"qDef":{"qDef":"Sum(x)"}},{"qDef":{"qDef":"Sum(x)*1000","qNumFormat":{"qType":"F","qFmt":"# ##0,0","qDec":",","qThou":" "}}},{"qDef":{"qDef":"Only(amount)"}}]}`

func manyCells(tb testing.TB, rows int) *cube.Cube {
	tb.Helper()
	a := enginetest.Load(tb, fmt.Sprintf(manyRows, rows))
	c, err := cube.Compute(tb.Context(), a.Session.Context(""), cube.Parse(tree.MustParse(wideCube), cube.Library{}), cube.Options{})
	if err != nil || c.Err != nil || c.Rows != rows {
		tb.Fatal(err, c.Err, c.Rows)
	}
	return c
}

// A page is what the protocol says of every cell, one after the other.
func TestPageCells(t *testing.T) {
	c := manyCells(t, 300)
	a := enginetest.Load(t, "X: LOAD 1 AS x AUTOGENERATE 1;")
	locale := a.Session.Data().Locale
	formats := map[int]*dual.Format{
		0: {Type: dual.Fix, Pattern: "#,##0.0"},
		4: {Type: dual.Fix, Pattern: "# ##0,0", Decimal: ",", Thousand: " "},
	}
	var rows []*tree.Node
	for row := range c.Rows {
		var cells []*tree.Node
		for col := range c.Dims() + c.Measures() {
			v := c.Value(col, row)
			text := locale.Text(v)
			switch f := formats[col]; {
			case v.IsNull():
				text = "-"
			case f != nil:
				text = locale.FormatNum(v.Num, f)
			}
			elem, state := 0, "L"
			if col < c.Dims() {
				elem, state = c.Element(col, row), c.State(col, row).String()
			}
			cell := []tree.Member{
				{Key: "qText", Value: tree.NewString(text)},
				{Key: "qNum", Value: tree.NewFloat(v.Float())},
				{Key: "qElemNumber", Value: tree.NewInt(elem)},
				{Key: "qState", Value: tree.NewString(state)},
			}
			if v.IsNull() {
				cell = append(cell, tree.Member{Key: "qIsNull", Value: tree.NewBool(true)})
			} else if v.HasNum() {
				cell = append(cell, tree.Member{Key: "qIsNumeric", Value: tree.NewBool(true)})
			}
			cells = append(cells, tree.NewObject(cell...))
		}
		rows = append(rows, tree.NewArray(cells...))
	}
	want := tree.NewArray(rows...).JSON()
	got := tree.MustParse(string(c.AppendPage(nil, cube.Page{Width: 6, Height: 1000}))).Get("qMatrix").JSON()
	if got != want {
		for i := range got {
			if i >= len(want) || got[i] != want[i] {
				t.Fatalf("from byte %d on: got\n%.300s\nwant\n%.300s", i, got[max(0, i-100):], want[max(0, i-100):])
			}
		}
		t.Fatal("cells are missing")
	}
	if !strings.Contains(want, `"qNum":"NaN"`) || !math.IsNaN(c.Value(2, 6).Float()) {
		t.Error("the rows hold nothing that is no number")
	}
}

func BenchmarkPage(b *testing.B) {
	c := manyCells(b, 1000)
	page := cube.Page{Width: 6, Height: 1000}
	dst := c.AppendPage(nil, page)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		dst = c.AppendPage(dst[:0], page)
	}
}

func BenchmarkLayout(b *testing.B) {
	c := manyCells(b, 1000)
	dst := c.AppendLayout(nil)
	b.ReportAllocs()
	for b.Loop() {
		dst = c.AppendLayout(dst[:0])
	}
}
