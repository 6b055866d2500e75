package simd

import (
	"bytes"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bitsOf is the oracle: the record as one big integer.
func bitsOf(record []byte, b Bits) uint32 {
	le := bytes.Clone(record)
	for i, j := 0, len(le)-1; i < j; i, j = i+1, j-1 {
		le[i], le[j] = le[j], le[i]
	}
	x := new(big.Int).SetBytes(le)
	x.Rsh(x, uint(b.Offset))
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(b.Width)), big.NewInt(1))
	return uint32(x.And(x, mask).Uint64())
}

// randomRecords returns n records and some bytes behind them, which are all 1s.
func randomRecords(rng *rand.Rand, n, size, slack int) []byte {
	records := make([]byte, n*size, n*size+slack)
	for i := range records {
		records[i] = byte(rng.Uint32())
	}
	for range slack {
		records = append(records, 0xff)
	}
	return records
}

func TestUnpack(t *testing.T) {
	forEachUnpack(t, testUnpackRandom)
}

func testUnpackRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for size := 1; size <= 20; size++ {
		for _, rows := range []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 64, 65, 130} {
			for range 12 {
				b := Bits{RecordBytes: size, Width: rng.IntN(min(32, 8*size) + 1)}
				b.Offset = rng.IntN(8*size - b.Width + 1)
				records := randomRecords(rng, rows, size, []int{0, 1, 7, Slack, 100}[rng.IntN(5)])
				testUnpack[uint8](t, records, rows, b)
				testUnpack[uint16](t, records, rows, b)
				testUnpack[uint32](t, records, rows, b)
			}
		}
	}
}

func testUnpack[C Code](t *testing.T, records []byte, rows int, b Bits) {
	t.Helper()
	const canary = 0xa5
	long := make([]C, rows+7) // dst is a part that is not aligned
	for i := range long {
		long[i] = canary
	}
	dst := long[3 : 3+rows]
	top := uint32(0)
	want := make([]uint32, rows)
	for i := range want {
		want[i] = bitsOf(records[i*b.RecordBytes:(i+1)*b.RecordBytes], b)
		top = max(top, want[i])
	}
	Unpack(dst, records, b)
	for i := range want {
		if dst[i] != C(want[i]) {
			t.Fatalf("%+v, row %d of %d: %d, want %d", b, i, rows, dst[i], C(want[i]))
		}
	}
	if top < 1<<16 {
		testThrough(t, dst, records, b, want, top)
	}
	for i, c := range long {
		if (i < 3 || i >= 3+rows) && c != canary {
			t.Fatalf("%+v: wrote at %d beside %d rows", b, i-3, rows)
		}
	}
}

// testThrough translates; then with a table that is too short by one.
func testThrough[C Code](t *testing.T, dst []C, records []byte, b Bits, want []uint32, top uint32) {
	t.Helper()
	through := make([]C, top+1)
	for i := range through {
		through[i] = C(i*7 + 3)
	}
	if bad := UnpackThrough(dst, records, b, through); bad != -1 {
		t.Fatalf("%+v: row %d is too high", b, bad)
	}
	for i, w := range want {
		if dst[i] != through[w] {
			t.Fatalf("%+v, row %d of %d: %d, want %d", b, i, len(want), dst[i], through[w])
		}
	}
	first := -1
	for i, w := range want {
		if w == top && first < 0 {
			first = i
		}
	}
	if bad := UnpackThrough(dst, records, b, through[:top]); bad != first {
		t.Fatalf("%+v: row %d is too high, want %d", b, bad, first)
	}
	for i := range max(first, 0) {
		if dst[i] != through[want[i]] {
			t.Fatalf("%+v: row %d before the bad one is wrong", b, i)
		}
	}
}

func TestUnpackBadArguments(t *testing.T) {
	for _, b := range []Bits{{4, 0, 33}, {4, -1, 2}, {4, 31, 2}, {4, 0, -1}, {5, 0, 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: no panic", b)
				}
			}()
			Unpack(make([]uint8, 2), make([]byte, 9), b)
		}()
	}
}

func BenchmarkUnpackThrough(b *testing.B) {
	forEachUnpack(b, benchUnpackThrough)
}

func benchUnpackThrough(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	const rows = 1 << 14
	for _, size := range []int{4, 14} {
		records := randomRecords(rng, rows, size, Slack)
		for _, width := range []int{3, 8, 12, 17} {
			bits := Bits{RecordBytes: size, Offset: 5, Width: width}
			if width == 8 {
				bits.Offset = 8
			}
			b.Run(fmt.Sprintf("bytes=%d/width=%d", size, width), func(b *testing.B) {
				switch {
				case width <= 8:
					benchThrough[uint8](b, records, rows, bits)
				case width <= 16:
					benchThrough[uint16](b, records, rows, bits)
				default:
					benchThrough[uint32](b, records, rows, bits)
				}
			})
		}
	}
}

func benchThrough[C Code](b *testing.B, records []byte, rows int, bits Bits) {
	dst, through := make([]C, rows), make([]C, 1<<bits.Width)
	for i := range through {
		through[i] = C(i)
	}
	for b.Loop() {
		if UnpackThrough(dst, records, bits, through) != -1 {
			b.Fatal("too high")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
}
