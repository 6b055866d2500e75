// Package script fuzzes load scripts from the text to the file of the data.
package script

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/enginetest"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/script"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/storage"
)

const timeout = 2 * time.Second

var seeds = []string{
	"T: LOAD * INLINE [a, b\n1, x\n2, y];\nLEFT JOIN (T) LOAD * INLINE [a, c\n1, 5];",
	"SET v = 3; LET w = $(v) * 2;\nFOR i = 1 TO $(w) STEP 2\nT: LOAD $(i) as n AUTOGENERATE 2;\nNEXT i",
	"A: LOAD RecNo() as k, Chr(64+RecNo()) as t AUTOGENERATE 5;\nB: NOCONCATENATE LOAD k, t RESIDENT A WHERE k > 2;",
	"M: MAPPING LOAD * INLINE [x, y\n1, one];\nT: LOAD ApplyMap('M', RecNo(), 'none') as m AUTOGENERATE 2;",
	"CROSSTABLE (month, value) LOAD * INLINE [id, jan, feb\n1, 10, 20];",
	"T: GENERIC LOAD * INLINE [k, a, v\n1, color, red\n1, size, 7];",
	"HIERARCHY (id, parent, name, up, path, name, '/') LOAD * INLINE [id, parent, name\n1,,root\n2,1,leaf];",
	"I: LOAD * INLINE [lo, hi\n1, 5];\nE: LOAD * INLINE [at\n3];\nINTERVALMATCH (at) LOAD lo, hi RESIDENT I;",
	"SUB s (x)\nIF x > 0 THEN\nTRACE $(x);\nCALL s (x - 1)\nEND IF\nEND SUB\nCALL s (3)",
	"DO WHILE a < 3\nLET a = a + 1;\nLOOP\nSWITCH a\nCASE 3\nT: LOAD 1 as x AUTOGENERATE 1;\nDEFAULT\nEXIT SCRIPT;\nEND SWITCH",
	"QUALIFY *; UNQUALIFY k; T: LOAD 1 as k, 2 as x AUTOGENERATE 1; RENAME FIELD T.x TO y; DROP TABLE T;",
	"T: LOAD k, Sum(v) as s, Concat(v, ';') as c GROUP BY k; LOAD Mod(RecNo(), 3) as k, RecNo() as v AUTOGENERATE 9;",
	"T: LOAD Date(41000 + RecNo(), 'YYYY-MM-DD') as d, Peek('d') as p, Previous(d) as q AUTOGENERATE 4; LOOSEN TABLE T;",
	"LOAD x, SubField(y, ';') as z WHILE IterNo() <= 2; LOAD 1 as x, 'a;b' as y AUTOGENERATE 1; COMMENT FIELD x WITH 'c'; TAG x WITH '$t';",
	"T: LOAD 1 as a AUTOGENERATE 2; T: REPLACE LOAD 2 as a, IsPartialReload() as p AUTOGENERATE 1; ADD ONLY CONCATENATE LOAD 3 as a AUTOGENERATE 1;",
	"A: LOAD * INLINE [a,b,c\n1,1,1];B: LOAD * INLINE [a,d,e\n1,2,2];C: LOAD * INLINE [a,b,c,d,e\n1,1,1,2,2];",
}

// FuzzScript: a script ends in time, with a result or an error, also when it is
// run again in part; what it made can be linked, written and read.
func FuzzScript(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if strings.Contains(strings.ToLower(src), "sleep") {
			t.Skip("it is to take its time")
		}
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		limits := script.Limits{MaxRows: 2000, MaxBytes: 32 << 20, MaxTables: 50, MaxFields: 200, MaxSteps: 2000, MaxIncludes: 2, MaxCalls: 20}
		run := func(kept *script.Kept) *script.Result {
			start := time.Now()
			res, err := script.Run(ctx, src, script.Options{Limits: limits, Kept: kept})
			if took := time.Since(start); took > 3*timeout {
				t.Errorf("took %v, was to be cancelled after %v", took, timeout)
			}
			if err != nil && res != nil {
				t.Error("a result beside an error")
			}
			return res
		}
		full := run(nil)
		if full == nil {
			return
		}
		kept := &script.Kept{Tables: full.Catalog.Tables()}
		if full.Access != nil {
			kept.Access = full.Access.Tables()
		}
		if part := run(kept); part != nil {
			link(t, part.Catalog)
		}
		link(t, full.Catalog)
	})
}

func link(t *testing.T, c *storage.Catalog) {
	m, err := model.Build(c, 1)
	if err != nil {
		t.Skip(err) // too many synthetic keys
	}
	var file enginetest.MemoryFile
	if err := qvf.Write(&file, qvf.Content{App: &qvf.App{}, Data: c}, qvf.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	f, err := qvf.OpenBytes("app.qvf", file, qvf.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.Data(nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := model.Build(again, 2)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := shape(m), shape(n); a != b {
		t.Fatalf("linked %s, read back %s", a, b)
	}
}

func shape(m *model.Model) string {
	var b strings.Builder
	for _, t := range m.Tables {
		fmt.Fprintf(&b, "%q %d rows, tree %d, loose %v, synthetic %v, %q; ", t.Name, t.Rows, t.Tree, t.Loose, t.Synthetic, t.FieldNames())
	}
	for _, f := range m.Fields {
		fmt.Fprintf(&b, "%q %d values %q; ", f.Name, f.Symbols.Len(), f.Tags)
	}
	return b.String()
}
