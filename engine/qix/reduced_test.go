package qix

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// TestReducedIsAsLoaded holds what a user with section access gets from any
// method against what an app gives that was loaded with only the rows and
// fields that the user may see. Which these are is found by listing all tuples
// of the joined tables.
func TestReducedIsAsLoaded(t *testing.T) {
	opened, denied := 0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 5))
		data, rules := randomSite(rng), randomRules(rng)
		for _, user := range []string{"A", "B"} {
			rows, omit, ok := rules.visible(data, user)
			got := openAs(t, data.script(nil)+rules.script(), user)
			if (got != nil) != ok {
				t.Fatalf("seed %d, user %s: opens: %v, want %v\n%s", seed, user, got != nil, ok, rules.script())
			}
			if !ok {
				denied++
				continue
			}
			opened++
			want := openAs(t, data.reduced(rows).script(omit), "")
			sameAnswers(t, got, want, fmt.Sprintf("seed %d, user %s\n%s%s", seed, user, data.script(nil), rules.script()))
		}
	}
	if opened < 20 || denied < 5 {
		t.Errorf("%d apps opened and %d denied: the random rules are too one-sided", opened, denied)
	}
}

// openAs makes an app of a script and opens it as a user; nil if that is not
// allowed. "" is no user: the app's own trust in its caller.
func openAs(t *testing.T, script, user string) *client {
	t.Helper()
	lib, err := app.NewLibrary(app.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	id, err := lib.Create("app")
	if err != nil {
		t.Fatal(err)
	}
	a, err := lib.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	a.SetScript(script)
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatalf("reload: %v %+v\n%s", err, a.Progress().Errors, script)
	}
	s := newSession(t, lib)
	if user != "" {
		s.Identity = &access.User{ID: user}
	}
	c := newClient(t, s)
	if e := c.ask(-1, "OpenDoc", fmt.Sprintf("[%q]", id)).Get("error"); e != nil {
		return nil
	}
	return c
}

// A siteTable is a table of texts; "" is no value.
type siteTable struct {
	name   string
	fields []string
	rows   [][]string
}

// A site is Sales, with a key to Places and one to Products, and a table
// without links.
type site []siteTable

func randomSite(rng *rand.Rand) site {
	pick := func(from string) string { return string(from[rng.IntN(len(from))]) }
	s := site{
		{"Sales", []string{"Place", "Product", "Amount", "YEAR"}, nil},
		{"Places", []string{"Place", "REGION", "City"}, nil},
		{"Products", []string{"Product", "CAT"}, nil},
		{"Notes", []string{"Note", "Length"}, [][]string{{"hello", "5"}, {"x", "1"}}},
	}
	for range 4 + rng.IntN(12) {
		s[0].rows = append(s[0].rows, []string{pick("pqrs"), pick("uvw"), fmt.Sprint(rng.IntN(9)), fmt.Sprint(2020 + rng.IntN(3))})
	}
	for range rng.IntN(7) {
		s[1].rows = append(s[1].rows, []string{pick("pqrst"), pick("NSE"), pick("abc")})
	}
	for range rng.IntN(5) {
		s[2].rows = append(s[2].rows, []string{pick("uvwx"), pick("KLM")})
	}
	return s
}

// script loads the tables without the fields to omit.
func (s site) script(omit []string) string {
	var b strings.Builder
	for _, t := range s {
		var fields []string
		for _, f := range t.fields {
			if !slices.ContainsFunc(omit, func(o string) bool { return strings.EqualFold(o, f) }) {
				fields = append(fields, f)
			}
		}
		fmt.Fprintf(&b, "%s: LOAD %s INLINE [\n%s\n", t.name, strings.Join(fields, ", "), strings.Join(t.fields, ","))
		for _, row := range t.rows {
			b.WriteString(strings.Join(row, ",") + "\n")
		}
		b.WriteString("];\n")
	}
	return b.String()
}

func (s site) reduced(keep []map[int]bool) site {
	out := slices.Clone(s)
	for i := range out {
		var rows [][]string
		for r, row := range s[i].rows {
			if keep[i][r] {
				rows = append(rows, row)
			}
		}
		out[i].rows = rows
	}
	return out
}

// siteRules are the rows of an access table: ACCESS, USERID, REGION, CAT, OMIT.
type siteRules [][]string

func randomRules(rng *rand.Rand) (r siteRules) {
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	for range 1 + rng.IntN(6) {
		r = append(r, []string{
			pick("USER", "ADMIN"), pick("A", "B", "*", "Z"), pick("N", "S", "E", "N", "*", "MARS", ""),
			pick("K", "L", "M", "*", "", "", "VENUS"), pick("", "", "", "CITY", "AMOUNT", "LENGTH"),
		})
	}
	return r
}

