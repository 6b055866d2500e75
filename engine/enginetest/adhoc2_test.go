package enginetest

import (
	"context"
	"os"
	"testing"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/query"
)

func BenchmarkAdhoc(b *testing.B) {
	s, err := os.ReadFile("../../services/web/sample/flights.qvs")
	if err != nil {
		b.Skip()
	}
	a, err := Open(b, string(s), app.Options{Folders: map[string]string{"vega": "/tmp/npm/package/data"}})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c := a.Session.Context("")
		c.Workers = 1
		g, err := c.Grid(context.Background(), []query.DimDef{{Field: "Origin state"}}, []string{"Sum(Distance)", "Avg(Delay)", "Count(Delay)"})
		if err != nil {
			b.Fatal(err)
		}
		g.Measures(nil)
	}
}
