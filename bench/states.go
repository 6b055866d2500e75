package bench

import (
	"context"
	"fmt"
	"runtime"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
)

// starNeighbours are the selections of starSelections and one value more: what
// was seen a click before.
var starNeighbours = []namedSelection{
	{"S1", []fieldSelection{{field: "d_year", texts: []string{"1997", "1996"}}, {field: "c_region", texts: []string{"ASIA"}}}},
	{"S2", []fieldSelection{{field: "c_region", texts: []string{"ASIA", "EUROPE"}}}},
	{"S3", []fieldSelection{
		{field: "d_year", lo: 1993, hi: 1996},
		{field: "s_region", texts: []string{"AMERICA", "EUROPE"}},
		{field: "p_mfgr", texts: []string{"MFGR#1"}},
	}},
	{"S4", []fieldSelection{{field: "lo_quantity", lo: 1, hi: 26}}},
	{"S5", []fieldSelection{{field: "p_brand1", texts: []string{"MFGR#2221", "MFGR#2222"}}}},
}

// possible is the answer of a click: the number of values that are possible.
func possible(e *infer.Engine, st *state.State) string {
	n := 0
	for _, of := range e.CountsOf(st, e.Model.Fields) {
		for status := range of {
			if possibleStatus[status] {
				n += of[status]
			}
		}
	}
	return fmt.Sprintf("%d values possible", n)
}

// runStates measures every selection anew, with its result kept, and with only
// that of its neighbour kept.
func runStates(ctx context.Context, s *suite) error {
	m, err := s.model(ctx)
	if err != nil {
		return err
	}
	for i := range s.data.selections {
		if err := s.clickStates(ctx, m, &s.data.selections[i], &starNeighbours[i]); err != nil {
			return err
		}
		s.share("click " + s.data.selections[i].name)
	}
	return nil
}

// share says how much of the bandwidth of the machine a click took, as if it
// had read all codes once.
func (s *suite) share(click string) {
	f, all := s.report.figure(click, ""), s.report.figure(readBandwidth(runtime.GOMAXPROCS(0)), "")
	if f == nil || all == nil {
		return
	}
	rate := float64(s.result.Catalog.Memory().CodeBytes) / 1e6 / f.Median() // GB/s
	s.report.add(Figure{Workload: click + ", codes read once, of bandwidth", Unit: "%", Samples: []float64{100 * rate / all.Median()}})
}

func (s *suite) clickStates(ctx context.Context, m *model.Model, sel, neighbour *namedSelection) error {
	st, err := sel.state(m)
	if err != nil {
		return err
	}
	near, err := neighbour.state(m)
	if err != nil {
		return err
	}
	var e *infer.Engine
	after := func(kept *state.State) func() error {
		return func() error {
			if e = infer.New(m); kept != nil {
				possible(e, kept)
			}
			return nil
		}
	}
	ask := func() (string, error) { return possible(e, st), nil }
	for _, how := range []struct {
		name   string
		before func() error
	}{
		{"click " + sel.name, after(nil)},
		{"click " + sel.name + " (cached)", after(st)},
		{"click " + sel.name + " (neighbour)", after(near)},
	} {
		if err := s.repeat(ctx, how.name, how.before, ask); err != nil {
			return err
		}
	}
	return nil
}
