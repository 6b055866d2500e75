package state

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/storage/bitset"
)

func sel(codes ...uint32) Selection { return Selection{Codes: bitset.Of(10, codes...)} }

func TestStateIsImmutable(t *testing.T) {
	var none *State
	a := none.With("x", sel(1)).With("y", sel(2, 3))
	before := describe(a)
	_ = a.With("x", sel(4))
	_ = a.With("z", sel(4))
	_ = a.Without("x")
	_ = a.Keep(func(string, Selection) bool { return false })
	if got := describe(a); got != before {
		t.Errorf("%s, was %s", got, before)
	}
	if !none.Empty() || none.Hash() != 0 || none.Fields() != nil || none.Without("x") != nil {
		t.Error("the nil State has no selections")
	}
}

func describe(s *State) string {
	text := ""
	for _, f := range s.Fields() {
		x, _ := s.Field(f)
		text += fmt.Sprint(f, slices.Collect(x.Codes.All()), x.Locked, " ")
	}
	return text
}

func TestOrderOfFields(t *testing.T) {
	var s *State
	s = s.With("b", sel(1)).With("a", sel(1)).With("b", sel(2))
	if want := []string{"b", "a"}; !reflect.DeepEqual(s.Fields(), want) {
		t.Errorf("%v, want %v: the order of the first selection", s.Fields(), want)
	}
	s = s.Without("b").With("b", sel(1))
	if want := []string{"a", "b"}; !reflect.DeepEqual(s.Fields(), want) {
		t.Errorf("%v, want %v: cleared and selected again comes last", s.Fields(), want)
	}
	if s = s.With("a", sel()); len(s.Fields()) != 1 {
		t.Errorf("%v: a selection of nothing is none", s.Fields())
	}
	if s = s.With("b", Selection{}); s != nil || !s.Empty() {
		t.Errorf("%v: without its last selection a state is the nil State", s)
	}
}

// The order of independent selections does not matter for equality and hash,
// locks neither; every other difference does.
func TestEqualAndHash(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		fields := map[string]Selection{}
		for _, f := range []string{"a", "b", "c"} {
			if x := randomSelection(rng); !x.Codes.Empty() {
				fields[f] = x
			}
		}
		a, b := inOrder(rng, fields), inOrder(rng, fields)
		if !Equal(a, b) || a.Hash() != b.Hash() {
			t.Fatalf("seed %d: %s and %s differ", seed, describe(a), describe(b))
		}
		for f, x := range fields {
			x.Locked = true
			if c := a.With(f, x); !Equal(a, c) || a.Hash() != c.Hash() {
				t.Fatalf("seed %d: a lock makes a difference", seed)
			}
			if c := a.Without(f); Equal(a, c) || a.Hash() == c.Hash() {
				t.Fatalf("seed %d: a field less makes none", seed)
			}
			y := Selection{Codes: x.Codes.Clone()}
			y.Codes.Not()
			if c := a.With(f, y); Equal(a, c) || a.Hash() == c.Hash() {
				t.Fatalf("seed %d: other codes make none", seed)
			}
		}
	}
	var none *State
	if a, b := none.With("a", sel(1)), none.With("b", sel(1)); Equal(a, b) || a.Hash() == b.Hash() {
		t.Error("the same codes in another field are the same")
	}
}

func randomSelection(rng *rand.Rand) Selection {
	x := sel()
	for c := range 10 {
		if rng.IntN(3) == 0 {
			x.Codes.Add(c)
		}
	}
	return x
}

// inOrder selects in the fields in a random order.
func inOrder(rng *rand.Rand, fields map[string]Selection) (s *State) {
	names := []string{}
	for f := range fields {
		names = append(names, f)
	}
	slices.Sort(names)
	for _, i := range rng.Perm(len(names)) {
		s = s.With(names[i], fields[names[i]])
	}
	return s
}

func TestKeep(t *testing.T) {
	var s *State
	locked := sel(3)
	locked.Locked = true
	s = s.With("a", sel(1)).With("b", locked)
	if got := s.Keep(func(_ string, x Selection) bool { return x.Locked }); describe(got) != "b[3] true " {
		t.Errorf("%s, want only the locked one", describe(got))
	}
}