func (r siteRules) script() string {
	var b strings.Builder
	b.WriteString("SECTION ACCESS;\nLOAD * INLINE [\nACCESS,USERID,REGION,CAT,OMIT\n")
	for _, row := range r {
		b.WriteString(strings.Join(row, ",") + "\n")
	}
	b.WriteString("];\nSECTION APPLICATION;\n")
	return b.String()
}

// listed are the values of a column of the access table.
func (r siteRules) listed(col int) (values []string) {
	for _, row := range r {
		if row[col] != "*" && row[col] != "" {
			values = append(values, row[col])
		}
	}
	return values
}

// visible returns the rows that the user sees of each table, and the fields
// that are omitted; ok is whether the app opens.
func (r siteRules) visible(s site, user string) (keep []map[int]bool, omit []string, ok bool) {
	keep = make([]map[int]bool, len(s))
	for i := range keep {
		keep[i] = map[int]bool{}
	}
	matched := false
	for _, row := range r {
		if row[1] != user && row[1] != "*" {
			continue
		}
		matched = true
		if row[4] != "" {
			omit = append(omit, row[4])
		}
		allowed := map[string][]string{}
		for col, field := range map[int]string{2: "REGION", 3: "CAT"} {
			switch {
			case row[col] == "" && row[0] == "ADMIN":
			case row[col] == "*":
				allowed[field] = r.listed(col)
			default:
				allowed[field] = []string{row[col]}
			}
		}
		if s.exist(allowed) {
			ok = true
			s.keep(keep, allowed)
		}
	}
	return keep, omit, ok && matched
}

// exist reports whether each field has one of its allowed values in the data.
func (s site) exist(allowed map[string][]string) bool {
	for field, values := range allowed {
		found := false
		for _, t := range s {
			col := slices.Index(t.fields, field)
			found = found || col >= 0 && slices.ContainsFunc(t.rows, func(row []string) bool { return slices.Contains(values, row[col]) })
		}
		if !found {
			return false
		}
	}
	return true
}

// keep marks the rows of all tuples that the allowed values leave: of a row of
// Sales, a place and a product, each of which may be missing.
func (s site) keep(keep []map[int]bool, allowed map[string][]string) {
	fits := func(table int, row int) bool {
		for field, values := range allowed {
			col := slices.Index(s[table].fields, field)
			if col >= 0 && (row < 0 || !slices.Contains(values, s[table].rows[row][col])) {
				return false
			}
		}
		return true
	}
	mark := func(tuple [3]int) {
		for table, row := range tuple {
			if !fits(table, row) {
				return
			}
		}
		for table, row := range tuple {
			if row >= 0 {
				keep[table][row] = true
			}
		}
	}
	used := [3]map[int]bool{{}, {}, {}}
	partners := func(table int, key string) (rows []int) {
		for i, row := range s[table].rows {
			if row[0] == key {
				rows = append(rows, i)
				used[table][i] = true
			}
		}
		if rows == nil {
			return []int{-1}
		}
		return rows
	}
	for i, sale := range s[0].rows {
		for _, place := range partners(1, sale[0]) {
			for _, product := range partners(2, sale[1]) {
				mark([3]int{i, place, product})
			}
		}
	}
	for table := 1; table <= 2; table++ {
		for i := range s[table].rows {
			if !used[table][i] {
				tuple := [3]int{-1, -1, -1}
				tuple[table] = i
				mark(tuple)
			}
		}
	}
	for i := range s[3].rows { // not linked to what is reduced
		keep[3][i] = true
	}
}

