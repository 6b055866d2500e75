package qix

import (
	"context"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/engine/object/tree"
)

const salesChart = `{"qInfo":{"qType":"c"},"qHyperCubeDef":{"qDimensions":[{"qDef":{"qFieldDefs":["Product"]}}],"qMeasures":[{"qDef":{"qDef":"Sum(Amount)"}}],"qInitialDataFetch":[{"qWidth":2,"qHeight":10}]}}`

// A selection makes the layouts pointless that have not been computed yet:
// they answer with the code for aborted requests, and their handles are in
// the list of changes for who does not ask again by itself.
func TestSelectionOvertakesLayouts(t *testing.T) {
	c := openSales(t)
	list, chart := c.create(regionList), c.create(salesChart)
	other := c.create(`{"qInfo":{"qType":"text"},"title":"no data"}`)
	release := make(chan struct{})
	c.conn.s.Queue.Add(nil, 0, func(context.Context) { <-release })
	overtaken := []int{
		c.send(chart, "GetLayout", "[]", ""),
		c.send(chart, "GetHyperCubeData", `["/qHyperCubeDef",[{"qWidth":2,"qHeight":9}]]`, ""),
	}
	kept := []int{
		c.send(other, "GetLayout", "[]", ""),
		c.send(chart, "GetProperties", "[]", ""),
		c.send(list, "SelectListObjectValues", `["/qListObjectDef",[1],false]`, ""),
		c.send(chart, "GetLayout", "[]", ""),
	}
	close(release)
	told := false
	for range len(overtaken) + len(kept) {
		n := c.next()
		code := n.Get("error").Get("code").Int()
		if slices.Contains(overtaken, n.Get("id").Int()) {
			if code != codeAborted {
				t.Errorf("overtaken: %s", n.JSON())
			}
			told = told || slices.Contains(n.Get("change").Ints(), chart)
			continue
		}
		if code != 0 {
			t.Errorf("not overtaken: %s", n.JSON())
		}
	}
	if !told {
		t.Error("nobody is told that the chart has to be fetched again")
	}
	sum := c.result(chart, "GetLayout", "[]").At("/qLayout/qHyperCube/qGrandTotalRow/0/qNum")
	if !tree.Equal(sum, tree.NewInt(3)) {
		t.Errorf("the chart shows %s after the selection", sum.JSON())
	}
}
