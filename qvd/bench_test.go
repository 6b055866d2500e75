package qvd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

const benchRows = 5_000_000

// benchTable is a table of sales: keys, dates, texts, and measures of few and
// of many values. Its file has about 65 MB.
var benchTable = sync.OnceValue(func() *storage.Table {
	c := storage.NewCatalog(show)
	rng := rand.New(rand.NewPCG(1, 2))
	names := []string{"OrderID", "Date", "Customer", "Product", "Region", "Quantity", "Price", "Discount", "Status", "Amount"}
	b := c.NewBuilder("Sales", names)
	texts := func(prefix string, n int) *dual.Dict {
		vals := make([]dual.Value, n)
		for i := range vals {
			vals[i] = dual.String(fmt.Sprintf("%s %06d", prefix, i))
		}
		return &dual.Dict{Vals: vals}
	}
	customers, products, regions, states := texts("Customer", 50000), texts("Product", 3000), texts("Region", 20), texts("Status", 5)
	const batch = 1 << 16
	for lo := 0; lo < benchRows; lo += batch {
		n := min(batch, benchRows-lo)
		coded := func(d *dual.Dict) dual.Vector {
			codes := make([]uint32, n)
			for i := range codes {
				codes[i] = rng.Uint32N(uint32(d.Len()))
			}
			return dual.Coded(codes, d)
		}
		nums := func(f func(row int) float64) dual.Vector {
			x := make([]float64, n)
			for i := range x {
				x[i] = f(lo + i)
			}
			return dual.Nums(x, nil)
		}
		err := b.Append([]dual.Vector{
			nums(func(row int) float64 { return float64(row / 10) }), // half a million orders
			nums(func(int) float64 { return float64(43000 + rng.IntN(1500)) }),
			coded(customers),
			coded(products),
			coded(regions),
			nums(func(int) float64 { return float64(1 + rng.IntN(100)) }),
			nums(func(int) float64 { return float64(rng.IntN(20000)) / 100 }),
			nums(func(int) float64 { return float64(rng.IntN(20)) / 20 }),
			coded(states),
			nums(func(int) float64 { return float64(rng.IntN(100000)) / 100 }),
		})
		if err != nil {
			panic(err)
		}
	}
	return b.Table()
})

var benchFile = sync.OnceValue(func() []byte {
	var file bytes.Buffer
	if err := Write(context.Background(), &file, benchTable(), WriteOptions{Show: show}); err != nil {
		panic(err)
	}
	return file.Bytes()
})

func report(b *testing.B, sizeBytes int) {
	b.Helper()
	b.SetBytes(int64(sizeBytes))
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkTable(b *testing.B) {
	file := benchFile()
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			f := openBytes(b, file, OpenOptions{Workers: workers})
			for b.Loop() {
				c := storage.NewCatalog(show)
				c.Workers = workers
				t, err := f.Table(b.Context(), c, Projection{})
				if err != nil || t.Rows != benchRows {
					b.Fatal(err)
				}
			}
			report(b, len(file))
		})
	}
}

// The load of a fact table beside which its symbols already are: what of the
// time is records.
func BenchmarkRecords(b *testing.B) {
	file := benchFile()
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			f := openBytes(b, file, OpenOptions{Workers: workers})
			l := &loader{File: f, catalog: storage.NewCatalog(show), workers: workers}
			if err := l.pick(nil); err != nil {
				b.Fatal(err)
			}
			columns := make([]*column, len(l.columns))
			for i := range columns {
				columns[i] = &l.columns[i]
			}
			if err := l.mapSymbols(b.Context(), columns, workers); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := l.fill(b.Context(), columns, workers); err != nil {
					b.Fatal(err)
				}
			}
			report(b, int(f.header.Length))
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	size := len(benchFile())
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for b.Loop() {
				if err := Write(b.Context(), io.Discard, benchTable(), WriteOptions{Show: show, Workers: workers}); err != nil {
					b.Fatal(err)
				}
			}
			report(b, size)
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	f := openBytes(b, benchFile(), OpenOptions{})
	for b.Loop() {
		if _, err := f.Verify(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	report(b, len(benchFile()))
}

// Reading the bytes of the records and nothing else: the bound of what the
// source can give.
func BenchmarkReadAt(b *testing.B) {
	f := openBytes(b, benchFile(), OpenOptions{Workers: 1})
	for b.Loop() {
		if err := f.eachBlock(b.Context(), 1, func(int64, int, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	report(b, int(f.header.Length))
}