// sameAnswers sends both the same requests.
func sameAnswers(t *testing.T, got, want *client, what string) {
	t.Helper()
	both := func(handle int, method, params string) (g, w *tree.Node) {
		t.Helper()
		g, w = got.ask(handle, method, params), want.ask(handle, method, params)
		if a, b := withoutIDs(g), withoutIDs(w); a != b {
			t.Fatalf("%s\n%s%s:\ngot  %s\nwant %s", what, method, params, a, b)
		}
		return g, w
	}
	fields := []string{"Place", "Product", "Amount", "YEAR", "REGION", "City", "CAT", "Note", "Length"}
	both(1, "GetTablesAndKeys", `[{"qcx":1000,"qcy":1000},{"qcx":0,"qcy":0},30,true,false]`)
	for _, table := range []string{"Sales", "Places", "Products", "Notes"} {
		both(1, "GetTableData", fmt.Sprintf(`[0,50,true,%q]`, table))
	}
	for _, f := range fields {
		both(1, "GetFieldDescription", fmt.Sprintf("[%q]", f))
		both(1, "GetMatchingFields", fmt.Sprintf(`[["$text","$%s"]]`, f))
		for _, e := range []string{
			"Count({1} %s)", "Count({1} DISTINCT %s)", "Concat({1} DISTINCT %s, '|')", "FieldValueCount('%s')", "FieldValue('%s', 2)",
			"MaxString({1} %s)", "Sum({1<%s=>} Amount)", "GetPossibleCount(%s)", "FieldIndex('%s', 'N')", "Only({1<REGION={N}>} %s)", "NullCount({1} %s)",
		} {
			both(1, "Evaluate", fmt.Sprintf("[%q]", fmt.Sprintf(e, f)))
		}
	}
	for _, e := range []string{"Sum({1} TOTAL Amount)", "Sum(Aggr(Count({1} Product), REGION))", "NoOfTables()", "NoOfRows('Sales')", "NoOfRows('Places')", "NoOfFields('Places')", "TableName(1)", "FieldName(2, 'Places')", "Median({1} Amount)"} {
		both(1, "Evaluate", fmt.Sprintf("[%q]", e))
	}
	terms := `["N","p","u","hello"]`
	both(1, "SearchSuggest", `[{},`+terms+`]`)
	both(1, "SearchAssociations", `[{},`+terms+`,{"qOffset":0,"qCount":20,"qMaxNbrFieldMatches":10}]`)
	objects := []string{
		`{"qInfo":{"qType":"c"},"qHyperCubeDef":{"qDimensions":[{"qDef":{"qFieldDefs":["REGION"],"qSortCriterias":[{"qSortByLoadOrder":1}]}},{"qDef":{"qFieldDefs":["CAT"]}}],
			"qMeasures":[{"qDef":{"qDef":"Sum({1} Amount)"}},{"qDef":{"qDef":"Count(DISTINCT City)"}}],"qInitialDataFetch":[{"qWidth":4,"qHeight":50}]}}`,
		`{"qInfo":{"qType":"p"},"qHyperCubeDef":{"qMode":"P","qAlwaysFullyExpanded":true,"qDimensions":[{"qDef":{"qFieldDefs":["Place"],"qSortCriterias":[{"qSortByAscii":1}]}},{"qDef":{"qFieldDefs":["YEAR"],"qSortCriterias":[{"qSortByNumeric":1}]}}],
			"qMeasures":[{"qDef":{"qDef":"Sum(Amount)"}}],"qInitialDataFetch":[{"qWidth":20,"qHeight":50}]}}`,
	}
	for _, f := range fields {
		objects = append(objects, fmt.Sprintf(`{"qInfo":{"qType":"l"},"qListObjectDef":{"qDef":{"qFieldDefs":[%q],"qSortCriterias":[{"qSortByLoadOrder":1}]},"qShowAlternatives":true,
			"qFrequencyMode":"V","qInitialDataFetch":[{"qWidth":1,"qHeight":50}]}}`, f))
	}
	handles := make([]int, len(objects))
	for i, def := range objects {
		g, w := both(1, "CreateSessionObject", "["+def+"]")
		handles[i] = g.At("/result/qReturn/qHandle").Int()
		if h := w.At("/result/qReturn/qHandle").Int(); h != handles[i] {
			t.Fatalf("handles %d and %d", handles[i], h)
		}
	}
	layouts := func() {
		for _, h := range handles {
			both(h, "GetLayout", "[]")
		}
	}
	layouts()
	for _, pick := range []struct{ field, value string }{{"Place", "q"}, {"CAT", "L"}, {"REGION", "S"}} {
		g, _ := both(1, "GetField", fmt.Sprintf("[%q]", pick.field))
		h := g.At("/result/qReturn/qHandle").Int()
		both(h, "GetCardinal", "[]")
		both(h, "Select", fmt.Sprintf("[%q]", pick.value))
		layouts()
	}
	both(1, "Back", "[]")
	layouts()
}

// withoutIDs returns an answer without what differs from app to app.
func withoutIDs(n *tree.Node) string {
	return idPattern.ReplaceAllString(n.JSON(), `"id"`)
}

var idPattern = regexp.MustCompile(`"[0-9a-f]{8}-[0-9a-f-]{27}"|"qGenericId":"[^"]*"|"qId":"[^"]*"`)
