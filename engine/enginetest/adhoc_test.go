package enginetest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/bitset"
)

func TestAdhoc(t *testing.T) {
	b, err := os.ReadFile("../../services/web/sample/flights.qvs")
	if err != nil {
		t.Skip()
	}
	t0 := time.Now()
	a, err := Open(t, string(b), app.Options{Folders: map[string]string{"vega": "/tmp/npm/package/data"}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("load", time.Since(t0))
	d := a.Session.Data()
	m := d.Model
	fmt.Printf("mem %+v\n", m.Catalog.Memory())
	sel := func(st *state.State, field string, n int) *state.State {
		f := m.Field(field)
		codes := bitset.New(f.Symbols.Len() + 1)
		for c := 1; c <= n; c++ {
			codes.Add(c)
		}
		return st.With(field, state.Selection{Codes: codes})
	}
	for i, st := range []*state.State{sel(nil, "Origin region", 1), sel(nil, "Month", 2), sel(nil, "Distance", 300), sel(sel(nil, "Weekday", 1), "Destination state", 3), sel(nil, "Month", 3), sel(nil, "Month", 4)} {
		t0 := time.Now()
		for _, f := range m.Fields {
			d.Infer.States(st, f)
		}
		fmt.Println("click", i, time.Since(t0))
		for _, q := range []struct {
			dims []query.DimDef
			ms   []string
		}{
			{[]query.DimDef{{Field: "Origin state"}}, []string{"Sum(Distance)", "Avg(Delay)", "Count(Delay)"}},
			{[]query.DimDef{{Field: "Hour"}}, []string{"Sum(Distance)", "Avg(Delay)", "Count(DISTINCT Destination)"}},
			{[]query.DimDef{{Field: "Date"}, {Field: "Origin"}}, []string{"Sum(Distance)"}},
			{[]query.DimDef{{Field: "Month"}}, []string{"Count(DISTINCT [Origin city])"}},
			{[]query.DimDef{{Field: "Month"}}, []string{"Sum(Distance*Delay)"}},
		} {
			c := a.Session.Context("")
			c.History = state.History{}.Replace(state.Set{}.With("$", st))
			t0 = time.Now()
			g, err := c.Grid(context.Background(), q.dims, q.ms)
			if err != nil {
				t.Fatal(err)
			}
			g.Measures(nil)
			fmt.Println("  cube", q, g.N, time.Since(t0))
		}
	}
}