func TestAlternateStates(t *testing.T) {
	var s Set
	for _, name := range []string{"", "$"} {
		if st, ok := s.State(name); !ok || st != nil {
			t.Errorf("%q: %v, %v; the default state is always there", name, st, ok)
		}
	}
	if _, ok := s.State("A"); ok {
		t.Error("state A is there before it is made")
	}
	var none *State
	two := s.With("A", none.With("x", sel(1))).With("", none.With("x", sel(2)))
	if a, _ := two.State("A"); describe(a) != "x[1] false " {
		t.Errorf("A: %s: states are independent", describe(a))
	}
	if d, _ := two.State("$"); describe(d) != "x[2] false " {
		t.Errorf("$: %s", describe(d))
	}
	if !reflect.DeepEqual(two.Names(), []string{"A"}) || len(s.Names()) != 0 {
		t.Errorf("names %v, %v", two.Names(), s.Names())
	}
	for _, name := range []string{"$", "", "B"} {
		if _, err := two.Without(name); err == nil {
			t.Errorf("state %q could be removed", name)
		}
	}
	one, err := two.Without("A")
	if _, ok := one.State("A"); err != nil || ok {
		t.Errorf("state A is there after it was removed, %v", err)
	}
	if EqualSets(one, two) || !EqualSets(two, one.With("A", none.With("x", sel(1)))) || EqualSets(s, s.With("A", nil)) || !EqualSets(s, s.With("$", nil)) {
		t.Error("EqualSets compares the states that there are and their selections")
	}
	cleared := two.MapStates(func(*State) *State { return nil })
	if a, ok := cleared.State("A"); !ok || a != nil || !reflect.DeepEqual(cleared.Names(), two.Names()) {
		t.Error("MapStates keeps the states")
	}
}

// naiveHistory is a list of steps and where one is.
type naiveHistory struct {
	steps []int
	at    int
}

func TestHistoryAgainstNaive(t *testing.T) {
	var none *State
	setOf := func(step int) Set {
		return Set{}.With("", none.With("x", Selection{Codes: bitset.Of(10000, uint32(step+1))}))
	}
	stepOf := func(s Set) int {
		st, _ := s.State("")
		x, ok := st.Field("x")
		if !ok {
			return 0
		}
		for c := range x.Codes.All() {
			return c - 1
		}
		return -1
	}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		var h History
		n := naiveHistory{steps: []int{0}}
		for step := 1; step < 300; step++ {
			switch rng.IntN(6) {
			case 0:
				before := h
				var ok bool
				h, ok = h.Back()
				if ok != (n.at > 0) || stepOf(before.Now()) != n.steps[n.at] {
					t.Fatalf("seed %d: Back %v at step %d", seed, ok, n.at)
				}
				n.at = max(0, n.at-1)
			case 1:
				var ok bool
				h, ok = h.Forward()
				if ok != (n.at < len(n.steps)-1) {
					t.Fatalf("seed %d: Forward %v at step %d of %d", seed, ok, n.at, len(n.steps))
				}
				n.at = min(len(n.steps)-1, n.at+1)
			case 2:
				h = h.Replace(setOf(step))
				n.steps[n.at] = step
			default:
				h = h.Step(setOf(step))
				n.steps = append(n.steps[:n.at+1:n.at+1], step)
				n.at++
				if n.at > historyMax {
					n.steps, n.at = n.steps[1:], historyMax
				}
			}
			if stepOf(h.Now()) != n.steps[n.at] || h.BackCount() != n.at || h.ForwardCount() != len(n.steps)-1-n.at {
				t.Fatalf("seed %d: at %d, %d back, %d forward; want %d, %d, %d", seed,
					stepOf(h.Now()), h.BackCount(), h.ForwardCount(), n.steps[n.at], n.at, len(n.steps)-1-n.at)
			}
			for d := -historyMax - 1; d <= historyMax+1; d += 1 + rng.IntN(40) {
				if got, want := stepOf(h.At(d)), n.steps[min(max(n.at-d, 0), len(n.steps)-1)]; got != want {
					t.Fatalf("seed %d: At(%d) = %d, want %d", seed, d, got, want)
				}
			}
		}
		calls := 0
		mapped := h.Map(func(s Set) Set { calls++; return s })
		if calls != len(n.steps) || !EqualSets(mapped.Now(), h.Now()) || mapped.BackCount() != h.BackCount() || mapped.ForwardCount() != h.ForwardCount() {
			t.Fatalf("seed %d: Map called %d times for %d steps", seed, calls, len(n.steps))
		}
	}
}
