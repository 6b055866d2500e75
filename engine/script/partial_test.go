package script

import (
	"context"
	"errors"
	"testing"
)

// afterPartial runs a script in full and then in part.
func afterPartial(t *testing.T, src string) string {
	t.Helper()
	full, err := Run(context.Background(), src, Options{})
	if err != nil {
		t.Fatal(err)
	}
	kept := &Kept{Tables: full.Catalog.Tables()}
	if full.Access != nil {
		kept.Access = full.Access.Tables()
	}
	res, err := Run(context.Background(), src, Options{Kept: kept})
	if e := new(Error); errors.As(err, &e) {
		return e.Err.Error()
	}
	out := dump(res, res.Catalog)
	if res.Access != nil {
		out += "\nACCESS " + dump(res, res.Access)
	}
	return out
}

func TestPartialReloads(t *testing.T) {
	const base = "T: LOAD * INLINE [k,v\n1,a\n2,b];\n"
	for _, tt := range []struct{ name, script, want string }{
		{"nothing says so", base, "T(k,v): 1,a | 2,b"},
		{"rows are added without a look at those there", base + "ADD LOAD * INLINE [k,v\n2,b];", "T(k,v): 1,a | 2,b | 2,b | 2,b"},
		{"ONLY is for partial reloads", base + "ADD ONLY LOAD * INLINE [k,v\n3,c];", "T(k,v): 1,a | 2,b | 3,c"},
		{"CONCATENATE without a name", base + "ADD ONLY CONCATENATE LOAD 3 as k, 'z' as w AUTOGENERATE 1;", "T(k,v,w): 1,a,- | 2,b,- | 3,-,z"},
		{"of two tables the one above", base + "U: LOAD 1 as u AUTOGENERATE 1;\nADD ONLY CONCATENATE LOAD 9 as k AUTOGENERATE 1;", "T(k,v): 1,a | 2,b\nU(u,k): 1,- | -,9"},
		{"JOIN to what stays", base + "ADD ONLY LEFT JOIN (T) LOAD 1 as k, 'x' as w AUTOGENERATE 1;", "T(k,v,w): 1,a,x | 2,b,-"},
		{"a table is made anew", "SET n = 1;\nIF IsPartialReload() THEN\nSET n = 2;\nEND IF\nA: REPLACE LOAD $(n) as a AUTOGENERATE $(n);\nB: LOAD $(n) as b AUTOGENERATE 1;", "B(b): 1\nA(a): 2 | 2"},
		{"without a label, too", "REPLACE LOAD Round(RecNo()) as a AUTOGENERATE 1; LOAD 1 as b AUTOGENERATE 1;", "AUTOGENERATE 1-1(b): 1\nAUTOGENERATE 1(a): 1"},
		{"the loads below belong to it", "T: ADD LOAD k*10 as k; LOAD k+1 as k; LOAD RecNo() as k AUTOGENERATE 1; U: LOAD x*10 as x; LOAD 1 as x AUTOGENERATE 1;", "T(k): 20 | 20\nU(x): 10"},
		{"RESIDENT reads what stays", base + "ADD ONLY LOAD k+10 as k, v RESIDENT T WHERE k=1;", "T(k,v): 1,a | 2,b | 11,a"},
		{"mappings have to say so", "M: ADD MAPPING LOAD * INLINE [a,b\n1,one];\nT: REPLACE LOAD ApplyMap('M', 1) as t AUTOGENERATE 1;", "T(t): one"},
		{"derived fields follow", "D: DECLARE FIELD DEFINITION FIELDS $1*2 AS double;\nT: LOAD 1 as k AUTOGENERATE 1;\nADD ONLY LOAD 4 as k AUTOGENERATE 1;\nDERIVE FIELDS FROM FIELDS k USING D;", "T(k,k.D.double): 1,2 | 4,8"},
		{"other statements run", base + "ADD ONLY LOAD 3 as k, 'c' as v AUTOGENERATE 1;\nDROP FIELD v FROM T;", "field \"v\" not found"},
		{"rules of access stay", "SECTION ACCESS;\nLOAD * INLINE [ACCESS,USERID\nUSER,ANN];\nSECTION APPLICATION;\n" + base, "T(k,v): 1,a | 2,b\nACCESS INLFED(ACCESS,USERID): USER,ANN"},
		{"rules of access are added", "SECTION ACCESS;\nLOAD * INLINE [ACCESS,USERID\nUSER,ANN];\nADD ONLY LOAD * INLINE [ACCESS,USERID\nUSER,BOB];\nSECTION APPLICATION;\n" + base, "T(k,v): 1,a | 2,b\nACCESS INLFED(ACCESS,USERID): USER,ANN | USER,BOB"},
		{"BINARY is a load", "IF Not IsPartialReload() THEN\nT: LOAD 1 as a AUTOGENERATE 1;\nEND IF\nIF IsPartialReload() THEN\nBINARY nowhere.qvf;\nEND IF", "T(a): 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := afterPartial(t, tt.script); got != tt.want {
				t.Errorf("%s\ngot  %s\nwant %s", tt.script, got, tt.want)
			}
		})
	}
}

// A full reload runs loads with ADD and REPLACE as if they had none.
func TestFullReloadsOfPartialLoads(t *testing.T) {
	res, err := Run(t.Context(), "T: LOAD 1 as a AUTOGENERATE 1; ADD LOAD 2 as a AUTOGENERATE 1; T: REPLACE LOAD 3 as a AUTOGENERATE 1; REPLACE ONLY LOAD 4 as a AUTOGENERATE 1; LOAD IsPartialReload() as p AUTOGENERATE 1;", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dump(res, res.Catalog), "T(a): 1 | 2 | 3\nAUTOGENERATE 1(p): 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What an app keeps is its own: a partial reload that fails in the end leaves
// the tables that it started from.
func TestPartialReloadsLeaveTheirOrigin(t *testing.T) {
	full, err := Run(t.Context(), "T: LOAD RecNo() as k, 'a' as v AUTOGENERATE 3;", Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := dump(full, full.Catalog)
	kept := &Kept{Tables: full.Catalog.Tables()}
	if _, err := Run(t.Context(), "ADD LOAD 9 as k, 'new' as v AUTOGENERATE 5; DROP FIELD v; LOAD nothing RESIDENT Nothing; ADD LOAD * RESIDENT Nowhere;", Options{Kept: kept}); err == nil {
		t.Fatal("no error")
	}
	if after := dump(full, full.Catalog); after != before || len(kept.Tables) != 1 || kept.Tables[0] != full.Catalog.Table("T") {
		t.Errorf("%s, before %s", after, before)
	}
}
