package qvd

import (
	"context"
	"fmt"
	"math/bits"
	"slices"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Filter keeps rows by the value of one field, which need not be loaded.
type Filter struct {
	Field string
	// Allow is asked once per symbol of the field, and for NULL; nil allows
	// everything.
	Allow func(dual.Value) bool
	// Once keeps of the rows that all filters allow the first one of every
	// value, as `NOT Exists(F)` does on the very field that is loaded. It keeps
	// every NULL, as NULL does not exist anywhere.
	Once bool
}

// A selection is the rows that filters keep.
type selection struct {
	words  []uint64 // bit r%64 of word r/64: row r stays
	rows   int      // number of bits
	before []int    // rows that stay before each block
	block  int      // rows of a block, a multiple of 64
}

// A test is a filter on its way over the records.
type test struct {
	at     int
	bits   simd.Bits
	allow  []uint8  // of a stored number: 1 stays
	values []uint32 // of a stored number: the value's number, 0 for NULL; nil if not Once
	seen   []bool   // values that a row was kept of
}

// filter returns the rows that all filters keep, nil for all.
func (f *File) filter(ctx context.Context, workers int, where []Filter) (*selection, error) {
	if len(where) == 0 {
		return nil, nil
	}
	tests := make([]test, len(where))
	weight := func(i int) int64 { return 0 }
	err := eachField(ctx, workers, len(where), weight, func(i int) (err error) {
		tests[i], err = f.test(&where[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	s := &selection{words: make([]uint64, (f.header.Rows+63)/64), block: f.blockRows()}
	err = f.eachBlock(ctx, workers, func(lo int64, n int, records []byte) error {
		words := s.words[lo/64 : (int(lo)+n+63)/64]
		for w := range words {
			words[w] = ^uint64(0)
		}
		if n&63 != 0 {
			words[len(words)-1] = 1<<(n&63) - 1
		}
		for i := range tests {
			if err := tests[i].apply(f, words, lo, n, records); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if tests = slices.DeleteFunc(tests, func(t test) bool { return t.values == nil }); len(tests) > 0 {
		if err := f.once(ctx, s, tests); err != nil {
			return nil, err
		}
	}
	s.count()
	return s, nil
}

// test evaluates a filter for all symbols of its field.
func (f *File) test(w *Filter) (test, error) {
	at := f.header.Field(w.Field)
	if at < 0 {
		return test{}, fmt.Errorf("qvd: %s: no field %s to filter by", f.name, quote(w.Field))
	}
	symbols, err := f.Symbols(at)
	if err != nil {
		return test{}, err
	}
	h := &f.header.Fields[at]
	t := test{at: at, bits: f.bits(at)}
	vals := symbols.values(h.NumberFormat.Format())
	allowed := func(v dual.Value) uint8 {
		if w.Allow == nil || w.Allow(v) {
			return 1
		}
		return 0
	}
	t.allow = through(h, allowed(dual.Value{}), func(k int) uint8 { return allowed(vals[k]) })
	if !w.Once {
		return t, nil
	}
	// Symbols of other writers can be one value twice.
	var known storage.Symbols
	codes := make([]uint32, len(vals))
	for k, v := range vals {
		if codes[k], err = known.Code(v); err != nil {
			return test{}, fmt.Errorf("qvd: %s: field %s: %w", f.name, quote(h.Name), err)
		}
	}
	t.values = through(h, 0, func(k int) uint32 { return codes[k] })
	t.seen = make([]bool, known.Len()+1)
	return t, nil
}

// apply clears the bits of the rows that the test does not allow.
func (t *test) apply(f *File, words []uint64, lo int64, n int, records []byte) error {
	var allowed [64]uint8
	for w := range words {
		part := min(64, n-w*64)
		if bad := simd.UnpackThrough(allowed[:part], records[w*64*t.bits.RecordBytes:], t.bits, t.allow); bad >= 0 {
			var stored [1]uint32
			simd.Unpack(stored[:], records[(w*64+bad)*t.bits.RecordBytes:], t.bits)
			return f.badIndex(t.at, lo+int64(w*64+bad), stored[0])
		}
		var m uint64
		for i, a := range allowed[:part] {
			m |= uint64(a) << i
		}
		words[w] &= m
	}
	return nil
}

// once clears the rows that have a value of a row before them. A row counts
// for all tests or for none.
func (f *File) once(ctx context.Context, s *selection, tests []test) error {
	return f.eachBlock(ctx, 1, func(lo int64, n int, records []byte) error {
		words := s.words[lo/64 : (int(lo)+n+63)/64]
		for w, word := range words {
			for ; word != 0; word &= word - 1 {
				bit := bits.TrailingZeros64(word)
				record := records[(w*64+bit)*int(f.header.RecordBytes):]
				if !first(tests, record) {
					words[w] &^= 1 << bit
				}
			}
		}
		return nil
	})
}

// first reports whether the values of a record are new to all tests, and
// remembers them if so.
func first(tests []test, record []byte) bool {
	var value [1]uint32
	for i := range tests {
		t := &tests[i]
		simd.UnpackThrough(value[:], record, t.bits, t.values) // apply has seen that it is in range
		if value[0] != 0 && t.seen[value[0]] {
			return false
		}
	}
	for i := range tests {
		t := &tests[i]
		simd.UnpackThrough(value[:], record, t.bits, t.values)
		t.seen[value[0]] = true
	}
	return true
}

// count finds how many rows stay, and how many before each block.
func (s *selection) count() {
	words := s.block / 64
	for lo := 0; lo < len(s.words); lo += words {
		s.before = append(s.before, s.rows)
		s.rows += simd.Count(s.words[lo:min(lo+words, len(s.words))])
	}
}

// row returns the row of the file that became row i of the table.
func (s *selection) row(i int) int64 {
	block, _ := slices.BinarySearch(s.before, i+1)
	block--
	i -= s.before[block]
	for w := block * s.block / 64; ; w++ {
		word := s.words[w]
		if n := bits.OnesCount64(word); i >= n {
			i -= n
			continue
		}
		for range i {
			word &= word - 1
		}
		return int64(w)*64 + int64(bits.TrailingZeros64(word))
	}
}

// compact moves the records of a block that stay, n from row lo on, to its
// front and returns their number. Bytes behind them are left as they are.
func (s *selection) compact(records []byte, size, lo, n int) (kept int) {
	for w, word := range s.words[lo/64 : (lo+n+63)/64] {
		if word == ^uint64(0) && kept == w*64 {
			kept += 64
			continue
		}
		for ; word != 0; word &= word - 1 {
			from := (w*64 + bits.TrailingZeros64(word)) * size
			copy(records[kept*size:(kept+1)*size], records[from:from+size])
			kept++
		}
	}
	return kept
}
