package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/engine/script"
)

// possibleStatus are the statuses of values that a selection leaves possible.
var possibleStatus = [infer.LockedExcluded + 1]bool{
	infer.Optional: true, infer.Selected: true, infer.Locked: true,
}

// A chart is a hypercube: dimensions and measures, the filter as set
// expressions in the measures.
type chart struct {
	name     string
	dims     []string
	measures []string
}

// charts measures the cells of every chart without selections, unsorted. The
// answer is the number of rows that are not zero and the sums of the measures
// over them.
func charts(ctx context.Context, c *Config, d *dataset, m *model.Model, result *script.Result, r *Report) error {
	total := Figure{Workload: "all charts", Unit: "ms", Samples: make([]float64, c.Repetitions)}
	for i := range d.charts {
		ch := &d.charts[i]
		err := repeat(ctx, c, d, r, "chart "+ch.name, func() (string, error) {
			return ch.compute(ctx, c, m, result)
		})
		if err != nil {
			return err
		}
		for k, ms := range r.Figures[len(r.Figures)-1].Samples {
			total.Samples[k] += ms
		}
	}
	r.add(total)
	return nil
}

func (ch *chart) compute(ctx context.Context, c *Config, m *model.Model, result *script.Result) (string, error) {
	q := &query.Context{
		DataOnly: true,         // the queries list groups with records only
		Infer:    infer.New(m), // no results are kept: each repetition is a first look
		Fn:       &fn.Context{Locale: result.Locale, Now: time.Now},
		Workers:  c.Workers,
	}
	dims := make([]query.DimDef, len(ch.dims))
	for i, name := range ch.dims {
		dims[i].Field = name
	}
	g, err := q.Grid(ctx, dims, ch.measures)
	if err != nil {
		return "", err
	}
	vectors, err := g.Measures(nil)
	if err != nil {
		return "", err
	}
	rows, sums := 0, make([]float64, len(vectors))
	for i := range g.N {
		some := false
		for k := range vectors {
			if v := vectors[k].At(i); v.HasNum() && v.Num != 0 {
				some = true
				sums[k] += v.Num
			}
		}
		if some {
			rows++
		}
	}
	return fmt.Sprintf("%d rows, sums %.0f", rows, sums), nil
}
