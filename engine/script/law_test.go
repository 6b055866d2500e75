package script

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestBatchesAgree compares loads over more than one batch with the same
// loads run row by row.
func TestBatchesAgree(t *testing.T) {
	const source = "LOAD RecNo() as r, Mod(RecNo()*7919,1000) as m, If(Mod(RecNo(),5)=0, Null(), 'x'&Mod(RecNo(),13)) as s AUTOGENERATE 70000;\n"
	for _, load := range []string{
		"LOAD r, m, Previous(m) as p, RowNo() as n WHERE Mod(m,3)<>0;",
		"LOAD r, IterNo() as i, r*IterNo() as x, Previous(r) as p WHILE IterNo()<=Mod(m,4);",
		"LOAD r, SubField(s&'|'&m,'|') as f, RowNo() as n, Upper(s) as u WHERE m<500;",
		"LOAD s, Sum(m) as sm, Count(s) as c, Min(r) as lo, FirstValue(r) as f GROUP BY s;",
		"LOAD s, m, Max(r) as hi WHERE m>100 GROUP BY s, m;",
		"LOAD DISTINCT s, Mod(m,7) as d;",
	} {
		var dumps [2]string
		for i, single := range []bool{false, true} {
			r := newRunner(t.Context(), Options{})
			r.single = single
			res, err := r.script("T: " + load + source)
			if err != nil {
				t.Fatalf("%s: %v", load, err)
			}
			dumps[i] = dump(res, res.Catalog)
		}
		if dumps[0] != dumps[1] {
			t.Errorf("%s: batches and single rows differ: %.200s ... and %.200s ...", load, dumps[0], dumps[1])
		}
	}
}

// A row of the join oracle: two keys and a value; 0 is NULL.
type oracleRow struct{ k, l, v int }

// TestJoinAgainstNestedLoop compares joins of random tables with the
// definition.
func TestJoinAgainstNestedLoop(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 40 {
		left, right := randomRows(rng), randomRows(rng)
		for _, kind := range []string{"INNER", "LEFT", "RIGHT", "OUTER"} {
			script := "A: " + inline(left, "a") + kind + " JOIN (A) " + inline(right, "b")
			res, err := Run(t.Context(), script, Options{})
			if err != nil {
				t.Fatalf("%s: %v", script, err)
			}
			_, rows, _ := strings.Cut(dump(res, res.Catalog), ": ")
			got := strings.Split(rows, " | ")
			if rows == "" {
				got = nil
			}
			want := nestedLoop(left, right, kind)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("round %d, %s: got %q, want %q", round, script, got, want)
			}
		}
	}
}

func randomRows(rng *rand.Rand) []oracleRow {
	rows := make([]oracleRow, rng.IntN(8))
	for i := range rows {
		rows[i] = oracleRow{rng.IntN(3), rng.IntN(3), i + 1}
	}
	return rows
}

// inline writes a load of rows.
func inline(rows []oracleRow, value string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "LOAD If(k>0,k) as k, If(l>0,l) as l, %s INLINE [k,l,%s\n", value, value)
	for _, r := range rows {
		fmt.Fprintf(&b, "%d,%d,%d\n", r.k, r.l, r.v)
	}
	return b.String() + "];\n"
}

// nestedLoop is the oracle: every pair of rows, and those without a partner.
func nestedLoop(left, right []oracleRow, kind string) []string {
	var out []string
	show := func(n int) string {
		if n == 0 {
			return "-"
		}
		return fmt.Sprint(n)
	}
	line := func(k oracleRow, a, b int) {
		out = append(out, strings.Join([]string{show(k.k), show(k.l), show(a), show(b)}, ","))
	}
	used := make([]bool, len(right))
	for _, a := range left {
		partner := false
		for j, b := range right {
			if a.k > 0 && a.l > 0 && a.k == b.k && a.l == b.l {
				partner, used[j] = true, true
				line(a, a.v, b.v)
			}
		}
		if !partner && (kind == "LEFT" || kind == "OUTER") {
			line(a, a.v, 0)
		}
	}
	for j, b := range right {
		if !used[j] && (kind == "RIGHT" || kind == "OUTER") {
			line(b, 0, b.v)
		}
	}
	return out
}
