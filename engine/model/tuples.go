package model

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/cognate-bi/cognate/storage"
)

// tuples numbers the combinations of some fields' codes from 1 in order of
// first appearance. The combination of only NULLs has number 0.
type tuples struct {
	fields []*storage.Field
	list   []uint32 // combination n: list[(n-1)*len(fields):][:len(fields)]
	// Combinations that fit into 64 bits are looked up as numbers.
	bits   []int // per field, nil if they do not fit
	small  map[uint64]uint32
	large  map[string]uint32
	buffer []byte
}

func newTuples(fields []*storage.Field) *tuples {
	t := &tuples{fields: fields, small: map[uint64]uint32{}, large: map[string]uint32{}}
	total := 0
	for _, f := range fields {
		n := bits.Len(uint(f.Symbols.Len()))
		t.bits = append(t.bits, n)
		total += n
	}
	if total > 64 {
		t.bits = nil
	}
	return t
}

func (t *tuples) len() int { return len(t.list) / len(t.fields) }

// code returns the number of a combination, a new one if it is new.
func (t *tuples) code(tuple []uint32) uint32 {
	if !slices.ContainsFunc(tuple, func(c uint32) bool { return c != 0 }) {
		return 0
	}
	next := uint32(t.len() + 1)
	if t.bits != nil {
		x := uint64(0)
		for i, c := range tuple {
			x = x<<t.bits[i] | uint64(c)
		}
		if n, ok := t.small[x]; ok {
			return n
		}
		t.small[x] = next
	} else {
		t.buffer = t.buffer[:0]
		for _, c := range tuple {
			t.buffer = binary.LittleEndian.AppendUint32(t.buffer, c)
		}
		if n, ok := t.large[string(t.buffer)]; ok {
			return n
		}
		t.large[string(t.buffer)] = next
	}
	t.list = append(t.list, tuple...)
	return next
}

// codes returns the numbers of the combinations in all rows of a table, which
// has all the fields.
func (t *tuples) codes(table *storage.Table) []uint32 {
	const batch = 1 << 12
	columns := make([][]uint32, len(t.fields))
	for i := range columns {
		columns[i] = make([]uint32, batch)
	}
	out := make([]uint32, table.Rows)
	tuple := make([]uint32, len(t.fields))
	for lo := 0; lo < len(out); lo += batch {
		n := min(batch, len(out)-lo)
		for i, f := range t.fields {
			table.Column(f.Name).Codes(columns[i][:n], lo)
		}
		for row := range n {
			for i := range tuple {
				tuple[i] = columns[i][row]
			}
			out[lo+row] = t.code(tuple)
		}
	}
	return out
}

// at returns field i's code in combination n.
func (t *tuples) at(n uint32, i int) uint32 { return t.list[int(n-1)*len(t.fields)+i] }

// part returns field i's codes in all combinations.
func (t *tuples) part(i int) []uint32 {
	codes := make([]uint32, t.len())
	for n := range codes {
		codes[n] = t.list[n*len(t.fields)+i]
	}
	return codes
}

// project returns the number that o, of some of the same fields, has for each
// combination of t.
func (t *tuples) project(o *tuples) []uint32 {
	from := make([]int, len(o.fields))
	for i, f := range o.fields {
		from[i] = slices.Index(t.fields, f)
	}
	codes := make([]uint32, t.len())
	tuple := make([]uint32, len(from))
	for n := range codes {
		for i, at := range from {
			tuple[i] = t.list[n*len(t.fields)+at]
		}
		codes[n] = o.code(tuple)
	}
	return codes
}
