package storage

import (
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"

	"github.com/cognate-bi/cognate/storage/dual"
)

// symbolsMax keeps codes, and one more than codes, inside 32 bits with room
// for the null code.
const symbolsMax = math.MaxUint32 - 1

// Symbols is the list of the distinct values of a field in load order.
//
// Layout: numbers lie in one flat slice, texts in one arena with offsets, so
// that no pointer per value is there for the garbage collector to follow.
//
//	nums[c]                        number of code c, NaN when it is pure text or NULL; nil while no value has a number
//	packed                         stands for nums once nothing is added any more, where it is narrower
//	arena[ends[c-2]:ends[c-1]]     own text of code c; ends is nil while no value has a text
//	texted                         bit c-1: code c has a text of its own
//
// Invariants: values are pairwise not the [dual.Same]; the first text loaded
// for a number is the one that stays.
type Symbols struct {
	n      int
	nums   []float64
	packed packed
	ends   []uint32
	arena  []byte
	texted []uint64

	seed    maphash.Seed
	seeded  bool
	plain   bool // some texts were not stored, being the default ones
	whole   wholeIndex
	index   []uint64 // of values that are not in whole; open addressing: upper half of the hash and code, 0 = free
	others  int      // values in index
	indexed int      // values in whole or index: all, or those before [Field.Add] left them out
	trimmed bool     // nothing changes any more
	find    sync.Once
	late    sync.Once // makes the index that [Field.Add] left out
	warmed  uint64    // keeps the loads of warm from being left out
	traits  atomic.Pointer[knownTraits]

	// Of symbols that come from a catalog at rest.
	lazy
	source  Source // what the arrays lie in
	mapped  bool   // ... takes no memory of the process
	name    string // for errors
	damage  *Damage
	damaged bool // there is nothing to show
}

// Len returns the number of distinct values; the highest code.
func (s *Symbols) Len() int { return s.n }

// Number returns the number of a code, NaN for NULL and for pure text.
func (s *Symbols) Number(code uint32) float64 {
	s.ready()
	return s.at(code)
}

// Plain reports whether numbers without a text of their own came with a text,
// which was not kept as it is what the number is shown as by default.
func (s *Symbols) Plain() bool { return s.plain }

// HasText reports whether the value has a text of its own.
func (s *Symbols) HasText(code uint32) bool {
	s.ready()
	return code != 0 && s.ends != nil && s.texted[(code-1)>>6]>>((code-1)&63)&1 != 0
}

// Text returns the value's own text, "" if it has none. The string shares the
// arena's memory.
func (s *Symbols) Text(code uint32) string {
	if !s.HasText(code) {
		return ""
	}
	lo := uint32(0)
	if code > 1 {
		lo = s.ends[code-2]
	}
	return arenaString(s.arena, lo, s.ends[code-1])
}

// Value returns the value of a code; code 0 is NULL. Numbers without own text
// come without a format: that is the field's ([Field.Value]).
func (s *Symbols) Value(code uint32) dual.Value {
	if code == 0 {
		return dual.Value{}
	}
	x := s.Number(code)
	if s.HasText(code) {
		return dual.New(s.Text(code), x)
	}
	return dual.Number(x)
}

// Code returns the code of v, adding it if it is new. NULL has code 0.
func (s *Symbols) Code(v dual.Value) (uint32, error) {
	if v.HasNum() {
		if u, ok := wholeOf(v.Num); ok {
			return s.codeOfWhole(u, v)
		}
		return s.codeAt(dual.HashNum(v.Num), v)
	}
	if v.IsNull() {
		return 0, nil
	}
	return s.codeAt(s.hashText(v.Text), v)
}

// NumCode is [Symbols.Code] of a number without own text; NaN is NULL.
func (s *Symbols) NumCode(x float64) (uint32, error) { return s.Code(dual.Number(x)) }

func (s *Symbols) codeOfWhole(u uint32, v dual.Value) (uint32, error) {
	s.catchUp()
	if code := s.whole.find(u); code != 0 {
		return code, nil
	}
	if err := s.add(v); err != nil {
		return 0, err
	}
	s.indexed++
	s.whole.put(u, uint32(s.n))
	return uint32(s.n), nil
}

func (s *Symbols) codeAt(hash uint64, v dual.Value) (uint32, error) {
	s.catchUp()
	if (s.others+1)*2 > len(s.index) {
		s.grow(s.others / 2)
	}
	slot := s.probe(hash, v)
	if e := s.index[slot]; e != 0 {
		return uint32(e), nil
	}
	if err := s.add(v); err != nil {
		return 0, err
	}
	s.indexed++
	s.others++
	s.index[slot] = entry(hash, uint32(s.n))
	return uint32(s.n), nil
}

// warmBlock is the number of values that are looked up together. A large
// index does not fit the caches; touching the slots of a block first lets the
// processor wait for all of them at once, not for one after the other.
const warmBlock = 64

