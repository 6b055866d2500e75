package cube

import (
	"cmp"
	"math"
	"slices"

	"github.com/cognate-bi/cognate/storage/dual"
)

// sortKeys are the keys of rows by column, the most significant column first:
// rows compare as their keys do. They turn the sorting of anything into the
// sorting of numbers, which takes a time that grows with the rows only.
type sortKeys [][]uint64

// radixMin is the number of rows from which on counting digits beats comparing
// (one key of random numbers: 0.7x at 32 rows, even at 128, 2.4x at 512).
const radixMin = 128

// places returns the rows in their order; those with equal keys keep theirs.
func (s sortKeys) places(n int) []int32 {
	if n < radixMin {
		return s.compared(n)
	}
	return s.counted(n)
}

// compared is places by comparing.
func (s sortKeys) compared(n int) []int32 {
	at := numbered(n)
	slices.SortStableFunc(at, s.compare)
	return at
}

// counted is places by counting digits.
func (s sortKeys) counted(n int) []int32 {
	at := numbered(n)
	a, b := make([]keyed, n), make([]keyed, n)
	for c := len(s) - 1; c >= 0; c-- { // the least significant first: sorting is stable
		for i, place := range at {
			a[i] = keyed{s[c][place], place}
		}
		a, b = radix(a, b)
		for i := range at {
			at[i] = a[i].place
		}
	}
	return at
}

func numbered(n int) []int32 {
	at := make([]int32, n)
	for i := range at {
		at[i] = int32(i)
	}
	return at
}

func (s sortKeys) compare(a, b int32) int {
	for _, keys := range s {
		if d := cmp.Compare(keys[a], keys[b]); d != 0 {
			return d
		}
	}
	return 0
}

type keyed struct {
	key   uint64
	place int32
}

// radix sorts a by its keys, digit by digit, those that are the same in all
// keys left out. It uses b, which is as long, and returns the sorted slice and
// the other one.
func radix(a, b []keyed) (sorted, other []keyed) {
	const digit = 8
	var differ uint64
	for i := range a {
		differ |= a[i].key ^ a[0].key
	}
	for shift := 0; shift < 64; shift += digit {
		if differ>>shift&(1<<digit-1) == 0 {
			continue
		}
		var ends [1 << digit]int32
		for i := range a {
			ends[uint8(a[i].key>>shift)]++
		}
		sum := int32(0)
		for d, n := range ends {
			ends[d] = sum
			sum += n
		}
		for _, x := range a {
			d := uint8(x.key >> shift)
			b[ends[d]] = x
			ends[d]++
		}
		a, b = b, a
	}
	return a, b
}

// permute puts into each place of s what lies at the one that at names.
func permute[T any](s []T, at []int32) {
	old := slices.Clone(s)
	for i, place := range at {
		s[i] = old[place]
	}
}

// wholeKey returns the key of a whole number.
func wholeKey(x int) uint64 { return uint64(x) ^ 1<<63 }

// nullKey is behind the keys of all numbers.
const nullKey = math.MaxUint64

// numberKey returns the key of a number, descending where sign is negative;
// NaN, which is no number, comes last either way.
func numberKey(x float64, sign int) uint64 {
	if x != x {
		return nullKey
	}
	b := math.Float64bits(x + 0) // -0 is 0
	if b>>63 != 0 {
		b = ^b
	} else {
		b |= 1 << 63
	}
	if sign < 0 {
		b = ^b
	}
	return b
}

// valueKeys returns the keys of the values at the given places: by number, then
// by text; NULL comes last whatever the direction.
func valueKeys[I int32 | uint32](v *dual.Vector, at []I, sign int) []uint64 {
	keys := make([]uint64, len(at))
	for i, place := range at {
		x := v.Num(int(place))
		if x != x && !isNull(v, int(place)) {
			return valueRanks(v, at, sign)
		}
		keys[i] = numberKey(x, sign)
	}
	return keys
}

func isNull(v *dual.Vector, i int) bool {
	x := v.At(i)
	return x.IsNull()
}

// valueRanks is [valueKeys] of values some of which are texts.
func valueRanks[I int32 | uint32](v *dual.Vector, at []I, sign int) []uint64 {
	vals := make([]dual.Value, len(at))
	for i, place := range at {
		vals[i] = v.At(int(place))
	}
	keys := make([]uint64, len(at))
	for i, rank := range ranksBy(len(at), func(a, b int) int { return compareNullLast(vals[a], vals[b], sign) }) {
		keys[i] = uint64(rank)
	}
	return keys
}

// ranksBy returns the rank of each of n things; equal ones have the same.
func ranksBy(n int, compare func(a, b int) int) []int {
	at := make([]int, n)
	for i := range at {
		at[i] = i
	}
	slices.SortFunc(at, compare)
	ranks := make([]int, n)
	for i := 1; i < n; i++ {
		ranks[at[i]] = ranks[at[i-1]]
		if compare(at[i-1], at[i]) != 0 {
			ranks[at[i]] = i
		}
	}
	return ranks
}

// compareNullLast orders values by number, then by text; NULL comes last
// whatever the direction.
func compareNullLast(a, b dual.Value, sign int) int {
	if a.IsNull() || b.IsNull() {
		return cmp.Compare(btoi(a.IsNull()), btoi(b.IsNull()))
	}
	return sign * dual.Compare(a, b)
}
