package agg

import "github.com/cognate-bi/cognate/storage/dual"

// interner numbers different values from 0 on, in order of appearance. NULL is
// a value here.
type interner struct {
	nums   map[float64]uint32
	texts  map[string]uint32
	null   uint32 // id+1 of NULL, 0 = not seen
	values []dual.Value

	dict *dual.Dict // the coded dictionary seen last
	ids  []uint32   // id+1 of its entries, 0 = not asked for yet
}

func newInterner() interner {
	return interner{nums: map[float64]uint32{}, texts: map[string]uint32{}}
}

// id returns the number of a value.
func (t *interner) id(v dual.Value) uint32 {
	next := uint32(len(t.values))
	switch {
	case v.IsNull():
		if t.null != 0 {
			return t.null - 1
		}
		t.null = next + 1
	case v.HasNum():
		if id, ok := t.nums[v.Num]; ok {
			return id
		}
		t.nums[v.Num] = next
	default:
		if id, ok := t.texts[v.Text]; ok {
			return id
		}
		t.texts[v.Text] = next
	}
	t.values = append(t.values, v)
	return next
}

// idAt returns the number of value i of v. Entries of a dictionary that rows
// share are looked up once.
func (t *interner) idAt(v *dual.Vector, i int) uint32 {
	if v.Codes == nil && !v.Const {
		return t.id(v.At(i))
	}
	if t.dict != v.Dict {
		t.dict, t.ids = v.Dict, make([]uint32, v.Dict.Len())
	}
	e := v.Entry(i)
	if t.ids[e] == 0 {
		t.ids[e] = t.id(v.Dict.At(e)) + 1
	}
	return t.ids[e] - 1
}
