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
	if x, ok := wholeNumber(text); ok {
		return dual.New(text, x)
	}
	v := r.locale.Interpret(text)
	if r.verbatim && v.HasText() {
		v.Text = text
	}
	return v
}

// wholeNumber reads up to 15 digits, which are a number by the rules of any
// locale and most of what files are made of.
func wholeNumber(text string) (x float64, ok bool) {
	if len(text) > 15 {
		return 0, false
	}
	n := int64(0)
	for i := range len(text) {
		d := text[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	return float64(n), true
}

// An interner codes the cells of a column: a hash table from text to the place
// of its value in the dictionary. It is used for one column after the other,
// so that the table of a column of few values stays in the first-level cache.
type interner struct {
	reading
	seed    maphash.Seed
	salt    uint64
	slots   []uint32 // open addressing: entry + 1, 0 = free; a power of two
	entries []entry
	vals    []dual.Value // of each entry
	shares  bool         // a column has texts that are parts of the chunk
}

// An entry is a text that has occurred.
type entry struct {
	key uint64 // its bytes if it has at most 8, else its hash
	span
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
	var last entry
	for i, c := range cells {
		if i == probeRows && len(in.vals) > probeRows/4*3 {
			return in.dense(s, cells, codes[:i])
		}
		key := in.key(s, c)
		if i > 0 && key == last.key && in.same(s, last.span, c) {
			codes[i] = codes[i-1] // sorted and repeated values are frequent
			continue
		}
		last = entry{key, c}
		codes[i] = in.code(s, last)
	}
	vals := append([]dual.Value(nil), in.vals...)
	if len(vals) < len(cells)/8 {
		// A dictionary may outlive the batch (mappings, variables): few texts
		// must not keep all of the chunk.
		for i := range vals {
			vals[i].Text = strings.Clone(vals[i].Text)
		}
	} else {
		in.shares = true
	}
	return dual.Coded(codes, &dual.Dict{Vals: vals})
}

func (in *interner) dense(s string, cells []span, codes []uint32) dual.Vector {
	in.shares = true
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
	in.entries, in.vals = in.entries[:0], in.vals[:0]
}

// code returns the entry of a text, and adds it if it is new.
func (in *interner) code(s string, e entry) uint32 {
	mask := uint32(len(in.slots) - 1)
	for at := in.hash(e) & mask; ; at = (at + 1) & mask {
		slot := in.slots[at]
		if slot == 0 {
			return in.add(s, e, at)
		}
		if old := &in.entries[slot-1]; old.key == e.key && in.same(s, old.span, e.span) {
			return slot - 1
		}
	}
}

// key returns the bytes of a short text, else its hash.
func (in *interner) key(s string, c span) uint64 {
	n := c.len()
	switch {
	case n > 8:
		return maphash.String(in.seed, s[c.lo:c.lo+n])
	case int(c.lo)+8 <= len(s):
		return load8(s[c.lo:c.lo+8]) & (uint64(1)<<(8*n) - 1) // n = 8: 1<<64 is 0, less 1 all ones
	}
	var key uint64
	for i := range n {
		key |= uint64(s[c.lo+i]) << (8 * i)
	}
	return key
}

// hash returns where to look for a text. The salt differs per process, so that
// a file cannot be made to collide.
func (in *interner) hash(e entry) uint32 {
	hi, lo := bits.Mul64(e.key^in.salt, 0x9e3779b97f4a7c15^uint64(e.n))
	return uint32(hi ^ lo)
}

// same reports whether two cells of equal key are the same text.
func (in *interner) same(s string, a, b span) bool {
	if a.n != b.n {
		return false
	}
	n := a.len()
	return n <= 8 || s[a.lo:a.lo+n] == s[b.lo:b.lo+n]
}

func (in *interner) add(s string, e entry, at uint32) uint32 {
	in.vals = append(in.vals, in.value(e.text(s)))
	in.entries = append(in.entries, e)
	n := uint32(len(in.entries))
	in.slots[at] = n
	if int(n) > len(in.slots)/2 {
		in.grow()
	}
	return n - 1
}

func (in *interner) grow() {
	n := 2 * len(in.slots)
	if n > cap(in.slots) {
		in.slots = make([]uint32, n)
	} else {
		in.slots = in.slots[:n]
		clear(in.slots)
	}
	mask := uint32(n - 1)
	for i, e := range in.entries {
		at := in.hash(e) & mask
		for in.slots[at] != 0 {
			at = (at + 1) & mask
		}
		in.slots[at] = uint32(i + 1)
	}
}
