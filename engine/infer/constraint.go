package infer

import (
	"bytes"
	"slices"
	"sync"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// A constraint is a set of codes that a column must be in.
type constraint struct {
	col column
	set *simd.CodeSet
}

// rows returns the rows that meet the constraint.
func (c constraint) rows() *bitset.Set {
	rows := bitset.New(c.col.Rows())
	words := rows.Words()
	blocks(c.col.Rows(), func(lo, hi int) { c.col.Member(words[lo/64:(hi+63)/64], lo, c.set) })
	return rows
}

// and keeps only the rows that meet the constraint.
func (c constraint) and(rows *bitset.Set) {
	words := rows.Words()
	blocks(c.col.Rows(), func(lo, hi int) { c.col.MemberAnd(words[lo/64:(hi+63)/64], lo, c.set) })
}

// scans keeps the rows that met constraints of long tables: the next click, and
// the alternatives of a field, mostly meet all of them but one. The latest are
// kept, as far as sizeMax allows.
type scans struct {
	sizeMax int

	mu   sync.Mutex
	kept []*scanned // the oldest first
	size int
}

// scanned is the rows of a constraint, found once, however many ask.
type scanned struct {
	constraint
	rows part[*bitset.Set]
}

// scanRowsMin is the length of a table from which scans are kept.
const scanRowsMin = 1 << 16

// meet returns the rows that meet all constraints, which are of one table.
func (s *scans) meet(all []constraint) *bitset.Set {
	n := all[0].col.Rows()
	if n < scanRowsMin {
		rows := all[0].rows()
		for _, c := range all[1:] {
			c.and(rows)
		}
		return rows
	}
	sets := make([][]uint64, len(all))
	for i, c := range all {
		rows := s.rows(c)
		if len(all) == 1 {
			return rows
		}
		sets[i] = rows.Words()
	}
	out := bitset.New(n)
	words := out.Words()
	copy(words, sets[0])
	for _, set := range sets[1:] {
		simd.And(words, set)
	}
	return out
}

// rows returns the rows of a constraint, scanned if they are not kept.
func (s *scans) rows(c constraint) *bitset.Set {
	return s.of(c).rows.get(c.rows)
}

// of returns what is kept of a constraint, the latest from now on.
func (s *scans) of(c constraint) *scanned {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, k := range s.kept {
		if k.col == c.col && k.set.Len() == c.set.Len() && bytes.Equal(k.set.Flags(), c.set.Flags()) {
			s.kept = append(slices.Delete(s.kept, i, i+1), k)
			return k
		}
	}
	k := &scanned{constraint: c}
	s.kept = append(s.kept, k)
	s.size += k.sizeBytes()
	for s.size > s.sizeMax {
		s.size -= s.kept[0].sizeBytes()
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	return k
}

// sizeBytes counts the rows, found or not.
func (s *scanned) sizeBytes() int { return (s.col.Rows()+63)/64*8 + len(s.set.Flags()) }

func (s *scans) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.size = nil, 0
}

func (s *scans) sizeBytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.size)
}
