package query

import (
	"sort"

	"github.com/cognate-bi/cognate/engine/agg"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A job is one aggregation of a grid, over the records of one scope.
type job struct {
	spec   agg.Spec
	scope  *scope
	args   []expr.Node // over fieldNode and aggrNode
	fields []*model.Field
	aggrs  []*aggr
	total  bool
	keep   []int // dimensions that TOTAL <...> keeps

	tables []*model.Table // that the records come from
	dims   []int          // dimensions that split the records, ascending

	base *model.Table // whose rows were scanned; nil: none

	byRow   result // per grid row
	overall result // over everything; without agg: the total of byRow
}

// A result is the aggregator of a job with the groups it was fed by.
type result struct {
	dims   []int // of the grid; the groups' tuples are their codes
	groups *groups
	agg    agg.Aggregator
}

// aggregator returns an empty aggregator for the job.
func (j *job) aggregator(c *fn.Context) (agg.Aggregator, error) {
	if j.spec.Distinct && j.spec.Name == "count" && len(j.args) == 1 {
		if n, ok := j.args[0].(*fieldNode); ok {
			return agg.NewDistinctCodes(n.f.Symbols.Len() + 1), nil
		}
	}
	return agg.New(c, j.spec)
}

// grandTotal returns the aggregation over everything.
func (j *job) grandTotal() dual.Value {
	if j.overall.agg != nil {
		return j.overall.only()
	}
	return j.byRow.agg.(agg.Totaler).Total()
}

// A fieldNode is a field of a record.
type fieldNode struct {
	at int
	f  *model.Field
}

// Pos implements expr.Node.
func (n *fieldNode) Pos() int { return n.at }

// An aggrNode is the value of an Aggr table at a record.
type aggrNode struct {
	at int
	a  *aggr
}

// Pos implements expr.Node.
func (n *aggrNode) Pos() int { return n.at }

// A slotNode is the result of job i.
type slotNode struct{ at, i int }

// Pos implements expr.Node.
func (n *slotNode) Pos() int { return n.at }

// insensitive are the aggregations that do not care how often a record
// comes.
var insensitive = map[string]bool{
	"min": true, "max": true, "only": true, "minstring": true, "maxstring": true,
}

// numbersOnly are the aggregations that see nothing but numbers.
var numbersOnly = map[string]bool{"sum": true, "avg": true, "min": true, "max": true}

// nullStrict reports whether all arguments are NULL as soon as a field is.
func (j *job) nullStrict() bool {
	for _, a := range j.args {
		if !nullStrict(a) {
			return false
		}
	}
	return true
}

func (j *job) countsRecords() bool { return !j.spec.Distinct && !insensitive[j.spec.Name] }

// homes chooses the tables that the records of fields come from. A key field
// comes from a table that another field needs anyway, else from the one that
// holds most of the key fields, the longest of equals (data-model.md, section
// 7).
func homes(fields []*model.Field) []*model.Table {
	var tables []*model.Table
	has := func(t *model.Table) bool {
		for _, o := range tables {
			if o == t {
				return true
			}
		}
		return false
	}
	var keys []*model.Field
	for _, f := range fields {
		if len(f.Tables) > 1 {
			keys = append(keys, f)
		} else if !has(f.Tables[0]) {
			tables = append(tables, f.Tables[0])
		}
	}
	for len(keys) > 0 {
		var open []*model.Field
		for _, f := range keys {
			covered := false
			for _, t := range f.Tables {
				covered = covered || has(t)
			}
			if !covered {
				open = append(open, f)
			}
		}
		if keys = open; len(keys) > 0 {
			tables = append(tables, holderOfMost(keys))
		}
	}
	sort.Slice(tables, func(i, k int) bool { return tables[i].ID < tables[k].ID })
	return tables
}

func holderOfMost(keys []*model.Field) *model.Table {
	held := map[*model.Table]int{}
	for _, f := range keys {
		for _, t := range f.Tables {
			held[t]++
		}
	}
	var best *model.Table
	for _, f := range keys {
		for _, t := range f.Tables {
			better := best == nil || held[t] > held[best] ||
				(held[t] == held[best] && (best.Synthetic && !t.Synthetic || best.Synthetic == t.Synthetic && t.Rows > best.Rows))
			if better {
				best = t
			}
		}
	}
	return best
}
