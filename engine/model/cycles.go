package model

import "fmt"

// loosenCycles makes tables loosely coupled until the graph of tables and key
// fields has no cycle. Of a cycle the table with most rows is loosened, the
// later loaded of equals.
func (m *Model) loosenCycles() {
	for {
		cycle := m.findCycle()
		if cycle == nil {
			return
		}
		pick := cycle[0]
		for _, t := range cycle[1:] {
			if !t.Synthetic && (pick.Synthetic || t.Rows > pick.Rows || (t.Rows == pick.Rows && t.ID > pick.ID)) {
				pick = t
			}
		}
		pick.Loose = true
		m.Warnings = append(m.Warnings, fmt.Sprintf("circular reference between tables %s: table %s is loosely coupled", names(cycle), pick.Name))
	}
}

func names(tables []*Table) string {
	s := ""
	for i, t := range tables {
		if i > 0 {
			s += ", "
		}
		s += t.Name
	}
	return s
}

// findCycle returns the tables of a cycle, nil if there is none.
//
// It walks the graph of tables and key fields breadth first; the first edge
// to a node that is already reached closes a cycle, which is read off the
// parents of both ends.
func (m *Model) findCycle() []*Table {
	parentOfTable := map[*Table]*Field{}
	parentOfField := map[*Field]*Table{}
	reached := map[*Table]bool{}
	for _, start := range m.Tables {
		if start.Loose || reached[start] {
			continue
		}
		reached[start] = true
		open := []*Table{start}
		for len(open) > 0 {
			t := open[0]
			open = open[1:]
			for _, f := range m.keysOf(t) {
				if parentOfTable[t] == f {
					continue
				}
				if from := parentOfField[f]; from != nil {
					return cycleOf(t, from, parentOfTable, parentOfField)
				}
				parentOfField[f] = t
				for _, o := range f.Tables {
					if o == t || o.Loose {
						continue
					}
					if reached[o] {
						return cycleOf(t, o, parentOfTable, parentOfField)
					}
					reached[o] = true
					parentOfTable[o] = f
					open = append(open, o)
				}
			}
		}
	}
	return nil
}

func (m *Model) keysOf(t *Table) (keys []*Field) {
	for _, c := range t.Table.Columns {
		if f := m.byName[c.Field.Name]; f.Key {
			keys = append(keys, f)
		}
	}
	return keys
}

// cycleOf returns the tables on the ways from a and b up to where they meet.
func cycleOf(a, b *Table, up map[*Table]*Field, upField map[*Field]*Table) []*Table {
	way := func(t *Table) (w []*Table) {
		for t != nil {
			w = append(w, t)
			f := up[t]
			if f == nil {
				break
			}
			t = upField[f]
		}
		return w
	}
	wa, wb := way(a), way(b)
	on := map[*Table]bool{}
	for _, t := range wa {
		on[t] = true
	}
	var cycle []*Table
	var meet *Table
	for _, t := range wb {
		cycle = append(cycle, t)
		if on[t] {
			meet = t
			break
		}
	}
	for _, t := range wa {
		if t == meet {
			break
		}
		cycle = append(cycle, t)
	}
	return cycle
}
