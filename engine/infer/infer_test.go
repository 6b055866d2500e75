package infer

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/cognate-bi/cognate/engine/enginetest/oracle"
	"github.com/cognate-bi/cognate/storage"
)

// TestAgainstOracle compares alive rows and possible values with the universe
// of tuples, on random models and selections.
func TestAgainstOracle(t *testing.T) {
	rounds := uint64(10000)
	if testing.Short() {
		rounds = 1000
	}
	selections := 0
	for seed := range rounds {
		rng := rand.New(rand.NewPCG(seed, 7))
		m, err := oracle.RandomModel(rng, 8)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		e, err := New(m)
		if err != nil {
			t.Fatal(err)
		}
		u := oracle.Join(m)
		for range 3 {
			st := oracle.RandomState(rng, m, 3)
			selections += len(st.Fields())
			for _, table := range m.Tables {
				if table.Loose {
					continue
				}
				want := make([]bool, table.Rows)
				for _, tup := range u.Included(u.TreeOfTable(table), st) {
					if r := tup[table.ID]; r >= 0 {
						want[r] = true
					}
				}
				rows := e.Of(st).Rows(table)
				for r, w := range want {
					if got := rows == nil || rows.Has(r); got != w {
						t.Fatalf("seed %d: %v: row %d of %s alive %v, want %v", seed, st.Fields(), r, table.Name, got, w)
					}
				}
			}
			for _, f := range m.Fields {
				if len(f.Tables) > 1 && len(f.Links) != len(f.Tables) {
					continue // shared with a loose table
				}
				want := u.Possible(st, f)
				for c, p := range e.Of(st).Possible(f)[1:] {
					if (p != 0) != want[uint32(c+1)] {
						t.Fatalf("seed %d: %v: %s code %d possible %v, want %v", seed, st.Fields(), f.Name, c+1, p != 0, want[uint32(c+1)])
					}
				}
			}
		}
	}
	if selections == 0 {
		t.Fatal("nothing was ever selected")
	}
}

// TestMarkByWorkers marks columns long enough for several workers: one that
// ends first must not make the others stop early.
func TestMarkByWorkers(t *testing.T) {
	const rows = 3 * blockRows
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 200, 40_000} {
		codes := make([]uint32, rows)
		want := make([]uint8, n+1)
		for i := range codes {
			codes[i] = uint32(rng.IntN(n + 1))
			want[codes[i]] = 1
		}
		want[0] = 0
		col := storage.NewColumn(&storage.Field{}, codes)
		for range 20 {
			if got := mark(col, nil, n); !bytes.Equal(got, want) {
				t.Fatalf("%d values: marked %d, want %d", n, bytes.Count(got, []byte{1}), bytes.Count(want, []byte{1}))
			}
		}
	}
}
