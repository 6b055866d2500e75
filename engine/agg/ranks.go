package agg

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sort"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/fn/stat"
	"github.com/cognate-bi/cognate/storage/dual"
)

var rankFamily = []aggregation{
	ofRanks("Median", 1, func(n int, at func(int) float64, _ float64) float64 { return stat.FractileOf(n, at, 0.5) }),
	ofRanks("Fractile", 2, stat.FractileOf),
	ofRanks("FractileExc", 2, stat.FractileExcOf),
}

// ofRanks is a function of the numbers of a group by their ranks, and, with two
// arguments, of a parameter.
func ofRanks(name string, nArgs int, f func(n int, at func(int) float64, parameter float64) float64) aggregation {
	return aggregation{name: name, argsMin: nArgs, argsMax: nArgs, make: func(*fn.Context, Spec) Aggregator {
		return &ranks{nArgs: nArgs, of: f}
	}}
}

// ranks keeps the numbers of a group, or how often each comes where that is
// known. Nothing is sorted but numbers with counts: the one or two ranks that
// are asked for are selected.
type ranks struct {
	nArgs  int
	of     func(n int, at func(int) float64, parameter float64) float64
	read   [2]numbers
	groups []rankGroup
}

type rankGroup struct {
	x         []float64
	n         []uint32 // how often each of x comes; nil = once
	parameter float64  // of the group's first row that has one
	hasParam  bool
}

var _ Counted = (*ranks)(nil)

func (a *ranks) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *ranks) Add(groups []uint32, args []dual.Vector) { a.add(groups, args, nil) }

// AddCounted implements [Counted].
func (a *ranks) AddCounted(groups []uint32, args []dual.Vector, n []uint32) { a.add(groups, args, n) }

func (a *ranks) add(groups []uint32, args []dual.Vector, n []uint32) {
	var parameter []float64
	if a.nArgs > 1 {
		parameter = a.read[1].of(&args[1])
	}
	for i, v := range a.read[0].of(&args[0]) {
		g := &a.groups[groupOf(groups, i)]
		if parameter != nil && !g.hasParam && parameter[i] == parameter[i] {
			g.parameter, g.hasParam = parameter[i], true
		}
		if v != v { // NULL
			continue
		}
		if n != nil {
			g.n = append(g.counts(), n[i])
		} else if g.n != nil {
			g.n = append(g.n, 1)
		}
		g.x = append(g.x, v)
	}
}

// counts returns how often each number comes.
func (g *rankGroup) counts() []uint32 {
	if g.n != nil {
		return g.n
	}
	return slices.Repeat([]uint32{1}, len(g.x))
}

func (a *ranks) Merge(o Aggregator, to []uint32) {
	for i := range o.(*ranks).groups {
		theirs, g := &o.(*ranks).groups[i], &a.groups[to[i]]
		if !g.hasParam {
			g.parameter, g.hasParam = theirs.parameter, theirs.hasParam
		}
		if g.n != nil || theirs.n != nil {
			g.n = append(g.counts(), theirs.counts()...)
		}
		g.x = append(g.x, theirs.x...)
	}
}

func (a *ranks) Result(g int) dual.Value {
	s := &a.groups[g]
	if len(s.x) == 0 || a.nArgs > 1 && !s.hasParam {
		return dual.Value{}
	}
	n, at := s.ranked()
	return finite(a.of(n, at, s.parameter))
}

// ranked returns how many numbers there are and, by rank, which.
func (g *rankGroup) ranked() (n int, at func(k int) float64) {
	if g.n == nil {
		x := slices.Clone(g.x)
		return len(x), func(k int) float64 { return selected(x, k) }
	}
	order := make([]int, len(g.x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(g.x[i], g.x[j]) })
	upTo := make([]int, len(order)) // numbers up to and with each
	for i, o := range order {
		n += int(g.n[o])
		upTo[i] = n
	}
	return n, func(k int) float64 { return g.x[order[sort.SearchInts(upTo, k+1)]] }
}

// selected returns the k-th least of x, which it reorders (Hoare, "Algorithm
// 65: find", 1961). Where pivots divide badly for too long, it sorts.
func selected(x []float64, k int) float64 {
	lo, hi := 0, len(x)-1
	for left := 4 * bits.Len(uint(len(x))); lo < hi; left-- {
		if left == 0 {
			slices.Sort(x[lo : hi+1])
			break
		}
		pivot := middle(x[lo], x[lo+(hi-lo)/2], x[hi])
		i, j := lo, hi
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return x[k]
		}
	}
	return x[k]
}

func middle(a, b, c float64) float64 { return math.Max(math.Min(a, b), math.Min(math.Max(a, b), c)) }
