package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/cognate-bi/cognate/engine/session"
)

// A userClick is a step of a session: it selects values of a field, clears the
// field where there are none, or goes back where there is no field.
type userClick struct {
	field string
	texts []string
}

// twentyClicks are what somebody does who looks for something.
var twentyClicks = []userClick{
	{"d_year", []string{"1997"}},
	{"d_year", []string{"1997", "1996"}},
	{"c_region", []string{"ASIA"}},
	{"c_region", []string{"ASIA", "EUROPE"}},
	{},
	{"s_region", []string{"AMERICA"}},
	{"d_year", nil},
	{"p_mfgr", []string{"MFGR#1"}},
	{"p_mfgr", []string{"MFGR#1", "MFGR#2"}},
	{},
	{"lo_shipmode", []string{"AIR"}},
	{"lo_shipmode", nil},
	{"s_region", nil},
	{"d_year", []string{"1997"}},
	{"d_year", []string{"1998"}},
	{},
	{"p_mfgr", nil},
	{"c_region", nil},
	{"c_region", []string{"ASIA"}},
	{"d_year", nil},
}

func (c *userClick) do(u *session.Session) error {
	switch {
	case c.field == "":
		u.Back()
		return nil
	case c.texts == nil:
		_, err := u.Clear(c.field, session.Pick{})
		return err
	}
	sel := namedSelection{c.field, []fieldSelection{{field: c.field, texts: c.texts}}}
	st, err := sel.state(u.Data().Model)
	if err != nil {
		return err
	}
	return apply(u, st, sel.fields)
}

// runClicks measures the layouts of the dashboard after each click, once in one
// session and once with nothing known from the clicks before.
func runClicks(ctx context.Context, s *suite) error {
	_, id, err := s.ownApp(ctx)
	if err != nil {
		return err
	}
	one, err := s.twenty(ctx, id, false)
	if err != nil {
		return err
	}
	anew, err := s.twenty(ctx, id, true)
	if err != nil {
		return err
	}
	total := func(name string, ms []float64) {
		f := Figure{Workload: name, Unit: "ms", Samples: []float64{0}}
		for i, v := range ms {
			f.Samples[0] += v
			s.report.add(Figure{Workload: fmt.Sprintf("%s, click %d", name, i+1), Unit: "ms", Samples: []float64{v}})
		}
		s.report.add(f)
	}
	total("twenty clicks (one session)", one)
	total("twenty clicks (anew each)", anew)
	return nil
}

// twenty returns the milliseconds of each click. What is selected is the same
// either way: anew does the clicks before first, without layouts.
func (s *suite) twenty(ctx context.Context, id string, anew bool) ([]float64, error) {
	var u *session.Session
	var refs []*session.Ref
	open := func(before []userClick) (err error) {
		if u, err = s.openOwn(id); err != nil {
			return err
		}
		for i := range before {
			if err := before[i].do(u); err != nil {
				return err
			}
		}
		refs, err = create(u, dashboardProps())
		return err
	}
	if err := open(nil); err != nil {
		return nil, err
	}
	defer func() { u.Close() }()
	out := make([]float64, 0, len(twentyClicks))
	for i := range twentyClicks {
		if anew && i > 0 {
			u.Close()
			if err := open(twentyClicks[:i]); err != nil {
				return nil, err
			}
		}
		start := time.Now()
		if err := twentyClicks[i].do(u); err != nil {
			return nil, fmt.Errorf("click %d: %w", i+1, err)
		}
		if _, err := layOut(ctx, u, refs); err != nil {
			return nil, fmt.Errorf("click %d: %w", i+1, err)
		}
		out = append(out, milliseconds(time.Since(start)))
	}
	return out, nil
}
