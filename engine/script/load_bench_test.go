package script

import (
	"fmt"
	"testing"
)

// benchRows is the number of rows of the table that the benchmarks load from.
const benchRows = 1_000_000

// benchTables are a table of facts with few and many values, texts and NULLs,
// and one of keys.
var benchTables = fmt.Sprintf(`
T: LOAD RecNo() as id, Mod(RecNo()*7919, 1000) as m, If(Mod(RecNo(),5)=0, Null(), 'x'&Mod(RecNo()*31,20011)) as s,
  Mod(RecNo()*104729, 200003) as k, Date(45000+Mod(RecNo(),400)) as d, Mod(RecNo()*17, 9973)/8 as f
AUTOGENERATE %d;
K: LOAD RecNo()*2 as k, Mod(RecNo(),1000) as m, RecNo() as b AUTOGENERATE 100000;
`, benchRows)

// runPart runs statements of a script, without what comes at its end.
func runPart(t testing.TB, r *runner, src string) {
	t.Helper()
	nodes, err := parseBlocks(&text{src: src})
	if err == nil {
		_, err = r.block(nodes)
	}
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
}

// BenchmarkLoad runs the variants of LOAD over a resident table.
func BenchmarkLoad(b *testing.B) {
	for _, tt := range []struct{ name, load string }{
		{"resident/all", "R: NOCONCATENATE LOAD * RESIDENT T;"},
		{"resident/where", "R: NOCONCATENATE LOAD id, m, s, k, d RESIDENT T WHERE m < 500 AND Len(s) > 4;"},
		{"resident/renamed", "R: LOAD id as i2, m as m2, s as s2, d as d2 RESIDENT T;"},
		{"group/few", "R: LOAD m, Sum(f) as x, Count(id) as n RESIDENT T GROUP BY m;"},
		{"group/two", "R: LOAD m, d, Sum(f) as x RESIDENT T GROUP BY m, d;"},
		{"group/three", "R: LOAD s, d, m, Sum(f) as x, Max(id) as hi RESIDENT T GROUP BY s, d, m;"},
		{"group/unique", "R: LOAD id, Sum(f) as x RESIDENT T GROUP BY id;"},
		{"group/computed", "R: LOAD Floor(f) as c, Year(d) as y, Sum(f) as x RESIDENT T GROUP BY Floor(f), Year(d);"},
		{"distinct/two", "R: LOAD DISTINCT m, d RESIDENT T;"},
		{"distinct/three", "R: LOAD DISTINCT s, d, m RESIDENT T;"},
		{"keep/one", "LEFT KEEP (T) LOAD k, b RESIDENT K;"},
		{"keep/two", "INNER KEEP (T) LOAD k, m, b RESIDENT K;"},
		{"join/left", "LEFT JOIN (T) LOAD k, b RESIDENT K;"},
		{"join/inner", "INNER JOIN (T) LOAD k, b RESIDENT K;"},
		{"join/outer two", "JOIN (T) LOAD k, m, b RESIDENT K;"},
	} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				r := newRunner(b.Context(), Options{})
				runPart(b, r, benchTables)
				b.StartTimer()
				runPart(b, r, tt.load)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
		})
	}
}
