package qvf

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// BenchmarkReadData loads a table of a foreign file: a key, a text of 1000
// values, an amount and a flag.
func BenchmarkReadData(b *testing.B) {
	const rows = 500_000
	rng := rand.New(rand.NewPCG(1, 2))
	catalog := storage.NewCatalog(nil)
	texts := make([]dual.Value, 1000)
	for i := range texts {
		texts[i] = dual.String("customer " + strconv.Itoa(i))
	}
	columns := [3][]float64{}
	codes := make([]uint32, rows)
	for i := range columns {
		columns[i] = make([]float64, rows)
	}
	for row := range rows {
		columns[0][row] = float64(row)
		columns[1][row] = float64(rng.IntN(100_000)) / 100
		columns[2][row] = float64(rng.IntN(2))
		codes[row] = rng.Uint32N(uint32(len(texts)))
	}
	builder := catalog.NewBuilder("Sales", []string{"id", "amount", "flag", "customer"})
	err := builder.Append([]dual.Vector{
		dual.Nums(columns[0], nil), dual.Nums(columns[1], nil), dual.Nums(columns[2], nil), dual.Coded(codes, &dual.Dict{Vals: texts}),
	})
	if err != nil {
		b.Fatal(err)
	}
	catalog.Put(builder.Table())
	if err := catalog.Seal(); err != nil {
		b.Fatal(err)
	}
	c := mustOpen(b, writeCompat(b, &App{}, catalog))
	b.SetBytes(c.Size())
	for b.Loop() {
		got := storage.NewCatalog(nil)
		if problems, err := ReadData(b.Context(), c, got); err != nil || len(problems) > 0 {
			b.Fatal(err, problems)
		}
		if t := got.Tables()[0]; t.Rows != rows || len(t.Columns) != 4 {
			b.Fatalf("%d rows, %d columns", t.Rows, len(t.Columns))
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
