package bench

import (
	"context"
	"fmt"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
)

// starNeighbours are the selections of starSelections and one value more: what
// was seen a click before a value was given up, or comes after one is added.
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
// that of a neighbour kept, which has one value more or less.
func runStates(ctx context.Context, s *suite) error {
	m, err := s.model(ctx)
	if err != nil {
		return err
	}
	for i := range s.data.selections {
		if err := s.clickStates(ctx, m, &s.data.selections[i], &starNeighbours[i]); err != nil {
			return err
		}
		s.share("click "+s.data.selections[i].name, "all codes read once", s.result.Catalog.Memory().CodeBytes)
	}
	return nil
}

func (s *suite) clickStates(ctx context.Context, m *model.Model, sel, neighbour *namedSelection) error {
	st, err := sel.state(m)
	if err != nil {
		return err
	}
	more, err := neighbour.state(m)
	if err != nil {
		return err
	}
	name := "click " + sel.name
	for _, how := range []struct {
		name         string
		known, asked *state.State
	}{
		{name, nil, st},
		{name + " (cached)", st, st},
		{name + " (value removed)", more, st},
		{name + " and one value more", nil, more},
		{name + " and one value more (value added)", st, more},
	} {
		var e *infer.Engine
		before := func() error {
			if e = infer.New(m); how.known != nil {
				possible(e, how.known)
			}
			return nil
		}
		if err := s.repeat(ctx, how.name, before, func() (string, error) { return possible(e, how.asked), nil }); err != nil {
			return err
		}
	}
	return nil
}
