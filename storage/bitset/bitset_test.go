package bitset

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// naive is a set as a list of flags.
type naive []bool

func (n naive) members() (out []int) {
	for i, in := range n {
		if in {
			out = append(out, i)
		}
	}
	return out
}

func random(rng *rand.Rand, n int) (*Set, naive) {
	s, m := New(n), make(naive, n)
	share := []float64{0, 0.02, 0.5, 1}[rng.IntN(4)]
	for i := range m {
		if rng.Float64() < share {
			s.Add(i)
			m[i] = true
		}
	}
	return s, m
}

// same checks everything that a set tells against the naive one.
func same(t *testing.T, what string, s *Set, m naive) {
	t.Helper()
	want := m.members()
	if got := slices.Collect(s.All()); !slices.Equal(got, want) {
		t.Fatalf("%s over %d: members %v, want %v", what, len(m), got, want)
	}
	if s.Len() != len(m) || s.Count() != len(want) || s.Empty() != (len(want) == 0) {
		t.Fatalf("%s over %d: Len %d, Count %d, Empty %v; want %d members", what, len(m), s.Len(), s.Count(), s.Empty(), len(want))
	}
	for i := -1; i <= len(m)+64; i++ {
		if got, want := s.Has(i), i >= 0 && i < len(m) && m[i]; got != want {
			t.Fatalf("%s over %d: Has(%d) = %v", what, len(m), i, got)
		}
	}
	if n := len(m); n&63 != 0 && s.Words()[n>>6]>>(n&63) != 0 {
		t.Fatalf("%s over %d: bits at and beyond Len", what, n)
	}
}

func TestSetAgainstNaive(t *testing.T) {
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := []int{0, 1, 63, 64, 65, 127, 128, 129, 1000}[rng.IntN(9)]
		a, x := random(rng, n)
		b, y := random(rng, n)
		same(t, "random", a, x)
		for name, op := range map[string]struct {
			do   func(s, o *Set)
			want func(x, y bool) bool
		}{
			"And":    {(*Set).And, func(x, y bool) bool { return x && y }},
			"Or":     {(*Set).Or, func(x, y bool) bool { return x || y }},
			"AndNot": {(*Set).AndNot, func(x, y bool) bool { return x && !y }},
			"Not":    {func(s, _ *Set) { s.Not() }, func(x, _ bool) bool { return !x }},
		} {
			s, want := a.Clone(), make(naive, n)
			for i := range want {
				want[i] = op.want(x[i], y[i])
			}
			op.do(s, b)
			same(t, name, s, want)
			same(t, name+", the original", a, x)
		}
		flags := a.Flags()
		same(t, "FromFlags", FromFlags(flags), x)
		members := []uint32{}
		for _, i := range x.members() {
			members = append(members, uint32(i))
		}
		same(t, "Of", Of(n, members...), x)
		if got, want := a.Equal(b), slices.Equal(x, y); got != want {
			t.Fatalf("seed %d: Equal = %v, want %v", seed, got, want)
		}
		if a.Equal(b) != (a.Hash(1) == b.Hash(1)) {
			t.Fatalf("seed %d: hashes do not tell the sets apart", seed)
		}
		for _, i := range x.members() {
			a.Remove(i)
		}
		same(t, "emptied", a, make(naive, n))
	}
}

func TestFull(t *testing.T) {
	for n := range 200 {
		want := make(naive, n)
		for i := range want {
			want[i] = true
		}
		same(t, "Full", Full(n), want)
	}
}

func TestHashKnowsLengthAndSeed(t *testing.T) {
	if New(64).Hash(1) == New(65).Hash(1) {
		t.Error("empty sets of different length have one hash")
	}
	if Of(9, 3).Hash(1) == Of(9, 3).Hash(2) {
		t.Error("the start value does not count")
	}
	if New(64).Equal(New(65)) {
		t.Error("sets of different length are equal")
	}
}

func TestAllStops(t *testing.T) {
	for i := range Full(200).All() {
		if i == 100 {
			return
		}
		if i > 100 {
			t.Fatal("went on after the loop's end")
		}
	}
}
