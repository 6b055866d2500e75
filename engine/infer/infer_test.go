package infer

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/engine/enginetest/oracle"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/bitset"
	"github.com/cognate-bi/cognate/storage/dual"
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
		e := New(m)
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
			checkBulk(t, seed, e, st)
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

// checkBulk compares what is found for all fields at once with what a fresh
// engine finds for one after the other.
func checkBulk(t *testing.T, seed uint64, e *Engine, st *state.State) {
	t.Helper()
	one := New(e.Model)
	for i, got := range e.CountsOf(st, e.Model.Fields) {
		f := e.Model.Fields[i]
		var want Counts
		for _, s := range one.States(st, f) {
			want[s]++
		}
		if got != want {
			t.Fatalf("seed %d: %v: counts of %s are %v, want %v", seed, st.Fields(), f.Name, got, want)
		}
		if got, want := e.Of(st).Possible(f), one.Of(st).Possible(f); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %v: possible in %s: %v, want %v", seed, st.Fields(), f.Name, got, want)
		}
	}
}

// TestLongTables goes from one selection to the next over tables that are long
// enough for kept scans, lists of rows, several workers, and marks taken over
// from the result before: each state equals that of a fresh engine.
func TestLongTables(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	m := longModel(t, rng)
	e := New(m)
	var st *state.State
	for step := range 120 {
		f := m.Fields[rng.IntN(len(m.Fields))]
		n := f.Symbols.Len() + 1
		codes := bitset.New(n)
		if sel, ok := st.Field(f.Name); ok && rng.IntN(3) != 0 {
			codes = sel.Codes.Clone() // a few values more, or fewer
		}
		if fewer := rng.IntN(3) == 0; fewer {
			for code := range codes.All() {
				if rng.IntN(8) == 0 {
					codes.Remove(code)
				}
			}
		} else {
			for range []int{0, 1, 1, 1, n / 3}[rng.IntN(5)] {
				codes.Add(1 + rng.IntN(n-1))
			}
		}
		st = st.With(f.Name, state.Selection{Codes: codes})
		checkBulk(t, uint64(step), e, st)
	}
	if e.scans.size == 0 {
		t.Fatal("no scan was kept")
	}
}

// TestFirstRowsOfMany asks for values of a small table that few of the first
// rows lead to, while nearly all rows are alive.
func TestFirstRowsOfMany(t *testing.T) {
	m := longModel(t, rand.New(rand.NewPCG(7, 8)))
	middle, d := m.Field("middle"), m.Field("d")
	codes := bitset.New(middle.Symbols.Len() + 1)
	for code := 2; code <= middle.Symbols.Len(); code++ {
		codes.Add(code)
	}
	got := New(m).Of((*state.State)(nil).With("middle", state.Selection{Codes: codes})).Possible(d)
	want := bytes.Repeat([]byte{1}, d.Symbols.Len()+1)
	want[0] = 0
	if !bytes.Equal(got, want) {
		t.Errorf("possible: %v, want %v", got, want)
	}
}

// longModel is a table of 300,000 rows with three dimensions; by the key of the
// last one it is sorted, so that its first rows lead to few of its values.
func longModel(t *testing.T, rng *rand.Rand) *model.Model {
	t.Helper()
	const rows = 300_000
	c := storage.NewCatalog(nil)
	column := func(name string, rows, values int) *storage.Column {
		f := c.FieldOf(name)
		codes := make([]uint32, rows)
		for i := range codes {
			switch {
			case rows <= values:
				codes[i] = uint32(i + 1) // a key, each once
			case name == "sorted":
				codes[i] = uint32(i*values/rows + 1)
			default:
				codes[i] = uint32(rng.IntN(values + 1))
			}
		}
		for v := f.Symbols.Len(); v < values; v++ {
			if _, err := f.Symbols.Code(dual.Number(float64(v))); err != nil {
				t.Fatal(err)
			}
		}
		return storage.NewColumn(f, codes)
	}
	for _, spec := range []struct {
		name    string
		rows    int
		columns map[string]int
	}{
		{"Fact", rows, map[string]int{"k1": 50, "k2": 5000, "small": 7, "middle": 1000, "large": 100_000, "sorted": 60}},
		{"One", 50, map[string]int{"k1": 50, "a": 5}},
		{"Two", 5000, map[string]int{"k2": 5000, "b": 20, "c": 3000}},
		{"Three", 60, map[string]int{"sorted": 60, "d": 5}},
	} {
		table := &storage.Table{Name: spec.name, Rows: spec.rows}
		for _, name := range slices.Sorted(maps.Keys(spec.columns)) {
			table.Columns = append(table.Columns, column(name, spec.rows, spec.columns[name]))
		}
		c.Put(table)
	}
	m, err := model.Build(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestKeptBytes holds that what is kept is counted and bounded, and that the
// last results are kept all the same.
func TestKeptBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	m := longModel(t, rng)
	e := New(m)
	e.kept.sizeMax = 1 << 20
	f := m.Field("k2")
	for code := range 30 {
		st := (*state.State)(nil).With(f.Name, state.Selection{Codes: bitset.Of(f.Symbols.Len()+1, uint32(code+1))})
		e.CountsOf(st, m.Fields)
		if last := e.Of(st); last != e.Of(st) {
			t.Fatal("the last result is not kept")
		}
	}
	var size int64
	for el := e.kept.order.Front(); el != nil; el = el.Next() {
		size += el.Value.(*Result).size
	}
	if n := e.kept.order.Len(); size != e.kept.size || len(e.kept.byHash) != n || n < keptMin || n > keptMin && size > e.kept.sizeMax {
		t.Fatalf("%d results of %d bytes, counted as %d", n, size, e.kept.size)
	}
	if e.SizeBytes() < 100_000 {
		t.Fatalf("only %d bytes are counted", e.SizeBytes())
	}
	if e.Drop(); e.SizeBytes() != 0 {
		t.Fatalf("%d bytes after Drop", e.SizeBytes())
	}
}
