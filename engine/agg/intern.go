package agg

import "github.com/cognate-bi/cognate/storage/dual"

// interner numbers different values from 0 on, in order of appearance. NULL is
// a value here.
type interner struct {
	nums   numTable
	texts  map[string]uint32
	null   uint32 // id+1 of NULL, 0 = not seen
	values []dual.Value

	dict *dual.Dict // the coded dictionary seen last
	ids  []uint32   // id+1 of its entries, 0 = not asked for yet
}

func newInterner() interner { return interner{texts: map[string]uint32{}} }

// id returns the number of a value.
func (t *interner) id(v dual.Value) uint32 {
	next := uint32(len(t.values))
	var id uint32
	switch {
	case v.HasNum():
		id = t.nums.id(v.Num, next)
	case v.IsNull():
		return t.nullID()
	default:
		var ok bool
		if id, ok = t.texts[v.Text]; !ok {
			id = next
			t.texts[v.Text] = id
		}
	}
	if id == next {
		t.values = append(t.values, v)
	}
	return id
}

func (t *interner) nullID() uint32 {
	if t.null == 0 {
		t.values = append(t.values, dual.Value{})
		t.null = uint32(len(t.values))
	}
	return t.null - 1
}

// idAt returns the number of value i of v. Entries of a dictionary that rows
// share are looked up once.
func (t *interner) idAt(v *dual.Vector, i int) uint32 {
	if v.Codes == nil && !v.Const {
		return t.id(v.At(i))
	}
	ids := t.entries(v.Dict)
	e := v.Entry(i)
	if ids[e] == 0 {
		ids[e] = t.id(v.Dict.At(e)) + 1
	}
	return ids[e] - 1
}

// entries returns id+1 of the entries of d that were asked for, 0 elsewhere.
func (t *interner) entries(d *dual.Dict) []uint32 {
	if t.dict != d {
		t.dict, t.ids = d, make([]uint32, d.Len())
	}
	return t.ids
}

// all appends the numbers of all values of v.
func (t *interner) all(dst []uint32, v *dual.Vector) []uint32 {
	switch {
	case v.Codes != nil:
		ids := t.entries(v.Dict)
		for _, code := range v.Codes {
			id := ids[code]
			if id == 0 {
				id = t.id(v.Dict.At(int(code))) + 1
				ids[code] = id
			}
			dst = append(dst, id-1)
		}
	case !v.Const && v.Dict.Vals == nil:
		for _, x := range v.Dict.Nums[:v.N] {
			dst = append(dst, t.number(x, v.Dict.Format))
		}
	default:
		for i := range v.N {
			dst = append(dst, t.idAt(v, i))
		}
	}
	return dst
}

// number is id of a number without text; NaN is NULL.
func (t *interner) number(x float64, format *dual.Format) uint32 {
	if x != x {
		return t.nullID()
	}
	next := uint32(len(t.values))
	id := t.nums.id(x, next)
	if id == next {
		t.values = append(t.values, dual.Formatted(x, format))
	}
	return id
}

// numTable maps numbers to ids: a hash table with open addressing, at most
// half full. The zero numTable is empty.
type numTable struct {
	slots []numSlot // a power of two of them
	n     int
}

// A numSlot is free if its id is 0.
type numSlot struct {
	num float64
	id  uint32 // id+1
}

// id returns the id of x, which is not NaN, and gives it next if it has none.
func (t *numTable) id(x float64, next uint32) uint32 {
	if 2*t.n >= len(t.slots) {
		t.grow()
	}
	s := t.find(x)
	if s.id == 0 {
		s.num, s.id = x, next+1
		t.n++
	}
	return s.id - 1
}

// find returns the slot of x, or the free one where it belongs.
func (t *numTable) find(x float64) *numSlot {
	mask := uint64(len(t.slots) - 1)
	for i := dual.HashNum(x) & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.id == 0 || s.num == x {
			return s
		}
	}
}

func (t *numTable) grow() {
	old := t.slots
	t.slots = make([]numSlot, max(16, 2*len(old)))
	for _, s := range old {
		if s.id != 0 {
			*t.find(s.num) = s
		}
	}
}
