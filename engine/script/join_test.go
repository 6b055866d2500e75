package script

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// randomTable returns a table of fields with random codes, NULL among them, of
// fields that have nCodes values.
func randomTable(rng *rand.Rand, c *storage.Catalog, name string, fields []string, rows int) *storage.Table {
	t := &storage.Table{Name: name, Rows: rows}
	for _, f := range fields {
		field := c.FieldOf(f)
		codes := make([]uint32, rows)
		top := uint32(field.Symbols.Len() + 1)
		if rng.IntN(5) == 0 {
			top = 1 + rng.Uint32N(2) // NULL only, or almost
		}
		for i := range codes {
			codes[i] = rng.Uint32N(top)
		}
		t.Columns = append(t.Columns, storage.NewColumn(field, codes))
	}
	return t
}

// randomTables returns tables with up to three common fields: of few and of
// many values, so that rows have no, one and many partners.
func randomTables(rng *rand.Rand) (left, right *storage.Table) {
	c := storage.NewCatalog(nil)
	common := []string{"k", "l", "m"}[:rng.IntN(4)]
	for _, f := range append([]string{"a", "b"}, common...) {
		for x := range []int{2, 30, 2000}[rng.IntN(3)] {
			if _, err := c.FieldOf(f).Symbols.Code(dual.Number(float64(x))); err != nil {
				panic(err)
			}
		}
	}
	sizes := []int{0, 1, 64, 300, 3000}
	if len(common) == 0 {
		sizes = sizes[:4] // all rows match
	}
	left = randomTable(rng, c, "L", append([]string{"a"}, common...), sizes[rng.IntN(len(sizes))])
	right = randomTable(rng, c, "R", append(common, "b"), sizes[rng.IntN(len(sizes))])
	return left, right
}

func sameTable(t *testing.T, why string, got, want *storage.Table) {
	t.Helper()
	if got.Name != want.Name || got.Rows != want.Rows || len(got.Columns) != len(want.Columns) {
		t.Fatalf("%s: %s of %d rows and %d columns, want %s of %d and %d", why, got.Name, got.Rows, len(got.Columns), want.Name, want.Rows, len(want.Columns))
	}
	for i, c := range got.Columns {
		w := want.Columns[i]
		if c.Field != w.Field || c.Rows() != w.Rows() {
			t.Fatalf("%s: column %d is %s of %d rows, want %s of %d", why, i, c.Field.Name, c.Rows(), w.Field.Name, w.Rows())
		}
		for row := range c.Rows() {
			if c.Code(row) != w.Code(row) {
				t.Fatalf("%s: field %s, row %d: code %d, want %d", why, c.Field.Name, row, c.Code(row), w.Code(row))
			}
		}
	}
}

var joinKinds = []joinKind{joinOuter, joinInner, joinLeft, joinRight}

// TestJoin compares joins of random tables with those made row by row.
func TestJoin(t *testing.T) {
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 4))
		left, right := randomTables(rng)
		rowsMax := []int{100, 5000, storage.RowsMax}[rng.IntN(3)]
		for _, kind := range joinKinds {
			why := fmt.Sprintf("seed %d, kind %d, fields %v and %v", seed, kind, left.FieldNames(), right.FieldNames())
			got, err := join(left, right, kind, rowsMax)
			want, werr := joinNaively(left, right, kind, rowsMax)
			if werr == nil && want.Rows > rowsMax { // rows without a partner
				werr = errJoin(rowsMax)
			}
			if err != nil || werr != nil {
				if err == nil || werr == nil || err.Error() != werr.Error() {
					t.Fatalf("%s: error %v, want %v", why, err, werr)
				}
				continue
			}
			sameTable(t, why, got, want)
		}
	}
}

// TestKeep compares the rows that have partners with those found row by row.
func TestKeep(t *testing.T) {
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 5))
		left, right := randomTables(rng)
		for _, kind := range joinKinds {
			why := fmt.Sprintf("seed %d, kind %d, fields %v and %v", seed, kind, left.FieldNames(), right.FieldNames())
			l, r := partners(left, right, kind)
			leftKeys, rightKeys := joinKeysNaively(left, right)
			wantLeft, wantRight := left, right
			if kind != joinRight {
				wantRight = right.Select(partneredNaively(rightKeys, leftKeys))
			}
			if kind != joinLeft {
				wantLeft = left.Select(partneredNaively(leftKeys, rightKeys))
			}
			sameTable(t, why, l, wantLeft)
			sameTable(t, why, r, wantRight)
		}
	}
}

// TestDistinctRows compares the different rows of random tables with those
// found by maps.
func TestDistinctRows(t *testing.T) {
	for seed := range uint64(200) {
		left, right := randomTables(rand.New(rand.NewPCG(seed, 6)))
		for _, table := range []*storage.Table{left, right} {
			if got, want := distinctRows(table), distinctRowsNaively(table); !slices.Equal(got, want) {
				t.Fatalf("seed %d, %s: rows %v, want %v", seed, table.Name, got, want)
			}
		}
	}
}
