package script

import (
	"strings"
	"testing"
	"time"
)

// stored is a file with texts, numbers, duals, NULLs and repeated keys.
const stored = `
Old: LOAD RecNo() as r, Mod(RecNo()*7919, 50) as id, If(Mod(RecNo(),5)=0, Null(), 'x'&Mod(RecNo(),13)) as s,
  Date(45000+Mod(RecNo(),9)) as d, Dual('no '&Mod(RecNo(),4), Mod(RecNo(),4)) as n, RecNo()/8 as f
AUTOGENERATE 400;
STORE Old INTO [lib://data/old.qvd] (qvd);
DROP TABLE Old;
`

// TestOptimised compares loads from a QVD file with the same loads run row by
// row, and says which of them take the fast path.
func TestOptimised(t *testing.T) {
	for _, tt := range []struct {
		load string
		fast bool
		why  string
	}{
		{"T: LOAD * FROM [lib://data/old.qvd] (qvd);", true, "all fields"},
		{"LOAD * FROM [lib://data/old.qvd];", true, "the extension says what it is"},
		{"T: LOAD s, d AS day, n FROM [lib://data/old.qvd] (qvd);", true, "some fields, renamed"},
		{"T: LOAD id, id AS again FROM [lib://data/old.qvd] (qvd);", true, "a field twice"},
		{"T: LOAD id, s FROM [lib://data/old.qvd] (qvd) WHERE id > 10 AND s LIKE 'x1*';", true, "conditions on one field each"},
		{"T: LOAD s FROM [lib://data/old.qvd] (qvd) WHERE Match(id, 3, 4, 5) AND NOT IsNull(s);", true, "a condition on a field that is not loaded, NULL asked for"},
		{"T: LOAD id, s FROM [lib://data/old.qvd] (qvd) WHERE id > n;", false, "a condition on two fields"},
		{"T: LOAD id, s FROM [lib://data/old.qvd] (qvd) WHERE id = 3 OR s = 'x1';", false, "OR is not taken apart"},
		{"T: LOAD id, s FROM [lib://data/old.qvd] (qvd) WHERE RecNo() < 100;", false, "a condition on the row's number"},
		{"K: LOAD RecNo()*3 as id AUTOGENERATE 9; T: LOAD id, s FROM [lib://data/old.qvd] (qvd) WHERE Exists(id);", true, "Exists on a field loaded before"},
		{"K: LOAD RecNo()*3 as key AUTOGENERATE 9; T: LOAD id, s FROM [lib://data/old.qvd] (qvd) WHERE Exists(key, id);", true, "Exists of another field"},
		{"K: LOAD RecNo()*3 as key AUTOGENERATE 9; T: LOAD id, s FROM [lib://data/old.qvd] (qvd) WHERE NOT Exists(key, id) AND n <> 2;", true, "and not"},
		{"K: LOAD RecNo()*3 as id AUTOGENERATE 9; T: LOAD id, s FROM [lib://data/old.qvd] (qvd) WHERE NOT Exists(id);", true, "of every other id one row only: it exists from then on"},
		{"T: LOAD id, s FROM [lib://data/old.qvd] (qvd) WHERE NOT Exists(id, id);", true, "the same, spelt out"},
		{"T: LOAD id AS other, s FROM [lib://data/old.qvd] (qvd) WHERE NOT Exists(id);", true, "id is not stored: all rows"},
		{"K: LOAD RecNo() as id AUTOGENERATE 9; T: LOAD id, n FROM [lib://data/old.qvd] (qvd) WHERE Exists(id, n);", false, "rows that are loaded let others in"},
		{"K: LOAD 'x3' as s AUTOGENERATE 1; T: LOAD id, s FROM [lib://data/old.qvd] (qvd) WHERE NOT Exists(s);", true, "NULL exists nowhere: all such rows stay"},
		{"T: LOAD 7 as id, 'q' as s AUTOGENERATE 2; CONCATENATE (T) LOAD id, s, f FROM [lib://data/old.qvd] (qvd);", true, "behind other rows, with a new field"},
		{"T: LOAD 7 as id, 'q' as s AUTOGENERATE 2; LOAD s, id FROM [lib://data/old.qvd] (qvd);", true, "by itself, as the fields are the same"},
		{"T: NOCONCATENATE LOAD id FROM [lib://data/old.qvd] (qvd); U: NOCONCATENATE LOAD id FROM [lib://data/old.qvd] (qvd);", true, "apart"},
		{"QUALIFY *; UNQUALIFY id; T: LOAD id, s FROM [lib://data/old.qvd] (qvd);", true, "qualified names"},
		{"T: LOAD id, Upper(s) AS s FROM [lib://data/old.qvd] (qvd);", false, "an expression"},
		{"T: LOAD DISTINCT id, n FROM [lib://data/old.qvd] (qvd);", false, "DISTINCT looks at rows"},
		{"T: FIRST 10 LOAD id FROM [lib://data/old.qvd] (qvd);", false, "so does FIRST"},
		{"NULLASVALUE s; SET NullValue='none'; T: LOAD id, s FROM [lib://data/old.qvd] (qvd);", false, "a rule changes values"},
		{"M: MAPPING LOAD id, s FROM [lib://data/old.qvd] (qvd); T: LOAD ApplyMap('M', RecNo()) AS v AUTOGENERATE 60;", false, "a mapping table"},
		{"T: LOAD RecNo() as id AUTOGENERATE 20; LEFT JOIN (T) LOAD id, n FROM [lib://data/old.qvd] (qvd) WHERE r < 40;", false, "a join"},
		{"T: LOAD d, Year(d) AS y; LOAD d FROM [lib://data/old.qvd] (qvd);", false, "a preceding load"},
	} {
		var dumps [2]string
		dir := t.TempDir()
		for i, single := range []bool{false, true} {
			fast := false
			r := newRunner(t.Context(), Options{Folders: map[string]string{"data": dir}, Progress: func(e Event) {
				fast = fast || (e.Kind == TableFinished && e.Text == noteOptimised)
			}})
			r.single = single
			res, err := r.script(stored + tt.load)
			if err != nil {
				t.Fatalf("%s: %v", tt.load, err)
			}
			if want := tt.fast && !single; fast != want {
				t.Errorf("%s: optimised %v, want %v: %s", tt.load, fast, want, tt.why)
			}
			dumps[i] = dump(res, res.Catalog)
		}
		if dumps[0] != dumps[1] {
			t.Errorf("%s: %s: optimised and row by row differ:\n%.300s\n%.300s", tt.load, tt.why, dumps[0], dumps[1])
		}
	}
}

