package model

import (
	"slices"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// A composite is a table that shares several overlapping combinations of
// fields with others.
//
//	T1 {a b c}   T2 {a d e f}   T3 {a b c d e f}
//
// T3 shares a, d, e, f with T2 and a, b, c with T1. It becomes
//
//	T1 {$Syn 2}  T2 {$Syn 1}    T3 {$Syn 3}    $Syn 3 Table {$Syn 3 $Syn 1 $Syn 2 a b c d e f}
//
// which is a tree. Partners are taken off only where all that they share with
// anybody lies within one combination; others wait for their own turn.
type composite struct {
	center *storage.Table
	fields []*storage.Field // of all combinations, in order of creation
	keys   []partnerKey     // the largest first
}

// A partnerKey is a combination of the center's fields and the tables that
// have it in common with the center.
type partnerKey struct {
	fields []*storage.Field
	tables []*storage.Table
}

// partner is a combination that a table shares with others, by number.
type partner struct {
	set    *bitset.Set
	tables []int
}

// composite returns the first table in load order that is the center of one,
// nil if there is none.
func (s *sharing) composite() *composite {
	for center, t := range s.tables {
		all := maximal(s.partners(center))
		if !overlapping(all) {
			continue
		}
		x := &composite{center: t}
		fields := bitset.New(len(s.fields))
		for _, p := range all {
			fields.Or(p.set)
			if s.isolated(center, p) {
				x.keys = append(x.keys, s.key(p))
			}
		}
		if len(x.keys) == 0 {
			continue
		}
		slices.SortStableFunc(x.keys, func(a, b partnerKey) int { return len(b.fields) - len(a.fields) })
		x.fields = s.fieldsOf(fields)
		return x
	}
	return nil
}

func (s *sharing) key(p partner) partnerKey {
	k := partnerKey{fields: s.fieldsOf(p.set)}
	for _, t := range p.tables {
		k.tables = append(k.tables, s.tables[t])
	}
	return k
}

// partners returns the combinations that a table shares with others, in load
// order of these.
func (s *sharing) partners(center int) (list []partner) {
	for other := range s.tables {
		if other == center {
			continue
		}
		set := s.common(center, other)
		if set == nil {
			continue
		}
		at := slices.IndexFunc(list, func(p partner) bool { return p.set.Equal(set) })
		if at < 0 {
			at = len(list)
			list = append(list, partner{set: set})
		}
		list[at].tables = append(list[at].tables, other)
	}
	return list
}

// maximal drops the combinations that lie within another one.
func maximal(list []partner) (out []partner) {
	for i, p := range list {
		inside := false
		for j, o := range list {
			inside = inside || i != j && within(p.set, o.set)
		}
		if !inside {
			out = append(out, p)
		}
	}
	return out
}

// overlapping reports whether two combinations have a field in common.
func overlapping(list []partner) bool {
	for i, p := range list {
		for _, o := range list[i+1:] {
			if meet(p.set, o.set) {
				return true
			}
		}
	}
	return false
}

// isolated reports whether the partner's tables share combinations only
// within its own.
func (s *sharing) isolated(center int, p partner) bool {
	for _, t := range p.tables {
		for o := range s.tables {
			if o == t || o == center {
				continue
			}
			if set := s.common(t, o); set != nil && !within(set, p.set) {
				return false
			}
		}
	}
	return true
}

// makeComposite gives every combination a key and the center a key of all of
// them, and puts one table into the middle.
func makeComposite(c *storage.Catalog, x *composite) error {
	keys := make([]*storage.Field, len(x.keys))
	numbers := make([]*tuples, len(x.keys))
	for i, p := range x.keys {
		keys[i], numbers[i] = newKey(c, p.fields), newTuples(p.fields)
		for _, t := range c.Tables() { // the center among them: it has its place in the order of values
			if t == x.center {
				numbers[i].codes(t)
			} else if slices.Contains(p.tables, t) {
				c.Put(withKey(t, p.fields, storage.NewColumn(keys[i], numbers[i].codes(t))))
			}
		}
		if err := setValues(keys[i], numbers[i].len()); err != nil {
			return err
		}
	}
	all := newTuples(x.fields)
	key := newKey(c, x.fields)
	c.Put(withKey(x.center, x.fields, storage.NewColumn(key, all.codes(x.center))))
	if err := setValues(key, all.len()); err != nil {
		return err
	}
	c.Put(compositeTable(key, keys, all, numbers))
	return nil
}

// compositeTable returns the table of all combinations: those of the center,
// then for each key those that only partners have, with NULL in all else.
func compositeTable(key *storage.Field, keys []*storage.Field, all *tuples, numbers []*tuples) *storage.Table {
	centers := all.len()
	rows := centers
	ofKey := make([][]uint32, len(keys)) // codes of each key, for the center's rows
	lone := make([][]uint32, len(keys))  // codes of each key that the center does not have
	for i, n := range numbers {
		ofKey[i] = all.project(n)
		lone[i] = missing(ofKey[i], n.len())
		rows += len(lone[i])
	}
	t := &storage.Table{Name: tableOf(key.Name), Rows: rows}
	add := func(f *storage.Field, head []uint32, tail func(i int, code uint32) uint32) {
		codes := append(make([]uint32, 0, rows), head...)
		for i := range keys {
			for _, code := range lone[i] {
				codes = append(codes, tail(i, code))
			}
		}
		t.Columns = append(t.Columns, storage.NewColumn(f, codes))
	}
	add(key, upTo(centers), func(int, uint32) uint32 { return 0 })
	for k, f := range keys {
		add(f, ofKey[k], func(i int, code uint32) uint32 {
			if i == k {
				return code
			}
			return 0
		})
	}
	for j, f := range all.fields {
		add(f, all.part(j), func(i int, code uint32) uint32 {
			if at := slices.Index(numbers[i].fields, f); at >= 0 {
				return numbers[i].at(code, at)
			}
			return 0
		})
	}
	return t
}

// missing returns the codes 1..n that are not in codes.
func missing(codes []uint32, n int) (out []uint32) {
	seen := make([]bool, n+1)
	for _, c := range codes {
		seen[c] = true
	}
	for c := 1; c <= n; c++ {
		if !seen[c] {
			out = append(out, uint32(c))
		}
	}
	return out
}
