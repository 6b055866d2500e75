package script

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/storage"
)

// loaded are tables with texts, numbers, duals, NULLs, dates and repeated keys.
const loaded = `
Old: LOAD RecNo() as r, Mod(RecNo()*7919, 50) as id, If(Mod(RecNo(),5)=0, Null(), 'x'&Mod(RecNo(),13)) as s,
  Date(45000+Mod(RecNo(),9)) as d, Dual('no '&Mod(RecNo(),4), Mod(RecNo(),4)) as n, RecNo()/8 as f
AUTOGENERATE 400;
Text: LOAD * INLINE [t, u
1.5, 1
x, 2
2, 01
];
`

// planOf returns how a load would be run by codes, nil if it would not.
func planOf(t *testing.T, r *runner, src string) *resident {
	t.Helper()
	s, err := (&splitter{t: &text{src: src}}).next()
	if err != nil {
		t.Fatal(err)
	}
	l, err := parseLoad(s)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.planResident(l, l.label)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// symbols writes the values of all fields by code.
func symbols(c *storage.Catalog) string {
	var b strings.Builder
	for _, f := range c.Fields() {
		fmt.Fprintf(&b, "%s, format %v:", f.Name, f.Format)
		for code := 1; code <= f.Symbols.Len(); code++ {
			fmt.Fprintf(&b, " %v", f.Symbols.Value(uint32(code)))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// bothWays runs before and load, load by codes and row by row, and compares the
// tables and the symbols, in their order.
func bothWays(t *testing.T, before, load string) {
	t.Helper()
	var got [2]string
	for i, single := range []bool{false, true} {
		r := newRunner(t.Context(), Options{})
		runPart(t, r, before)
		r.single = single
		runPart(t, r, load)
		res, err := r.result()
		if err != nil {
			t.Fatalf("%s: %v", load, err)
		}
		got[i] = dump(res, res.Catalog) + "\n" + symbols(res.Catalog)
	}
	if got[0] != got[1] {
		t.Fatalf("%s: by codes and row by row differ:\n%s\n%s", load, got[0], got[1])
	}
}

// TestResident says which loads from tables are run by codes, and compares
// them with the same loads run row by row.
func TestResident(t *testing.T) {
	for _, tt := range []struct {
		before, load string
		fast         bool
		why          string
	}{
		{"", "T: NOCONCATENATE LOAD * RESIDENT Old;", true, "all fields"},
		{"", "T: LOAD * RESIDENT Old;", true, "into the table that is read"},
		{"", "T: LOAD s, d AS day, n, f AS g RESIDENT Old;", true, "some fields, renamed"},
		{"", "T: LOAD id, id AS again RESIDENT Old;", true, "a field twice"},
		{"", "T: LOAD r AS id, id AS r RESIDENT Old;", true, "fields that change places"},
		{"", "T: LOAD t AS u, u AS t RESIDENT Text;", true, "so do texts and numbers with them"},
		{"", "T: LOAD d AS f, f AS s RESIDENT Old;", true, "dates behind numbers, numbers behind texts"},
		{"E: LOAD 1 AS e AUTOGENERATE 1; DROP TABLE E;", "T: LOAD d AS e RESIDENT Old;", true, "behind values of a table that is gone"},
		{"", "T: LOAD id, s RESIDENT Old WHERE id > 10 AND s LIKE 'x1*';", true, "conditions on one field each"},
		{"", "T: LOAD id AS i, s AS t RESIDENT Old WHERE id > 10;", true, "values come in the order of the rows that stay"},
		{"", "T: LOAD s RESIDENT Old WHERE Match(id, 3, 4, 5) AND NOT IsNull(s);", true, "a condition on a field that is not loaded, NULL asked for"},
		{"", "T: LOAD s RESIDENT Old WHERE id > 1000;", true, "no row"},
		{"", "T: LOAD id, s RESIDENT Old WHERE id > n;", false, "a condition on two fields"},
		{"", "T: LOAD id, s RESIDENT Old WHERE id = 3 OR s = 'x1';", false, "OR is not taken apart"},
		{"", "T: LOAD id, s RESIDENT Old WHERE RecNo() < 100;", false, "a condition on the row's number"},
		{"K: LOAD RecNo()*3 as id AUTOGENERATE 9;", "T: LOAD id, s RESIDENT Old WHERE Exists(id);", true, "all exist"},
		{"K: LOAD RecNo()*3 as key AUTOGENERATE 9;", "T: LOAD id, s RESIDENT Old WHERE Exists(key, id);", true, "Exists of another field"},
		{"K: LOAD RecNo()*3 as key AUTOGENERATE 9;", "T: LOAD id, s RESIDENT Old WHERE NOT Exists(key, id) AND n <> 2;", true, "and not"},
		{"", "T: LOAD id, s RESIDENT Old WHERE NOT Exists(s);", true, "NULL exists nowhere, all else does"},
		{"", "T: LOAD id AS other, s AS t RESIDENT Old WHERE NOT Exists(s);", true, "also if it is not stored"},
		{"", "T: LOAD id AS other, s RESIDENT Old WHERE NOT Exists(other, id);", false, "rows that are loaded keep others out"},
		{"T: LOAD 7 as id, 'q' as s AUTOGENERATE 2;", "CONCATENATE (T) LOAD id, s, f RESIDENT Old;", true, "behind other rows, with a new field"},
		{"T: LOAD 7 as id, 'q' as s AUTOGENERATE 2;", "LOAD s, id RESIDENT Old WHERE id > 7;", true, "by itself, as the fields are the same"},
		{"T: LOAD DISTINCT id, n RESIDENT Old;", "LOAD id, n RESIDENT Old;", true, "behind rows that are to be distinct"},
		{"", "CONCATENATE (Old) LOAD id, s AS more RESIDENT Old;", true, "the table that is read gets a field"},
		{"", "Old: NOCONCATENATE LOAD id RESIDENT Old;", true, "a name that is taken"},
		{"QUALIFY *; UNQUALIFY id;", "T: LOAD id, s RESIDENT Old;", true, "qualified names"},
		{"ALIAS s AS id;", "T: LOAD id, s RESIDENT Old;", false, "two fields under one name"},
		{"LET x = 5;", "T: LOAD id, x RESIDENT Old;", false, "a variable"},
		{"", "T: LOAD id, Upper(s) AS s RESIDENT Old;", false, "an expression"},
		{"", "T: LOAD DISTINCT id, n RESIDENT Old;", false, "DISTINCT looks at rows"},
		{"", "T: FIRST 10 LOAD id RESIDENT Old;", false, "so does FIRST"},
		{"", "T: LOAD id RESIDENT Old ORDER BY r DESC;", false, "and ORDER BY"},
		{"NULLASVALUE s; SET NullValue='none';", "T: LOAD id, s RESIDENT Old;", false, "a rule changes values"},
	} {
		r := newRunner(t.Context(), Options{})
		runPart(t, r, loaded+tt.before)
		if fast := planOf(t, r, tt.load) != nil; fast != tt.fast {
			t.Errorf("%s: by codes %v, want %v: %s", tt.load, fast, tt.fast, tt.why)
		}
		if !strings.HasPrefix(tt.before, "ALIAS") {
			bothWays(t, loaded+tt.before, tt.load)
		}
	}
}

// TestResidentRandom compares random loads from tables.
func TestResidentRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	fields := []string{"r", "id", "s", "d", "n", "f"}
	names := append([]string{"a", "b", "t", "u"}, fields...)
	tests := []string{"id > 10", "s LIKE 'x1*'", "NOT IsNull(s)", "Mod(r,3)=0", "n < 3", "NOT Exists(s)", "Year(d)>0", "Exists(u, r)", "f"}
	for range 300 {
		var picks []string
		to := rng.Perm(len(names))
		for i := range 1 + rng.IntN(5) {
			from := fields[rng.IntN(len(fields))]
			picks = append(picks, from+" AS "+names[to[i]])
		}
		load := []string{"", "NOCONCATENATE ", "CONCATENATE (Old) ", "CONCATENATE (Text) "}[rng.IntN(4)] +
			"LOAD " + strings.Join(picks, ", ") + " RESIDENT Old"
		for i := range rng.IntN(3) {
			load += []string{" WHERE ", " AND "}[i] + tests[rng.IntN(len(tests))]
		}
		bothWays(t, loaded, load+";")
	}
}

// A column that is taken as it is stays one column, and counts once.
func TestResidentShares(t *testing.T) {
	r := newRunner(t.Context(), Options{})
	runPart(t, r, loaded)
	before := r.catalog.Memory().CodeBytes
	runPart(t, r, "T: NOCONCATENATE LOAD * RESIDENT Old WHERE r > 0; U: NOCONCATENATE LOAD id, s RESIDENT T; DROP TABLE Old;")
	if after := r.catalog.Memory().CodeBytes; after != before {
		t.Errorf("%d bytes of codes, want %d", after, before)
	}
	res, err := r.result()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"id", "s"} {
		if a, b := res.Catalog.Table("T").Column(name), res.Catalog.Table("U").Column(name); a != b {
			t.Errorf("%s is two columns", name)
		}
	}
}
