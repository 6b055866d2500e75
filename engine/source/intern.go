package source

import (
	"hash/maphash"
	"math/bits"
	"strings"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A reading turns the text of a cell into its value.
type reading struct {
	locale   *number.Locale
	null     *string // text that means NULL
	verbatim bool
}

func (r *reading) value(text string) dual.Value {
	if r.null != nil && text == *r.null {
		return dual.Value{}
	}
	if text == "" {
		return dual.String("")
	}
	v := r.locale.Interpret(text)
	if r.verbatim && v.HasText() {
		v.Text = text
	}
	return v
}

// An interner codes the cells of a column: a hash table from text to the place
// of its value in the dictionary. It is used for one column after the other,
// so that the table of a column of few values stays in the first-level cache.
type interner struct {
	reading
	seed  maphash.Seed
	salt  uint64
	slots []uint32 // open addressing: entry + 1, 0 = free; a power of two
	keys  []uint64 // of entry: its bytes if it has at most 8, else its hash
	cells []span   // of entry
	vals  []dual.Value
}

// After probeRows cells a column of which more than three quarters are new
// values is not worth a dictionary.
const probeRows = 4096

func newInterner(r reading) *interner {
	seed := maphash.MakeSeed()
	return &interner{reading: r, seed: seed, salt: maphash.String(seed, "salt") | 1, slots: make([]uint32, 256)}
}

// column returns the values of the cells of s as codes, or dense where nearly
// every cell is a value of its own.
func (in *interner) column(s string, cells []span) dual.Vector {
	in.reset(256)
	codes := make([]uint32, len(cells))
	for i, c := range cells {
		if i == probeRows && len(in.vals) > probeRows/4*3 {
			return in.dense(s, cells, codes[:i])
		}
		codes[i] = in.code(s, c)
	}
	vals := append([]dual.Value(nil), in.vals...)
	if len(vals) < len(cells)/8 {
		// A dictionary may outlive the batch (mappings, variables): few texts
		// must not keep all of the chunk.
		for i := range vals {
			vals[i].Text = strings.Clone(vals[i].Text)
		}
	}
	return dual.Coded(codes, &dual.Dict{Vals: vals})
}

func (in *interner) dense(s string, cells []span, codes []uint32) dual.Vector {
	vals := make([]dual.Value, len(cells))
	for i, c := range codes {
		vals[i] = in.vals[c]
	}
	for i := len(codes); i < len(cells); i++ {
		vals[i] = in.value(cells[i].text(s))
	}
	return dual.Vals(vals)
}

func (in *interner) reset(slots int) {
	in.slots = in.slots[:slots]
	clear(in.slots)
	in.keys, in.cells, in.vals = in.keys[:0], in.cells[:0], in.vals[:0]
}

func (in *interner) code(s string, c span) uint32 {
	key, hash := in.hash(s, c)
	mask := uint32(len(in.slots) - 1)
	for at := uint32(hash) & mask; ; at = (at + 1) & mask {
		e := in.slots[at]
		if e == 0 {
			return in.add(s, c, key, at)
		}
		if in.keys[e-1] == key && in.same(s, in.cells[e-1], c) {
			return e - 1
		}
	}
}

// hash returns the key of a cell and where to look for it.
func (in *interner) hash(s string, c span) (key, hash uint64) {
	n := c.hi - c.lo
	if n > 8 {
		key = maphash.String(in.seed, s[c.lo:c.hi])
		return key, key
	}
	if int(c.lo)+8 <= len(s) {
		w := s[c.lo : c.lo+8]
		key = uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
			uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		key &= uint64(1)<<(8*n) - 1 // n = 8: shifting by 64 gives 0, less 1 all ones
	} else {
		for i := range n {
			key |= uint64(s[c.lo+i]) << (8 * i)
		}
	}
	// The salt differs per process, so that a file cannot be made to collide.
	hi, lo := bits.Mul64(key^in.salt, 0x9e3779b97f4a7c15^uint64(n))
	return key, hi ^ lo
}

// same reports whether two cells of equal key are the same text.
func (in *interner) same(s string, a, b span) bool {
	n := a.hi - a.lo
	if n != b.hi-b.lo || a.escaped != b.escaped {
		return false
	}
	return n <= 8 || s[a.lo:a.hi] == s[b.lo:b.hi]
}

func (in *interner) add(s string, c span, key uint64, at uint32) uint32 {
	in.vals = append(in.vals, in.value(c.text(s)))
	in.keys = append(in.keys, key)
	in.cells = append(in.cells, c)
	e := uint32(len(in.vals))
	in.slots[at] = e
	if int(e) > len(in.slots)/2 {
		in.grow(s)
	}
	return e - 1
}

func (in *interner) grow(s string) {
	n := 2 * len(in.slots)
	if n > cap(in.slots) {
		in.slots = make([]uint32, n)
	} else {
		in.slots = in.slots[:n]
		clear(in.slots)
	}
	mask := uint32(n - 1)
	for e, c := range in.cells {
		_, hash := in.hash(s, c)
		at := uint32(hash) & mask
		for in.slots[at] != 0 {
			at = (at + 1) & mask
		}
		in.slots[at] = uint32(e + 1)
	}
}
