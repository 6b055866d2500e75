package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// dump writes the tables of a catalog: "T(a,b): 1,x | 2,-" with - for NULL.
func dump(res *Result, c *storage.Catalog) string {
	var out []string
	for _, t := range c.Tables() {
		var rows []string
		for row := range t.Rows {
			var cells []string
			for _, col := range t.Columns {
				v := col.Field.Value(col.Code(row))
				text := res.Locale.Text(v)
				if v.IsNull() {
					text = "-"
				}
				cells = append(cells, text)
			}
			rows = append(rows, strings.Join(cells, ","))
		}
		out = append(out, fmt.Sprintf("%s(%s): %s", t.Name, strings.Join(t.FieldNames(), ","), strings.Join(rows, " | ")))
	}
	return strings.Join(out, "\n")
}

const twoColumns = "T:\nLOAD * INLINE [\nk,v\n1,a\n2,b\n3,\n];\n"

func TestScripts(t *testing.T) {
	for _, tt := range []struct{ name, script, want, why string }{
		{
			"labels", "LOAD 1 as a AUTOGENERATE 1; LOAD 1 as b INLINE [x\n1]; LOAD b as c RESIDENT INLFED; LOAD b as d RESIDENT INLFED;",
			"AUTOGENERATE 1(a): 1\nINLFED(b): 1\nINLFED-1(c): 1\nINLFED-2(d): 1", "names of tables without label (data-model.md 3)",
		},
		{
			"label taken", "T: LOAD 1 as a AUTOGENERATE 1;\nT: LOAD 2 as b AUTOGENERATE 1;",
			"T(a): 1\nT-1(b): 2", "a label that is taken gets a number",
		},
		{
			"label behind prefix", "NoConcatenate\n T:\n LOAD 1 as a AUTOGENERATE 1;", "T(a): 1", "a label may follow a prefix (script-truth s04)",
		},
		{
			"field names", "T: LOAD 1+1, [a b], 'x' & `c` as \"d e\" INLINE [a b,c\n5,6];",
			"T(1+1,a b,d e): 2,5,x6", "an expression without AS is called by its text",
		},
		{
			"interpretation", "T: LOAD IsNum('18'&'01') as a, IsNum(Text(5)) as b, n&'' as c, IsNum(n&'') as d INLINE [n\n7];\nU: LOAD IsNum(c) as e RESIDENT T;",
			"T(a,b,c,d): -1,0,7,-1\nU(e): -1", "text results are read when they are stored, but for those of Text",
		},
		{
			"concatenate", twoColumns + "CONCATENATE LOAD 4 as k, 'n' as w AUTOGENERATE 1;",
			"T(k,v,w): 1,a,- | 2,b,- | 3,,- | 4,-,n", "without a name the last table",
		},
		{
			"rowno goes on", "T: LOAD RowNo() as n, RecNo() as r AUTOGENERATE 2; LOAD RowNo() as n, RecNo() as r AUTOGENERATE 2;",
			"T(n,r): 1,1 | 2,2 | 3,1 | 4,2", "RowNo continues over concatenated loads",
		},
		{
			"distinct sticks", "T: LOAD DISTINCT a INLINE [a\n1\n1\n2];\nLOAD a INLINE [a\n2\n3\n3];",
			"T(a): 1 | 2 | 3", "the whole table is distinct (statements.tsv LOAD DISTINCT)",
		},
		{
			"distinct below", "T: LOAD Count(a) as n; LOAD DISTINCT a INLINE [a\n1\n1\n2];", "T(n): 2", "DISTINCT in a lower load",
		},
		{
			"while in where", "T: LOAD RecNo() as r, IterNo() as i AUTOGENERATE 3 WHERE RecNo()<>2 WHILE IterNo()<=RecNo();",
			"T(r,i): 1,1 | 3,1 | 3,2 | 3,3", "rows are left out, then repeated",
		},
		{
			"rowno in while", "T: LOAD RowNo() as n AUTOGENERATE 1 WHILE RowNo() < 3;", "T(n): 1 | 2 | 3", "the condition sees the rows so far (script-truth s03)",
		},
		{
			"peek", "T: LOAD a, If(RecNo()=1, a, Peek('s')+a) as s INLINE [a\n1\n2\n3];\nLET x = Peek('s',-2,'T');\nU: LOAD $(x) as x, Peek('a',0,'T') as y AUTOGENERATE 1;",
			"T(a,s): 1,1 | 2,3 | 3,6\nU(x,y): 3,1", "Peek on the table being loaded and on others",
		},
		{
			"previous", "T: LOAD a, Previous(a) as p, Previous(Previous(a)) as q INLINE [a\n1\n2\n3\n4] WHERE a<>2;",
			"T(a,p,q): 1,-,- | 3,1,- | 4,3,1", "rows left out do not count",
		},
		{
			"previous in where", "T: LOAD a INLINE [a\n1\n1\n2\n2\n1] WHERE a<>Previous(a);", "T(a): 1 | 2 | 1", "a <> NULL is true",
		},
		{
			"exists", "T: LOAD a INLINE [a\n1\n2\n1] WHERE NOT Exists(a);\nDROP TABLE T;\nU: LOAD a INLINE [a\n1\n5] WHERE NOT Exists(a);",
			"U(a): 1 | 5", "values of dropped tables are gone",
		},
		{
			"subfield", "T: LOAD SubField(a,';') as x, SubField(b,';') as y INLINE [a,b\np;q,1;2];",
			"T(x,y): p,1 | p,2 | q,1 | q,2", "two calls make the cartesian product",
		},
		{
			"group", twoColumns + "G: LOAD If(k>1,'hi','lo') as g, Count(k)*10 as n, RowNo() as r RESIDENT T GROUP BY If(k>1,'hi','lo');\nDROP TABLE T;",
			"G(g,n,r): lo,10,1 | hi,20,2", "group expressions are recognised by their text",
		},
		{
			"group of nothing", "T: LOAD Sum(a) as s, Count(a) as c, Max(a) as m; LOAD 1 as a AUTOGENERATE 0;",
			"T(s,c,m): 0,0,-", "aggregation without GROUP BY makes one record",
		},
		{
			"order by", twoColumns + "U: NOCONCATENATE LOAD * RESIDENT T ORDER BY v DESC, k;\nDROP TABLE T;", "U(k,v): 2,b | 1,a | 3,", "texts descending",
		},
		{
			"join keys", "A: LOAD * INLINE [a,k,l\n1,x,1\n2,x,2\n3,y,1];\nJOIN (A) LOAD * INLINE [l,k,b\n1,x,p\n9,z,q];",
			"A(k,l,a,b): x,1,1,p | x,2,2,- | y,1,3,- | z,9,-,q", "two key fields come first, then the others",
		},
		{
			"join null", "A: LOAD a, If(a=1,Null(),a) as k INLINE [a\n1\n2];\nLEFT JOIN LOAD If(b=1,Null(),b) as k, b INLINE [b\n1\n2];",
			"A(k,a,b): -,1,- | 2,2,2", "NULL matches nothing",
		},
		{
			"keep", twoColumns + "K: LEFT KEEP (T) LOAD * INLINE [k,w\n1,x\n9,y];", "T(k,v): 1,a | 2,b | 3,\nK(k,w): 1,x", "LEFT KEEP reduces the new table",
		},
		{
			"mapping", "M: MAPPING LOAD * INLINE [k,v\n1,one\nx,ex];\nMAP a USING M;\nT: LOAD a, ApplyMap('M',b,'?') as b INLINE [a,b\n1,x\n2,1\nx,zz];",
			"T(a,b): one,ex | 2,one | ex,?", "MAP USING works on what is stored",
		},
		{
			"generic", "GENERIC LOAD * INLINE [k,a,v\n1,p,5\n1,q,6\n2,p,7];", "INLFED.p(k,p): 1,5 | 2,7\nINLFED.q(k,q): 1,6", "unlabelled GENERIC",
		},
		{
			"first", "T: FIRST 2 LOAD a INLINE [a\n1\n2\n3] WHERE a>1;", "T(a): 2", "a limit on the records read",
		},
		{
			"crosstable null", "T: CROSSTABLE(m,x) LOAD a, If(b='-',Null(),b) as b, c INLINE [a,b,c\n1,-,3\n2,4,5];",
			"T(a,m,x): 1,c,3 | 2,b,4 | 2,c,5", "NULL cells give no record",
		},
		{
			"hierarchy orphan", "T: HIERARCHY(i,p,n) LOAD * INLINE [i,p,n\n1,,r\n2,1,c\n3,9,o\n4,3,u];", "T(i,p,n,n1,n2): 1,,r,r,- | 2,1,c,r,c", "trees whose parent is missing are cut",
		},
		{
			"belongs to", "T: HIERARCHYBELONGSTO(i,p,n,ai,an,d) LOAD * INLINE [i,p,n\n1,,r\n2,1,c];", "T(i,n,ai,an,d): 1,r,1,r,0 | 2,c,2,c,0 | 2,c,1,r,1", "every node and its ancestors",
		},
		{
			"interval keys", "E: LOAD * INLINE [t,k\n1,a\n5,a\n5,b];\nI: INTERVALMATCH(t,k) LOAD * INLINE [lo,hi,k\n1,4,a\n5,9,b];", "E(t,k): 1,a | 5,a | 5,b\nI(t,lo,hi,k): 1,1,4,a | 5,5,9,b", "key fields have to agree",
		},
		{
			"qualify", "QUALIFY *; UNQUALIFY k;\nT: LOAD 1 as k, 2 as v AUTOGENERATE 1;\nUNQUALIFY *;\nU: LOAD 3 as v AUTOGENERATE 1;", "T(k,T.v): 1,2\nU(v): 3", "UNQUALIFY * ends QUALIFY",
		},
		{
			"when", "SET a=1;\nWHEN a=1 LOAD 1 as x AUTOGENERATE 1;\nUNLESS a=1 LOAD 2 as y AUTOGENERATE 1;", "AUTOGENERATE 1(x): 1", "WHEN and UNLESS",
		},
		{
			"loops", "FOR i=3 TO 1 STEP -1\nFOR EACH j IN 'a', 'b'\nIF i=2 THEN\nEXIT FOR\nEND IF\nLOAD $(i) as i, '$(j)' as j AUTOGENERATE 1;\nNEXT j\nNEXT\nLET n=0;\nDO WHILE n<5\nLET n=n+1;\nEXIT DO WHEN n=3\nLOOP\nU: LOAD $(n) as n, $(i) as e AUTOGENERATE 1;",
			"AUTOGENERATE 1(i,j): 3,a | 3,b | 1,a | 1,b\nU(n,e): 3,0", "nested loops and their exits",
		},
		{
			"do until", "LET n=0;\nDO\nLET n=n+1;\nLOOP UNTIL n>=3\nT: LOAD n as n AUTOGENERATE 1;", "T(n): 3", "post-tested loop; variables are known in loads",
		},
		{
			"exit script", "SUB s\nEXIT SCRIPT;\nEND SUB\nT: LOAD 1 as a AUTOGENERATE 1;\nFOR i=1 TO 3\nCALL s\nNEXT\nU: LOAD 2 as b AUTOGENERATE 1;", "T(a): 1", "EXIT SCRIPT ends everything",
		},
		{
			"literal argument", "SUB incr(i)\nLET i=i+1;\nEND SUB\nCALL incr(11)\nCALL incr('20')\nT: LOAD $(11) as x, '$(20)' as y AUTOGENERATE 1;", "T(x,y): 12,", "a bare literal is a variable's name (statements.tsv CALL)",
		},
		{
			"macro", "SET m = LOAD $1 as a AUTOGENERATE 1;\n$(m(1)); $(m(2));", "AUTOGENERATE 1(a): 1 | 2", "statements from variables",
		},
		{
			"comments", "// 'unclosed\n/* ; */ T: // x\nLOAD 1 /* y */ as a, // b\n2 as c AUTOGENERATE 1; REM don't; ;", "T(a,c): 1,2", "comments everywhere",
		},
		{
			"apostrophe in set", "SET a = it's;\nSET b='x;y';\nT: LOAD Len('$(b)') as n AUTOGENERATE 1;", "T(n): 3", "an apostrophe that is not closed is no quote",
		},
		{
			"null as value", "NULLASVALUE a; SET NullValue=none;\nT: LOAD Null() as a, Null() as b AUTOGENERATE 1;", "T(a,b): none,-", "NULLASVALUE",
		},
		{
			"autonumber", "T: LOAD AutoNumber(a) as x, AutoNumber(b) as y INLINE [a,b\np,q\nr,p];", "T(x,y): 1,2 | 3,1", "one series, row by row",
		},
		{
			"autonumber statement", "T: LOAD * INLINE [a,b\nx,1\ny,2\nx,3];\nAUTONUMBER a;", "T(a,b): 1,1 | 2,2 | 1,3", "values become numbers in load order",
		},
		{
			"table functions", twoColumns + "LET a=NoOfRows('T')&NoOfFields('T')&FieldName(2,'T')&TableName(0)&FieldNumber('v','T')&NoOfTables()&FieldValueCount('v')&FieldValue('v',2)&FieldIndex('v','b');\nU: LOAD '$(a)' as a, Lookup('v','k',2,'T') as l AUTOGENERATE 1;\nDROP TABLE T;",
			"U(a,l): 32vT213b2,b", "functions of tables and fields",
		},
		{
			"drop and load order", "T: LOAD * INLINE [a\n1\n2\n3];\nU: NOCONCATENATE LOAD a RESIDENT T ORDER BY a DESC;\nDROP TABLE T;\nRENAME TABLE U TO V;", "V(a): 3 | 2 | 1", "tables go, names change",
		},
		{
			"derive", "c: DECLARE FIELD DEFINITION TAGGED ('$date') PARAMETERS p=10 FIELDS Year($1) AS Year TAGGED ('$axis', '$year'), p+Day($1) AS [D x];\nDERIVE FIELDS FROM FIELDS [a], b USING c;\nT: LOAD Date#(a,'YYYY-MM-DD') as a INLINE [a\n2024-02-03\nx\n2023-05-09];",
			"T(a,a.c.Year,a.c.D x): 2024-02-03,2024,13 | x,-,- | 2023-05-09,2023,19", "derived fields are functions of their field",
		},
		{
			"preceding chain", "T: LOAD RecNo() as r, b WHERE b>10; LOAD a*10 as b WHERE a<4; LOAD RecNo() as a AUTOGENERATE 5;", "T(r,b): 2,20 | 3,30", "RecNo counts the records that a load receives",
		},
		{
			"unclosed let", "LET vEmpty = ;\nLET vNull = Null();\nT: LOAD Len('$(vEmpty)$(vNull)') as n AUTOGENERATE 1;", "T(n): 0", "empty LET removes the variable",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, single := range []bool{false, true} { // the same result in batches and row by row
				r := newRunner(t.Context(), Options{})
				r.single = single
				res, err := r.script(tt.script)
				if err != nil {
					t.Fatalf("%v: %s", err, tt.why)
				}
				if got := dump(res, res.Catalog); got != tt.want {
					t.Errorf("single rows %v: got\n%s\nwant\n%s\n%s", single, got, tt.want, tt.why)
				}
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		script    string
		line, col int
		want      string
	}{
		{"T: LOAD 1 as a AUTOGENERATE 1;\n  LOAD x RESIDENT T;", 2, 8, `field "x" not found`},
		{"LOAD a\n  + FROM x;", 2, 10, "unexpected"},
		{"LOAD 1 as a,\n2 as a AUTOGENERATE 1;", 1, 1, "twice"},
		{"\nDROP TABLE nix;", 2, 1, `table "nix" not found`},
		{"IF 1 THEN\nTRACE x;", 1, 1, "IF without ENDIF"},
		{"NEXT", 1, 1, "NEXT without its beginning"},
		{"FOR i=1 TO 2\nEND SUB", 2, 1, "ENDSUB where the FOR"},
		{"LOAD 'abc FROM x;", 1, 6, "missing closing '"},
		{"BINARY x;", 1, 1, "relative paths need a folder"},
		{"LOAD 1 as a AUTOGENERATE 1; BINARY x;", 1, 29, "before everything else"},
		{"MERGE ON a LOAD 1 as a AUTOGENERATE 1;", 1, 6, "MERGE is not supported"},
		{"CALL nix", 1, 1, `subroutine "nix" is not defined`},
		{"LOAD a FROM [lib://nix/x.csv];", 1, 1, `data connection "nix" not found`},
		{"LOAD a FROM [../x.csv];", 1, 1, "need a folder"},
		{"SUB s\nCALL s\nEND SUB\nCALL s", 2, 1, "nested deeper"},
		{"SET a=$(a)$(a)x;\nLET b = 1 +;", 2, 12, "unexpected end"},
		{"LOAD 1 as a;", 1, 1, "LOAD without a source"},
		{"T: LOAD a, Sum(b) as s INLINE [a,b\n1,2];", 1, 9, "neither aggregated nor in GROUP BY"},
		{"nonsense here;", 1, 1, "want a statement"},
		{"LOAD 1 as a AUTOGENERATE 1e99;", 1, 1, "AUTOGENERATE of"},
		{"LOAD * FROM x;\nSQL SELECT 1;", 1, 1, "need a folder"},
	} {
		res, err := Run(t.Context(), tt.script, Options{})
		var e *Error
		if res != nil || !errors.As(err, &e) {
			t.Errorf("%q: got %v, want an error", tt.script, err)
			continue
		}
		if e.Line != tt.line || e.Col != tt.col || !strings.Contains(e.Error(), tt.want) {
			t.Errorf("%q: got %d:%d %v, want %d:%d %s", tt.script, e.Line, e.Col, e, tt.line, tt.col, tt.want)
		}
	}
}

// TestAccessSectionIsThere has the access section fail while errors are ignored,
// or be empty: the reload fails, and the former rules stay.
func TestAccessSectionIsThere(t *testing.T) {
	const rules = "SECTION ACCESS;\nA: LOAD * INLINE [ACCESS, USERID\nUSER, BOB];\n"
	for _, src := range []string{
		"SET ErrorMode=0;\nSECTION ACCESS;\nLOAD * FROM [lib://none/users.csv] (txt);\nSECTION APPLICATION;",
		"SET ErrorMode=0;\n" + rules + "LOAD * FROM [lib://none/regions.csv] (txt);\nSECTION APPLICATION;",
		"SECTION ACCESS;\nSECTION APPLICATION;",
		rules + "DROP TABLE A;\nSECTION APPLICATION;",
	} {
		if res, err := Run(t.Context(), src+"\nT: LOAD 1 AS x AUTOGENERATE 1;", Options{}); err == nil {
			t.Errorf("%s: it succeeds, with %d tables of rules", src, len(res.Access.Tables()))
		}
	}
	res, err := Run(t.Context(), "SET ErrorMode=0;\n"+rules+"SECTION APPLICATION;\nLOAD * FROM [lib://none/x.csv] (txt);", Options{})
	if err != nil || len(res.Access.Tables()) != 1 || len(res.Errors) != 1 {
		t.Errorf("an error behind the access section: %+v, %v", res, err)
	}
}

func TestErrorMode(t *testing.T) {
	res, err := Run(t.Context(), "SET ErrorMode=0;\nDROP TABLE nix;\nT: LOAD '$(ScriptErrorCount)' as n AUTOGENERATE 1;", Options{})
	if err != nil || len(res.Errors) != 1 || dump(res, res.Catalog) != "T(n): 1" {
		t.Fatalf("got %v, %v", res, err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a1.csv": "x,y\n1,p\n", "a2.csv": "x,y\n2,q\n", "inc.qvs": "SET v = 7;\r\n", "secret.txt": "s\n1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	o := Options{Folders: map[string]string{"data": dir, "in": in}, BaseDir: in}
	for _, tt := range []struct{ script, want string }{
		{"T: LOAD *, FileBaseName() as f FROM [lib://data/a*.csv] (txt, embedded labels, delimiter is ',', msq);", "T(x,y,f): 1,p,a1 | 2,q,a2"},
		{"$(Must_Include=lib://data/inc.qvs);\n$(Include=[lib://data/nix.qvs]);\nT: LOAD $(v) as v AUTOGENERATE 1;", "T(v): 7"},
		{"$(Must_Include=lib://data/inc.qvs)\nIF v=7 THEN\nT: LOAD $(v) as v AUTOGENERATE 1;\nEND IF", "T(v): 7"},
		{"FOR EACH f IN FILELIST('lib://data/a*.csv')\nLOAD x FROM [$(f)] (txt);\nNEXT", "a1(x): 1 | 2"},
		{"T: LOAD * INLINE [a,b\n1,\"x,y\"\n2,z];\nSTORE a, b AS c FROM T INTO [lib://data/out.csv] (txt);\nDROP TABLE T;\nU: LOAD * FROM [lib://data/out.csv] (txt, utf8, embedded labels, delimiter is ',', msq);", "U(a,c): 1,x,y | 2,z"},
		{"T: LOAD * INLINE [a,b\n1,x\n2,y];\nSTORE T INTO [lib://data/out.parquet] (parquet, compression is zstd);\nDROP TABLE T;\nU: LOAD * FROM [lib://data/out.parquet] (parquet);", "U(a,b): 1,x | 2,y"},
	} {
		res, err := Run(t.Context(), tt.script, o)
		if err != nil {
			t.Errorf("%s: %v", tt.script, err)
		} else if got := dump(res, res.Catalog); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.script, got, tt.want)
		}
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "out.csv")); string(b) != "\ufeffa,c\r\n1,\"x,y\"\r\n2,z\r\n" {
		t.Errorf("stored %q", b)
	}
	for _, script := range []string{
		"LOAD * FROM [lib://in/../secret.txt];", "LOAD * FROM [../secret.txt];", "LOAD * FROM [" + filepath.Join(dir, "..", "x") + "];",
		"T: LOAD 1 as a AUTOGENERATE 1; STORE T INTO [lib://in/../x.csv] (txt);", "T: LOAD 1 as a AUTOGENERATE 1; STORE T INTO [lib://in/x.xyz] (xyz);",
		"$(Must_Include=lib://in/../inc.qvs);", "LOAD * FROM [lib://data/nix*.csv];", "LOAD * FROM [http://example.com/x.csv];",
	} {
		if _, err := Run(t.Context(), script, o); err == nil {
			t.Errorf("%s: no error", script)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		script string
		limits Limits
		want   string
	}{
		{"T: LOAD 1 as a AUTOGENERATE 11;", Limits{MaxRows: 10}, "AUTOGENERATE of 11 rows"},
		{"T: LOAD 1 as a AUTOGENERATE 1 WHILE 1;", Limits{MaxRows: 10}, "more than 10"},
		{"T: LOAD RowNo() as a AUTOGENERATE 1 WHILE RowNo()>=0;", Limits{MaxRows: 10}, "more than 10"},
		{"T: LOAD RecNo() as a AUTOGENERATE 9; JOIN LOAD RecNo() as b AUTOGENERATE 9;", Limits{MaxRows: 10}, "more than 10"},
		{"T: LOAD SubField(Repeat('a;',20),';') as a AUTOGENERATE 1;", Limits{MaxRows: 10}, "more than 10"},
		{"T: LOAD RecNo() as a AUTOGENERATE 100000;", Limits{MaxBytes: 1000}, "memory"},
		{"DO\nLOOP", Limits{MaxSteps: 100}, "more than 100 statements"},
		{"FOR i=1 TO 9\nx$(i): LOAD 1 as a$(i) AUTOGENERATE 1;\nNEXT", Limits{MaxTables: 5}, "more than 5 tables"},
	} {
		if _, err := Run(t.Context(), tt.script, Options{Limits: tt.limits}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.script, err, tt.want)
		}
	}
}

func TestQuery(t *testing.T) {
	o := Options{Query: func(_ context.Context, connection, sql string) (source.Reader, error) {
		r := &valuesReader{}
		r.add("q", dual.Vals([]dual.Value{dual.String(connection + ": " + sql)}))
		return r, nil
	}}
	res, err := Run(t.Context(), "LIB CONNECT TO 'db';\nSET c=x;\nT: LOAD Upper(q) as q;\nSQL SELECT $(c) FROM t;", o)
	if err != nil {
		t.Fatal(err)
	}
	if got := dump(res, res.Catalog); got != "T(q): DB: SELECT X FROM T" {
		t.Error(got)
	}
}

func TestSectionAccess(t *testing.T) {
	res, err := Run(t.Context(), "SECTION ACCESS;\nA: LOAD * INLINE [access,userid,region\nuser,dom\\x,north];\nSECTION APPLICATION;\nSTAR IS *;\nT: LOAD 1 as a AUTOGENERATE 1;", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := dump(res, res.Access); got != `A(ACCESS,USERID,REGION): USER,DOM\X,NORTH` {
		t.Errorf("access section: %s", got)
	}
	if got := dump(res, res.Catalog); got != "T(a): 1" || res.Star != "*" {
		t.Errorf("application: %s, star %q", got, res.Star)
	}
}

func TestProgressAndCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var events []string
	_, err := Run(ctx, "TRACE hello $(x)!;\nT: LOAD 1 as a AUTOGENERATE 3;\nTRACE stop;\nDO\nLOOP", Options{Progress: func(e Event) {
		events = append(events, fmt.Sprint(e.Kind, e.Line, e.Table, e.Rows, e.Text))
		if e.Text == "stop" {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want cancelled", err)
	}
	if got := strings.Join(events, "; "); !strings.Contains(got, "hello !") || !strings.Contains(got, "T3") {
		t.Errorf("events: %s", got)
	}
}

func FuzzRun(f *testing.F) {
	f.Add("SET a=1;\nFOR i=1 TO 3\nT: LOAD $(i) as x, 'a;b' as y AUTOGENERATE 2 WHILE IterNo()<3;\nNEXT")
	f.Add("SUB s(x)\nTRACE $(x);\nEND SUB\nCALL s('a')\nIF 1 THEN\nELSE\nEND IF")
	f.Add(twoColumns + "LEFT JOIN (T) LOAD k, Sum(v) as s RESIDENT T GROUP BY k; STORE T INTO x; DROP FIELD v;")
	f.Fuzz(func(t *testing.T, src string) {
		if strings.Contains(strings.ToLower(src), "sleep") {
			return
		}
		res, err := Run(t.Context(), src, Options{Limits: Limits{MaxRows: 1000, MaxSteps: 1000, MaxCalls: 10}})
		if err != nil && res != nil {
			t.Error("an error and a result")
		}
	})
}
