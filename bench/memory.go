package bench

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/cognate-bi/cognate/storage"
)

// bandwidth reads 256 MiB per thread, several times, and returns GB/s of all
// threads together.
func bandwidth(threads int) []float64 {
	const words = 256 << 20 / 8
	blocks := make([][]uint64, threads)
	for i := range blocks {
		blocks[i] = make([]uint64, words)
		for k := range blocks[i] {
			blocks[i][k] = uint64(k) // every page is its own
		}
	}
	sums := make([]uint64, threads)
	var out []float64
	for range 5 {
		start := time.Now()
		var wg sync.WaitGroup
		for i := range blocks {
			wg.Go(func() { sums[i] = sum(blocks[i]) })
		}
		wg.Wait()
		out = append(out, float64(threads*words*8)/1e9/time.Since(start).Seconds())
	}
	for _, s := range sums {
		if s != sums[0] {
			panic("bench: BUG: equal blocks with different sums")
		}
	}
	return out
}

// copyBandwidth copies 256 MiB per thread, several times, and returns GB/s of
// all threads together, each byte counted as it is read and as it is written.
func copyBandwidth(threads int) []float64 {
	const size = 256 << 20
	blocks := make([][]byte, threads)
	for i := range blocks {
		blocks[i] = make([]byte, 2*size)
		for k := 0; k < len(blocks[i]); k += 512 {
			blocks[i][k] = 1 // every page is its own
		}
	}
	var out []float64
	for range 5 {
		start := time.Now()
		var wg sync.WaitGroup
		for _, b := range blocks {
			wg.Go(func() { copy(b[size:], b[:size]) })
		}
		wg.Wait()
		out = append(out, float64(2*threads*size)/1e9/time.Since(start).Seconds())
	}
	return out
}

func sum(x []uint64) uint64 {
	var a, b, c, d uint64 // four chains: the memory is to be the limit, not the adder
	for ; len(x) >= 8; x = x[8:] {
		a += x[0] + x[4]
		b += x[1] + x[5]
		c += x[2] + x[6]
		d += x[3] + x[7]
	}
	return a + b + c + d
}

// memory compares what the accountant says with what the system says.
func memory(catalog *storage.Catalog, when string, r *Report) {
	u := catalog.Memory()
	for _, part := range []struct {
		name string
		size int64
	}{
		{"accounted", u.Total()},
		{"codes", u.CodeBytes},
		{"symbols", u.SymbolBytes},
		{"symbol index", u.IndexBytes},
		{"expanded values", u.DictBytes},
		{"resident", resident()},
	} {
		r.add(Figure{Workload: part.name + " " + when, Unit: "MiB", Samples: []float64{mebibytes(part.size)}})
	}
	runtime.KeepAlive(catalog) // what is resident includes it
}

// resident returns the memory of the process after a collection, 0 where the
// system does not tell.
func resident() int64 {
	runtime.GC()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
