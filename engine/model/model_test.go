package model

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// table adds a table to a catalog: a head line of fields, then a line per
// row; "-" is NULL.
func table(t testing.TB, c *storage.Catalog, name, text string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	fields := strings.Fields(lines[0])
	columns := make([][]dual.Value, len(fields))
	for _, line := range lines[1:] {
		for i, cell := range strings.Fields(line) {
			v := dual.Value{}
			if cell != "-" {
				v = dual.String(cell)
			}
			columns[i] = append(columns[i], v)
		}
	}
	batch := make([]dual.Vector, len(fields))
	for i, values := range columns {
		batch[i] = dual.Vals(values)
	}
	b := c.NewBuilder(name, fields)
	if err := b.Append(batch); err != nil {
		t.Fatal(err)
	}
	c.Put(b.Table())
}

func build(t testing.TB, c *storage.Catalog) *Model {
	t.Helper()
	m, err := Build(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// show writes tables as table reads them.
func show(m *Model) string {
	var b strings.Builder
	for _, t := range m.Tables {
		fmt.Fprintf(&b, "%s: %s", t.Name, strings.Join(t.FieldNames(), ", "))
		for r := range t.Rows {
			b.WriteString("\n ")
			for _, col := range t.Table.Columns {
				b.WriteString(" " + cell(col, r))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cell(col *storage.Column, row int) string {
	switch v := col.Field.Value(col.Code(row)); {
	case v.HasText():
		return v.Text
	case v.HasNum():
		return fmt.Sprint(v.Num)
	default:
		return "-"
	}
}

func TestSyntheticKeys(t *testing.T) {
	for _, tt := range []struct {
		why    string
		tables []string
		want   string
	}{
		{"one shared field needs no key", []string{"a b\n1 2", "b c\n2 3"}, `
T1: a, b
  1 2
T2: b, c
  2 3
`},
		{"the key is the last column, its table comes last, parts in order of creation; values by first appearance; combinations of all tables", []string{
			"b x a\n1 p 1\n1 q 2\n1 r 1", "y a b\ns 2 1\nt 3 1",
		}, `
T1: x, $Syn 1
  p 0
  q 1
  r 0
T2: y, $Syn 1
  s 1
  t 2
$Syn 1 Table: $Syn 1, b, a
  0 1 1
  1 1 2
  2 1 3
`},
		{"some NULL parts make a combination, all-NULL parts do not", []string{"a b x\n1 - p\n- - q", "a b y\n1 - r\n- - s"}, `
T1: x, $Syn 1
  p 0
  q -
T2: y, $Syn 1
  r 0
  s -
$Syn 1 Table: $Syn 1, a, b
  0 1 -
`},
		{"three tables share one key", []string{"a b\n1 1", "a b\n2 2", "a b x\n1 1 p"}, `
T1: $Syn 1
  0
T2: $Syn 1
  1
T3: x, $Syn 1
  p 0
$Syn 1 Table: $Syn 1, a, b
  0 1 1
  1 2 2
`},
		{"nested: the larger combination first, then the smaller one with the table of the larger", []string{"a b x\n1 1 p\n2 2 q", "a b c\n1 1 1", "a b c y\n1 1 2 r"}, `
T1: x, $Syn 2
  p 0
  q 1
T2: $Syn 1
  0
T3: y, $Syn 1
  r 1
$Syn 1 Table: $Syn 1, c, $Syn 2
  0 1 0
  1 2 0
$Syn 2 Table: $Syn 2, a, b
  0 1 1
  1 2 2
`},
		{"overlapping: one table of three keys (seen in a real file)", []string{
			"a b c\n1 1 1\n9 9 9", "a d e f\n1 2 2 2\n8 8 8 8", "a b c d e f\n1 1 1 2 2 2\n1 1 1 3 3 3",
		}, `
T1: $Syn 2
  0
  1
T2: $Syn 1
  0
  1
T3: $Syn 3
  0
  1
$Syn 3 Table: $Syn 3, $Syn 1, $Syn 2, a, b, c, d, e, f
  0 0 0 1 1 1 2 2 2
  1 2 0 1 1 1 3 3 3
  - 1 - 8 - - 8 8 8
  - - 1 9 9 9 - - -
`},
		{"disjoint combinations are two keys", []string{"a b x\n1 1 p", "c d y\n2 2 q", "a b c d\n1 1 2 2"}, `
T1: x, $Syn 1
  p 0
T2: y, $Syn 2
  q 0
T3: $Syn 1, $Syn 2
  0 0
$Syn 1 Table: $Syn 1, a, b
  0 1 1
$Syn 2 Table: $Syn 2, c, d
  0 2 2
`},
	} {
		t.Run(tt.why, func(t *testing.T) {
			c := storage.NewCatalog(nil)
			for i, text := range tt.tables {
				table(t, c, fmt.Sprint("T", i+1), text)
			}
			m := build(t, c)
			if got := "\n" + show(m); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
			if len(m.Warnings) > 0 {
				t.Errorf("warnings %q: the keys leave no cycle", m.Warnings)
			}
			for _, table := range m.Tables {
				if table.Synthetic != strings.HasPrefix(table.Name, "$Syn ") {
					t.Errorf("%s: synthetic %v", table.Name, table.Synthetic)
				}
			}
		})
	}
}

// streams are the parts of a catalog at rest.
type streams []storage.Part

func (s streams) Size(name string) (int64, error) {
	b, err := s.Load(name)
	return int64(len(b)), err
}

func (s streams) Load(name string) ([]byte, error) {
	for _, p := range s {
		if p.Stream == name {
			var b bytes.Buffer
			_, err := p.WriteTo(&b)
			return b.Bytes(), err
		}
	}
	return nil, errors.New("no stream " + name)
}

// Building again from a file makes no second keys and knows the first ones.
func TestBuildOfWhatWasRead(t *testing.T) {
	c := storage.NewCatalog(nil)
	table(t, c, "T1", "a b c\n1 1 1\n9 9 9")
	table(t, c, "T2", "a d e f\n1 2 2 2\n8 8 8 8")
	table(t, c, "T3", "a b c d e f x\n1 1 1 2 2 2 p")
	m := build(t, c)
	directory, parts, err := c.AtRest()
	if err != nil {
		t.Fatal(err)
	}
	again, err := storage.Restore(directory, streams(parts), storage.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := build(t, again)
	if got, want := show(n), show(m); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for i, table := range n.Tables {
		if table.Synthetic != m.Tables[i].Synthetic || table.Tree != m.Tables[i].Tree {
			t.Errorf("%s: synthetic %v, tree %d; want %v, %d", table.Name, table.Synthetic, table.Tree, m.Tables[i].Synthetic, m.Tables[i].Tree)
		}
	}
}

// randomShared makes tables of few fields, so that they share many.
func randomShared(rng *rand.Rand, t testing.TB) *storage.Catalog {
	c := storage.NewCatalog(nil)
	for i := range 2 + rng.IntN(4) {
		fields := strings.Split("abcdef", "")
		rng.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		text := strings.Join(fields[:1+rng.IntN(5)], " ")
		for range rng.IntN(6) {
			text += "\n"
			for range strings.Fields(text[:strings.Index(text, "\n")]) {
				text += []string{"-", "1", "2", "3"}[rng.IntN(4)] + " "
			}
		}
		table(t, c, fmt.Sprint("T", i), text)
	}
	return c
}

// Keys lose nothing: with the parts in place of keys every table is what it
// was. And what is not loose is a forest.
func TestSyntheticKeysAreLossless(t *testing.T) {
	loosened := 0
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 3))
		c := randomShared(rng, t)
		want := map[string][]map[string]string{}
		for _, tab := range c.Tables() {
			for r := range tab.Rows {
				row := map[string]string{}
				for _, col := range tab.Columns {
					row[col.Field.Name] = cell(col, r)
				}
				want[tab.Name] = append(want[tab.Name], row)
			}
		}
		m := build(t, c)
		for name, rows := range want {
			tab := m.Table(name)
			for r, row := range rows {
				got := map[string]string{}
				for _, col := range tab.Table.Columns {
					unfold(t, m, m.Field(col.Field.Name), col.Code(r), got)
				}
				if !reflect.DeepEqual(got, row) {
					t.Fatalf("seed %d: %s row %d: %v, want %v\n%s", seed, name, r, got, row, show(m))
				}
			}
		}
		if cycle := m.findCycle(); cycle != nil {
			t.Fatalf("seed %d: cycle %s\n%s", seed, names(cycle), show(m))
		}
		for i, a := range m.Tables {
			for _, b := range m.Tables[i+1:] {
				shared := 0
				for _, f := range a.FieldNames() {
					if b.Table.Column(f) != nil {
						shared++
					}
				}
				if shared > 1 {
					t.Fatalf("seed %d: %s and %s share %d fields\n%s", seed, a.Name, b.Name, shared, show(m))
				}
			}
		}
		if len(m.Warnings) > 0 {
			loosened++
		}
	}
	t.Logf("%d of 3000 models had a cycle", loosened)
}

// unfold writes the parts behind a code into row, the field itself if it is
// no key.
func unfold(t *testing.T, m *Model, f *Field, code uint32, row map[string]string) {
	put := func(f *Field, code uint32) {
		if row[f.Name] == "" {
			row[f.Name] = "-"
		}
		if v := f.Value(code); v.HasText() {
			row[f.Name] = v.Text
		}
	}
	if f.Parts == nil {
		put(f, code)
		return
	}
	for _, p := range f.Parts {
		part := m.Field(p)
		codes := m.PartCodes(f, part)
		if codes == nil {
			t.Fatalf("key %s does not lead to %s\n%s", f.Name, p, show(m))
		}
		put(part, codes[code])
	}
}

// Directly linked by a key are rows that agree in all its parts.
func TestKeyLinksOnAllSharedFields(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 4))
		c := storage.NewCatalog(nil)
		rows := func(head string) string {
			for range rng.IntN(8) {
				head += fmt.Sprintf("\n%s %s x", []string{"-", "1", "2"}[rng.IntN(3)], []string{"-", "1", "2"}[rng.IntN(3)])
			}
			return head
		}
		ta, tb := rows("a b x"), rows("a b y")
		table(t, c, "A", ta)
		table(t, c, "B", tb)
		m := build(t, c)
		a, b := m.Table("A"), m.Table("B")
		path, ok := m.Path(a, b)
		if !ok {
			t.Fatal("not connected")
		}
		for r := range a.Rows {
			linked := map[uint32]bool{uint32(r): true}
			for _, step := range path {
				next := map[uint32]bool{}
				for row := range linked {
					for _, to := range step.To.RowsOf(step.From.Column.Code(int(row)), nil) {
						next[to] = true
					}
				}
				linked = next
			}
			cellsA := strings.Fields(strings.Split(ta, "\n")[r+1])[:2]
			for s := range b.Rows {
				cellsB := strings.Fields(strings.Split(tb, "\n")[s+1])[:2]
				want := reflect.DeepEqual(cellsA, cellsB) && (cellsA[0] != "-" || cellsA[1] != "-")
				if linked[uint32(s)] != want {
					t.Fatalf("seed %d: rows %v and %v linked %v, want %v", seed, cellsA, cellsB, !want, want)
				}
			}
		}
	}
}

func TestCyclesAreLoosened(t *testing.T) {
	c := storage.NewCatalog(nil)
	table(t, c, "A", "x y\n1 1\n2 2")
	table(t, c, "B", "y z\n1 1\n2 2\n3 3")
	table(t, c, "C", "z x\n1 1\n2 2\n3 3")
	m := build(t, c)
	for _, tab := range m.Tables {
		if want := tab.Name == "C"; tab.Loose != want {
			t.Errorf("%s loose %v, want %v: most rows, the later of equals", tab.Name, tab.Loose, want)
		}
	}
	if len(m.Warnings) != 1 || !strings.Contains(m.Warnings[0], "circular reference") || !strings.Contains(m.Warnings[0], "table C is loosely") {
		t.Errorf("warnings %q", m.Warnings)
	}
	if len(m.Table("C").Links) != 0 || m.Table("C").Tree == m.Table("A").Tree {
		t.Error("a loose table takes no part in links")
	}
	if _, ok := m.Path(m.Table("A"), m.Table("C")); ok {
		t.Error("a way to a loose table")
	}
}

func TestLinksAndWays(t *testing.T) {
	c := storage.NewCatalog(nil)
	table(t, c, "Fact", "k v\n1 p\n2 q\n1 r\n- s\n9 t")
	table(t, c, "Dim", "k g\n1 G1\n2 G2\n3 G3\n- G4")
	table(t, c, "Group", "g n\nG1 one\nG2 two")
	table(t, c, "Many", "g m\nG1 m1\nG1 m2")
	table(t, c, "Island", "i\n1")
	m := build(t, c)
	k := m.Field("k")
	if l := m.Table("Dim").Link(k); !l.Unique() || l.RowOf()[1] != 0 || l.RowOf()[0] != -1 {
		t.Errorf("Dim: unique %v, %v; want rows by key, none for NULL", l.Unique(), l.RowOf())
	}
	if l := m.Table("Fact").Link(k); l.Unique() || l.RowOf() != nil || !reflect.DeepEqual(l.RowsOf(1, nil), []uint32{0, 2}) || len(l.RowsOf(0, nil)) != 0 {
		t.Errorf("Fact: key 1 has rows %v, NULL %v; want 0 2, none", l.RowsOf(1, nil), l.RowsOf(0, nil))
	}
	for _, tt := range []struct {
		base, field string
		want        []string // per base row; nil: no way
		why         string
	}{
		{"Fact", "v", []string{"p", "q", "r", "s", "t"}, "its own column"},
		{"Fact", "g", []string{"G1", "G2", "G1", "-", "-"}, "over a unique link; NULL and unmatched keys have none"},
		{"Fact", "n", []string{"one", "two", "one", "-", "-"}, "over two links"},
		{"Fact", "m", nil, "the far side has several rows"},
		{"Group", "v", nil, "one to many"},
		{"Many", "n", []string{"one", "one"}, "sideways over a shared key"},
		{"Fact", "i", nil, "an island"},
	} {
		base := m.Table(tt.base)
		w, ok := m.WayTo(base, m.Field(tt.field))
		if ok != (tt.want != nil) {
			t.Errorf("%s to %s: way %v: %s", tt.base, tt.field, ok, tt.why)
		}
		if !ok {
			continue
		}
		got, codes := []string{}, make([]uint32, base.Rows)
		w.Codes(codes, 0)
		all := make([]uint32, base.Rows)
		for i := range all {
			all[i] = uint32(i)
		}
		at := make([]uint32, base.Rows)
		w.CodesAt(at, all)
		for i, code := range codes {
			v := m.Field(tt.field).Value(code)
			if v.IsNull() {
				v.Text = "-"
			}
			got = append(got, v.Text)
			if at[i] != code {
				t.Errorf("%s to %s: row %d has code %d by CodesAt, %d by Codes", tt.base, tt.field, i, at[i], code)
			}
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s to %s: %v, want %v: %s", tt.base, tt.field, got, tt.want, tt.why)
		}
	}
}