// warm touches what looking up the values will read, at most warmBlock of
// them.
func (s *Symbols) warm(vals []dual.Value) {
	if 8*len(s.index) < warmBytes && s.whole.sizeBytes() < warmBytes {
		return
	}
	var at [warmBlock]uint64
	var whole [warmBlock]float64
	mask := uint64(len(s.index) - 1)
	for i := range vals {
		v := &vals[i]
		if !v.HasNum() {
			continue
		}
		if _, ok := wholeOf(v.Num); ok {
			whole[i] = v.Num
		} else if len(s.index) > 0 {
			at[i] = s.index[dual.HashNum(v.Num)&mask]
		}
	}
	sum := s.whole.warm(whole[:len(vals)])
	if s.nums != nil {
		for _, e := range at[:len(vals)] {
			sum += uint64(s.nums[uint32(e)]) // entry 0 for those without
		}
	}
	s.warmed = sum
}

// numCodes writes the codes of numbers without own text into dst; NaN is NULL.
func (s *Symbols) numCodes(dst []uint32, nums []float64) error {
	s.catchUp()
	for lo := 0; lo < len(nums); lo += warmBlock {
		part := nums[lo:min(lo+warmBlock, len(nums))]
		codes := dst[lo : lo+len(part)]
		s.whole.guess(codes, part)
		for i, code := range codes {
			if code != 0 {
				continue
			}
			var err error
			if codes[i], err = s.newNumCode(part[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// newNumCode is [Symbols.NumCode] of a number that is likely to be new.
func (s *Symbols) newNumCode(x float64) (uint32, error) {
	u, ok := wholeOf(x)
	if !ok || s.nums == nil || s.ends != nil || s.n >= symbolsMax {
		return s.NumCode(x)
	}
	if code := s.whole.enter(u, uint32(s.n+1)); code != 0 {
		return code, nil
	}
	s.nums = append(doubled(s.nums, 1), float64(u))
	s.n++
	s.indexed++
	return uint32(s.n), nil
}

// Find returns the code of the value that is the same as v, 0 if there is
// none or v is NULL. After [Catalog.Seal] it may be called concurrently; the
// first call builds the look-up index again.
func (s *Symbols) Find(v dual.Value) uint32 {
	if v.IsNull() || s.n == 0 {
		return 0
	}
	if s.trimmed {
		s.find.Do(s.indexAgain)
	} else {
		s.late.Do(s.catchUp)
	}
	if s.damaged {
		return 0
	}
	hash := dual.HashNum(v.Num)
	if !v.HasNum() {
		hash = s.hashText(v.Text)
	} else if u, ok := wholeOf(v.Num); ok {
		return s.whole.find(u)
	}
	if len(s.index) == 0 {
		return 0
	}
	return uint32(s.index[s.probe(hash, v)])
}

func (s *Symbols) hashText(text string) uint64 {
	if !s.seeded {
		s.seed, s.seeded = maphash.MakeSeed(), true
	}
	return maphash.String(s.seed, text)
}

// probe returns the slot of v, or the free one where it belongs. The upper
// half of the hash stands in the slot, so that another value is told apart
// without a look at it.
func (s *Symbols) probe(hash uint64, v dual.Value) int {
	mask := len(s.index) - 1
	slot := int(hash) & mask
	tag := hash >> 32
	for {
		e := s.index[slot]
		if e == 0 || (e>>32 == tag && s.is(uint32(e), v)) {
			return slot
		}
		slot = (slot + 1) & mask
	}
}

func (s *Symbols) is(code uint32, v dual.Value) bool {
	if v.HasNum() {
		return s.at(code) == v.Num
	}
	return math.IsNaN(s.Number(code)) && s.Text(code) == v.Text
}

// entry is what a slot of the index holds.
func entry(hash uint64, code uint32) uint64 { return hash>>32<<32 | uint64(code) }

func (s *Symbols) hashOf(code uint32) uint64 {
	if x := s.Number(code); x == x {
		return dual.HashNum(x)
	}
	return s.hashText(s.Text(code))
}

// ascending reports whether each value is above the one before; NULL is not.
func ascending(vals []dual.Value) bool {
	for i := range vals {
		v := &vals[i]
		switch {
		case v.IsNull():
			return false
		case i == 0:
		case v.HasNum() && vals[i-1].HasNum():
			if v.Num <= vals[i-1].Num {
				return false
			}
		case dual.Compare(vals[i-1], *v) >= 0:
			return false
		}
	}
	return true
}

// reserve makes room for so many values that are likely to be new, so that
// numbers need not grow step by step.
func (s *Symbols) reserve(n int) {
	if n >= s.n && s.nums != nil { // else most of them may be there
		s.nums = doubled(s.nums, n)
	}
}

// catchUp puts the values in the indexes that are not there yet.
func (s *Symbols) catchUp() {
	if s.indexed < s.n {
		s.growAll()
	}
}

// growAll makes both indexes anew.
func (s *Symbols) growAll() {
	s.indexed, s.others, s.whole = s.n, 0, wholeIndex{}
	for c := uint32(1); c <= uint32(s.n); c++ {
		if u, ok := wholeOf(s.Number(c)); ok {
			s.whole.put(u, c)
		} else {
			s.others++
		}
	}
	s.grow(0)
}

// grow makes the index of other values anew, with room for more values.
func (s *Symbols) grow(more int) {
	s.newIndex(more)
	mask := len(s.index) - 1
	for c := uint32(1); c <= uint32(s.n); c++ {
		if _, ok := wholeOf(s.Number(c)); ok {
			continue
		}
		hash := s.hashOf(c)
		slot := int(hash) & mask
		for s.index[slot] != 0 { // values are different: no need to compare
			slot = (slot + 1) & mask
		}
		s.index[slot] = entry(hash, c)
	}
}

// indexAgain makes the index of symbols that nothing is added to any more.
func (s *Symbols) indexAgain() {
	s.ready()
	if s.source == nil { // made here: no two are the same
		s.growAll()
		return
	}
	if err := s.indexDistinct(); err != nil {
		s.damaged = true
		s.damage.report(&FormatError{s.name, 0, err})
	}
}

// newIndex makes an empty index with room for all other values and so many
// more.
func (s *Symbols) newIndex(more int) {
	size := 64
	for size < (s.others+more+1)*2 {
		size *= 2
	}
	s.index = large[uint64](size, size)
}

func (s *Symbols) add(v dual.Value) error {
	if s.trimmed {
		panic("storage: BUG: value added to a sealed symbol table")
	}
	if s.n >= symbolsMax {
		return fmt.Errorf("more than %d distinct values", symbolsMax)
	}
	if len(s.arena)+len(v.Text) > math.MaxUint32 {
		return fmt.Errorf("more than %d bytes of text", uint32(math.MaxUint32))
	}
	switch {
	case s.nums != nil:
		s.nums = append(doubled(s.nums, 1), v.Float())
	case v.HasNum():
		s.nums = make([]float64, s.n+1, s.n+16)
		for i := range s.nums {
			s.nums[i] = math.NaN()
		}
		s.nums = append(s.nums, v.Num)
	}
	if v.HasText() && s.ends == nil {
		s.ends = make([]uint32, s.n, s.n+16)
		s.texted = make([]uint64, (s.n+63)/64)
	}
	if s.ends != nil {
		if s.n>>6 >= len(s.texted) {
			s.texted = append(s.texted, 0)
		}
		if v.HasText() {
			s.arena = append(doubled(s.arena, len(v.Text)), v.Text...)
			s.texted[s.n>>6] |= 1 << (s.n & 63)
		}
		s.ends = append(doubled(s.ends, 1), uint32(len(s.arena)))
	}
	s.n++
	return nil
}

// keep returns a symbol table of only the codes in used, in the same order,
// and the map from old codes to new ones.
func (s *Symbols) keep(used []uint8) (*Symbols, []uint32) {
	to, n := make([]uint32, s.n+1), 0
	for c := 1; c <= s.n; c++ {
		if used[c] != 0 {
			n++
			to[c] = uint32(n)
		}
	}
	return s.inOrder(to, n), to
}

// inOrder returns a symbol table of the values that have a place from 1 to n,
// in the order of their places.
func (s *Symbols) inOrder(to []uint32, n int) *Symbols {
	at := make([]uint32, n)
	for code, place := range to {
		if place != 0 {
			at[place-1] = uint32(code)
		}
	}
	out := &Symbols{plain: s.plain}
	for _, code := range at {
		_ = out.add(s.Value(code)) // cannot outgrow what it is taken from
	}
	return out
}

// trim gives back spare capacity and the look-up index: loading is over, and
// looking up single values is rare. Many goroutines may read afterwards.
func (s *Symbols) trim() {
	if s.trimmed { // shared with another catalog
		return
	}
	s.hashText("") // the seed is there before anyone looks up
	s.trimmed = true
	if p, ok := pack(s.nums); ok {
		s.nums, s.packed = nil, p
	}
	s.nums = exact(s.nums)
	s.ends = exact(s.ends)
	s.arena = exact(s.arena)
	s.texted = exact(s.texted)
	s.dropIndex()
}

// dropIndex gives up the look-up indexes; they are made again when they are
// asked for.
func (s *Symbols) dropIndex() { s.index, s.whole, s.indexed, s.others = nil, wholeIndex{}, 0, 0 }

func exact[T number](s []T) []T {
	if cap(s)-len(s) <= len(s)/16 {
		return s
	}
	return append(large[T](0, len(s)), s...)
}

// sizeBytes returns the memory of the values and of the look-up index.
func (s *Symbols) sizeBytes() int64 {
	n := int64(cap(s.arena)) + s.indexBytes()
	if !s.mapped {
		n += s.fixedBytes()
	}
	return n
}

// indexBytes returns the memory of the look-up indexes.
func (s *Symbols) indexBytes() int64 { return int64(8*cap(s.index) + s.whole.sizeBytes()) }

// fixedBytes returns the size of the arrays that are used as they lie at rest.
func (s *Symbols) fixedBytes() int64 {
	return int64(8*cap(s.nums)+4*cap(s.ends)+8*cap(s.texted)) + s.packed.sizeBytes()
}
