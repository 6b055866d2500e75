package storage

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cognate-bi/cognate/storage/dual"
)

// numberKinds make the i-th number of a symbol table; NaN makes it a text.
var numberKinds = map[string]func(rng *rand.Rand, i int) float64{
	"keys":           func(_ *rand.Rand, i int) float64 { return float64(i + 1) },
	"falling":        func(_ *rand.Rand, i int) float64 { return float64(1000 - 7*i) },
	"huge steps":     func(_ *rand.Rand, i int) float64 { return float64(i-2) * (1 << 51) },
	"at the limit":   func(_ *rand.Rand, i int) float64 { return 1<<53 - 2 + float64(i) },
	"broken":         func(rng *rand.Rand, i int) float64 { return float64(i + rng.IntN(2)/(1+rng.IntN(50))) },
	"whole":          func(rng *rand.Rand, _ int) float64 { return float64(int32(rng.Uint32())) },
	"least whole":    func(_ *rand.Rand, i int) float64 { return math.MinInt32 + float64(i*i) },
	"greatest whole": func(_ *rand.Rand, i int) float64 { return math.MaxInt32 - float64(i*i) },
	"over whole":     func(_ *rand.Rand, i int) float64 { return math.MaxInt32 + float64(i*i) },
	"zeros":          func(_ *rand.Rand, i int) float64 { return math.Copysign(float64(i), -1) },
	"quarters":       func(rng *rand.Rand, _ int) float64 { return float64(rng.IntN(1e6)) / 4 },
	"hundredths":     func(rng *rand.Rand, _ int) float64 { return float64(rng.IntN(1e6)) / 100 },
	"any":            func(rng *rand.Rand, _ int) float64 { return math.Float64frombits(rng.Uint64()) },
	"huge":           func(rng *rand.Rand, _ int) float64 { return math.Ldexp(1+rng.Float64(), 1000) },
	"subnormal":      func(rng *rand.Rand, _ int) float64 { return float64(math.Float32frombits(rng.Uint32() & 0x807fffff)) },
	"infinite":       func(_ *rand.Rand, i int) float64 { return []float64{math.Inf(1), math.Inf(-1), 1, 3, 5}[i%5] },
	"some texts": func(rng *rand.Rand, i int) float64 {
		if rng.IntN(3) == 0 {
			return math.NaN()
		}
		return float64(i)
	},
	"texts": func(*rand.Rand, int) float64 { return math.NaN() },
}

// sealedBeside returns numbers as the naive array that they are packed from,
// and sealed symbols of them.
func sealedBeside(rng *rand.Rand, n int, kind func(*rand.Rand, int) float64) ([]float64, *Symbols) {
	nums := []float64{math.NaN()}
	for i := range n {
		nums = append(nums, kind(rng, i))
	}
	s := &Symbols{n: n, nums: make([]float64, n+1)}
	copy(s.nums, nums)
	s.trim()
	return nums, s
}

// sameNumber tells 0 from -0, but not one NaN from another.
func sameNumber(a, b float64) bool {
	return a != a && b != b || math.Float64bits(a) == math.Float64bits(b)
}

func TestPackedNumbers(t *testing.T) {
	for name, kind := range numberKinds {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			for _, n := range []int{0, 1, 2, 3, 5, 63, 64, 1000, 1<<13 - 1, 1 << 13, 20000} {
				nums, s := sealedBeside(rng, n, kind)
				for code, want := range nums {
					if got := s.Number(uint32(code)); !sameNumber(got, want) {
						t.Fatalf("%d symbols: number of code %d is %v, want %v", n, code, got, want)
					}
				}
				lo := rng.IntN(n + 1)
				part := make([]float64, rng.IntN(n+2-lo))
				s.numbers(part, lo)
				for i, got := range part {
					if !sameNumber(got, nums[lo+i]) {
						t.Fatalf("%d symbols: number %d of those from %d is %v, want %v", n, i, lo, got, nums[lo+i])
					}
				}
				dict := (&Field{Symbols: s}).Dict()
				if dict.Len() != n+1 {
					t.Fatalf("%d symbols: dictionary of %d", n, dict.Len())
				}
				for code, want := range nums {
					if got := dict.Num(code); !sameNumber(got, want) {
						t.Fatalf("%d symbols: entry %d is %v, want %v", n, code, got, want)
					}
				}
				sameAtRest(t, s, nums)
			}
		})
	}
}

// sameAtRest writes symbols, and compares what is read again with their numbers.
func sameAtRest(t *testing.T, s *Symbols, nums []float64) {
	t.Helper()
	var b bytes.Buffer
	if err := s.writeArrays(&b); err != nil {
		t.Fatal(err)
	}
	e := &fieldEntry{symbols: s.n, traits: s.arrays(), arena: len(s.arena)}
	l := layoutOf(e.symbols, e.traits, e.arena)
	if int64(b.Len()) != l.arena {
		t.Fatalf("%d symbols: %d bytes at rest, want %d", s.n, b.Len(), l.arena)
	}
	x := &Symbols{n: s.n}
	if x.take(b.Bytes(), l, e); !s.missing() && x.verify() != nil {
		t.Fatalf("%d symbols: %v", s.n, x.verify())
	}
	for code, want := range nums {
		if got := x.at(uint32(code)); !sameNumber(got, want) {
			t.Fatalf("%d symbols: at rest the number of code %d is %v, want %v", s.n, code, got, want)
		}
	}
	if got, want := x.findTraits(), s.findTraits(); got != want {
		t.Fatalf("%d symbols: traits %+v, want %+v", s.n, got, want)
	}
}

// What is packed takes the memory that it should take.
func TestPackedForms(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 1000
	for name, want := range map[string]int64{
		"keys": 0, "falling": 0, "whole": 4 * (n + 1), "least whole": 8 * (n + 1), "greatest whole": 4 * (n + 1),
		"quarters": 4 * (n + 1), "some texts": 4 * (n + 1), "hundredths": 8 * (n + 1), "zeros": 4 * (n + 1),
		"at the limit": 8 * (n + 1), "over whole": 8 * (n + 1), "subnormal": 4 * (n + 1), "any": 8 * (n + 1),
	} {
		if _, s := sealedBeside(rng, n, numberKinds[name]); s.fixedBytes() != want {
			t.Errorf("%s: %d bytes, want %d", name, s.fixedBytes(), want)
		}
	}
}

// The dictionary of packed numbers is accounted and given up.
func TestPackedDictionary(t *testing.T) {
	c := NewCatalog(nil)
	b := c.NewBuilder("T", []string{"ID"})
	nums := make([]float64, 5000)
	for i := range nums {
		nums[i] = float64(i)
	}
	if err := b.Append([]dual.Vector{dual.Nums(nums, nil)}); err != nil {
		t.Fatal(err)
	}
	c.Put(b.Table())
	f := c.Field("ID")
	f.Dict() // one of the time of loading, which must not stay
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	if u := f.Memory(); u.SymbolBytes != 0 || u.DictBytes != 0 {
		t.Errorf("sealed keys take %+v", u)
	}
	f.Dict()
	if u := f.Memory(); u.DictBytes != 8*5001 {
		t.Errorf("a dictionary of 5001 numbers takes %d bytes", u.DictBytes)
	}
	c.Table("T").Columns[0].Evict()
	if u := f.Memory(); u.DictBytes != 0 {
		t.Errorf("after eviction the dictionary takes %d bytes", u.DictBytes)
	}
}