func TestOptimisedErrors(t *testing.T) {
	o := Options{Folders: map[string]string{"data": t.TempDir()}}
	for _, tt := range []struct{ load, want string }{
		{"LOAD nothing FROM [lib://data/old.qvd] (qvd);", `nothing`},
		{"LOAD id FROM [lib://data/none.qvd] (qvd);", "no such file"},
		{"LOAD id, s AS id FROM [lib://data/old.qvd] (qvd);", "there twice"},
		{"LOAD id FROM [lib://data/old.qvd] (qvd) WHERE Nix(id);", "Nix"},
	} {
		if _, err := Run(t.Context(), stored+tt.load, o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.load, err, tt.want)
		}
	}
}

// The pattern of incremental loads: new and changed rows, then of the old file
// those whose key is not there yet, then the file anew. Three days of it.
func TestIncrementalLoad(t *testing.T) {
	const script = `
IF FileSize('lib://data/orders.qvd') > 0 THEN
  LET vLast = QvdNoOfRecords('lib://data/orders.qvd');
ELSE
  LET vLast = 0;
ENDIF
Orders: LOAD id, amount INLINE [%s];
IF $(vLast) > 0 THEN
  CONCATENATE (Orders) LOAD id, amount FROM [lib://data/orders.qvd] (qvd) WHERE NOT Exists(id);
ENDIF
STORE Orders INTO [lib://data/orders.qvd] (qvd);
`
	o := Options{Folders: map[string]string{"data": t.TempDir()}}
	for day, tt := range []struct{ rows, want string }{
		{"id,amount\n1,10\n2,20\n3,30", "Orders(id,amount): 1,10 | 2,20 | 3,30"},
		{"id,amount\n2,22\n4,40", "Orders(id,amount): 2,22 | 4,40 | 1,10 | 3,30"},
		{"id,amount\n1,11", "Orders(id,amount): 1,11 | 2,22 | 4,40 | 3,30"},
	} {
		res, err := Run(t.Context(), strings.Replace(script, "%s", tt.rows, 1), o)
		if err != nil {
			t.Fatalf("day %d: %v", day, err)
		}
		if got := dump(res, res.Catalog); got != tt.want {
			t.Errorf("day %d: got %s, want %s", day, got, tt.want)
		}
	}
}

// What STORE tells in the header.
func TestStoredQVD(t *testing.T) {
	o := Options{Folders: map[string]string{"data": t.TempDir()}, Now: func() time.Time { return time.Date(2024, 2, 29, 12, 30, 0, 0, time.UTC) }}
	res, err := Run(t.Context(), `
T: LOAD * INLINE [k, Amount
1, 10
2, 20];
Other: LOAD 1 as k AUTOGENERATE 1;
STORE Amount AS a, k FROM T INTO [lib://data/t.qvd] (qvd);
LET vTime = Text(Timestamp(QvdCreateTime('lib://data/t.qvd'), 'YYYY-MM-DD hh:mm'));
LET vTable = QvdTableName('lib://data/t.qvd');
LET vFields = QvdNoOfFields('lib://data/t.qvd') & ': ' & QvdFieldName('lib://data/t.qvd', 1) & ', ' & QvdFieldName('lib://data/t.qvd', 2);
LET vNone = IsNull(QvdTableName('lib://data/none.qvd'));
`, o)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"vTime": "2024-02-29 12:30", "vTable": "T", "vFields": "2: a, k", "vNone": "-1"}
	for _, v := range res.Variables {
		if w, ok := want[v.Name]; ok && res.Locale.Text(v.Value) != w {
			t.Errorf("%s = %q, want %q", v.Name, res.Locale.Text(v.Value), w)
		}
	}
	r := newRunner(t.Context(), o)
	f, err := r.openQVD(o.Folders["data"] + "/t.qvd")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := f.Header()
	if got := strings.Join(h.Fields[1].Tags, " "); got != "$numeric $integer $key" {
		t.Errorf("tags of k: %s", got)
	}
	if len(h.Lineage) != 2 || h.Lineage[0].Discriminator != "INLINE;" || h.Lineage[1].Discriminator != "STORE - lib://data/t.qvd;" {
		t.Errorf("lineage %v", h.Lineage)
	}
}
