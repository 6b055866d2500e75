package agg

import (
	"cmp"
	"slices"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

var concatFamily = []aggregation{
	{name: "Concat", argsMin: 1, argsMax: 3, make: func(c *fn.Context, s Spec) Aggregator {
		return &concat{c: c, weightAt: 2, nArgs: s.NArgs}
	}},
	{name: "JsonArray", argsMin: 1, argsMax: 2, make: func(c *fn.Context, s Spec) Aggregator {
		return &concat{c: c, weightAt: 1, nArgs: s.NArgs, json: true}
	}},
}

// concat joins texts in ascending order of their weight, or, without weights,
// of the text. With json it makes a JSON array, in load order without weights.
type concat struct {
	c        *fn.Context
	weightAt int // argument that is the weight
	nArgs    int
	json     bool
	groups   []joined
}

type joined struct {
	delimiter string
	items     []item
}

// An item is a text and what orders it.
type item struct {
	text   string
	weight dual.Value
}

func (a *concat) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *concat) Add(groups []uint32, args []dual.Vector) {
	texts := texter{c: a.c}
	for i := range args[0].N {
		v := args[0].At(i)
		if v.IsNull() && !a.json {
			continue
		}
		j := &a.groups[groupOf(groups, i)]
		it := item{}
		if a.json {
			it.text = string(a.c.AppendJSON(nil, v))
		} else {
			it.text = texts.at(&args[0], i)
		}
		if a.nArgs > a.weightAt {
			it.weight = args[a.weightAt].At(i)
		}
		if !a.json && a.nArgs > 1 && len(j.items) == 0 {
			j.delimiter = a.c.Locale.Text(args[1].At(i))
		}
		j.items = append(j.items, it)
	}
}

func (a *concat) Merge(o Aggregator, to []uint32) {
	for g, j := range o.(*concat).groups {
		mine := &a.groups[to[g]]
		if len(mine.items) == 0 {
			mine.delimiter = j.delimiter
		}
		mine.items = append(mine.items, j.items...)
	}
}

func (a *concat) Result(g int) dual.Value {
	j := &a.groups[g]
	if len(j.items) == 0 {
		return dual.Value{}
	}
	switch {
	case a.nArgs > a.weightAt:
		slices.SortStableFunc(j.items, func(x, y item) int { return dual.Compare(x.weight, y.weight) })
	case !a.json:
		slices.SortStableFunc(j.items, func(x, y item) int { return cmp.Compare(x.text, y.text) })
	}
	var out []byte
	delimiter := j.delimiter
	if a.json {
		out, delimiter = append(out, '['), ","
	}
	for i, it := range j.items {
		if i > 0 {
			out = append(out, delimiter...)
		}
		out = append(out, it.text...)
	}
	if a.json {
		out = append(out, ']')
	}
	return dual.String(string(out))
}

// texter makes display texts and remembers those of one dictionary, where
// several rows share an entry.
type texter struct {
	c    *fn.Context
	dict *dual.Dict
	text []string
	made []bool
}

func (t *texter) at(v *dual.Vector, i int) string {
	if v.Codes == nil {
		return t.c.Locale.Text(v.At(i))
	}
	if t.dict != v.Dict {
		n := v.Dict.Len()
		t.dict, t.text, t.made = v.Dict, make([]string, n), make([]bool, n)
	}
	e := v.Entry(i)
	if !t.made[e] {
		t.text[e], t.made[e] = t.c.Locale.Text(v.Dict.At(e)), true
	}
	return t.text[e]
}
