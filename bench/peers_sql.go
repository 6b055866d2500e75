package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/bench/ssb"
)

const (
	allQueries = "13 queries"
	nQueries   = 13 // of starCharts
	starFirst  = "SELECT d_year, sum(lo_revenue) FROM lineorder JOIN date ON lo_orderdate = d_datekey GROUP BY d_year"
)

// A starDim links a table of dimensions to the sales.
type starDim struct{ table, key, foreign string }

// starDims by the first letter of their columns.
var starDims = map[byte]starDim{
	'd': {"date", "d_datekey", "lo_orderdate"},
	'c': {"customer", "c_custkey", "lo_custkey"},
	's': {"supplier", "s_suppkey", "lo_suppkey"},
	'p': {"part", "p_partkey", "lo_partkey"},
}

// A starQuery is a query of the benchmark in SQL.
type starQuery struct {
	dims           string // letters of the tables joined
	groups         string
	measure, where string
}

// starQueries are the first of starCharts.
var starQueries = [nQueries]starQuery{
	{"d", "", "lo_extendedprice*lo_discount", "d_year = 1993 AND lo_discount BETWEEN 1 AND 3 AND lo_quantity < 25"},
	{"d", "", "lo_extendedprice*lo_discount", "d_yearmonthnum = 199401 AND lo_discount BETWEEN 4 AND 6 AND lo_quantity BETWEEN 26 AND 35"},
	{"d", "", "lo_extendedprice*lo_discount", "d_weeknuminyear = 6 AND d_year = 1994 AND lo_discount BETWEEN 5 AND 7 AND lo_quantity BETWEEN 26 AND 35"},
	{"dsp", "d_year, p_brand1", "lo_revenue", "p_category = 'MFGR#12' AND s_region = 'AMERICA'"},
	{"dsp", "d_year, p_brand1", "lo_revenue", "p_brand1 IN ('MFGR#2221','MFGR#2222','MFGR#2223','MFGR#2224','MFGR#2225','MFGR#2226','MFGR#2227','MFGR#2228') AND s_region = 'ASIA'"},
	{"dsp", "d_year, p_brand1", "lo_revenue", "p_brand1 = 'MFGR#2239' AND s_region = 'EUROPE'"},
	{"dcs", "c_nation, s_nation, d_year", "lo_revenue", "c_region = 'ASIA' AND s_region = 'ASIA' AND d_year BETWEEN 1992 AND 1997"},
	{"dcs", "c_city, s_city, d_year", "lo_revenue", "c_nation = 'UNITED STATES' AND s_nation = 'UNITED STATES' AND d_year BETWEEN 1992 AND 1997"},
	{"dcs", "c_city, s_city, d_year", "lo_revenue", "c_city IN ('UNITED KI1','UNITED KI5') AND s_city IN ('UNITED KI1','UNITED KI5') AND d_year BETWEEN 1992 AND 1997"},
	{"dcs", "c_city, s_city, d_year", "lo_revenue", "c_city IN ('UNITED KI1','UNITED KI5') AND s_city IN ('UNITED KI1','UNITED KI5') AND d_yearmonth = 'Dec1997'"},
	{"dcsp", "d_year, c_nation", "lo_revenue-lo_supplycost", "c_region = 'AMERICA' AND s_region = 'AMERICA' AND p_mfgr IN ('MFGR#1','MFGR#2')"},
	{"dcsp", "d_year, s_nation, p_category", "lo_revenue-lo_supplycost", "c_region = 'AMERICA' AND s_region = 'AMERICA' AND d_year IN (1997,1998) AND p_mfgr IN ('MFGR#1','MFGR#2')"},
	{"dcsp", "d_year, s_city, p_brand1", "lo_revenue-lo_supplycost", "c_region = 'AMERICA' AND s_nation = 'UNITED STATES' AND d_year IN (1997,1998) AND p_category = 'MFGR#14'"},
}

func (q *starQuery) sql() string {
	groups, by := "", ""
	if q.groups != "" {
		groups, by = q.groups+", ", " GROUP BY "+q.groups
	}
	return fmt.Sprintf("SELECT %ssum(%s) AS m FROM %s WHERE %s%s", groups, q.measure, joined(q.dims), q.where, by)
}

// joined is the sales with some of their dimensions.
func joined(dims string) string {
	out := "lineorder"
	for _, letter := range []byte(dims) {
		d := starDims[letter]
		out += fmt.Sprintf(" JOIN %s ON %s = %s", d.table, d.foreign, d.key)
	}
	return out
}

// starWorks are the queries and the clicks.
func starWorks() []peerWork {
	var out []peerWork
	for i := range starQueries {
		out = append(out, peerWork{Name: "chart " + starCharts[i].name, Measures: 1, Forms: []peerForm{{"join", []string{starQueries[i].sql()}}}})
	}
	for i := range starSelections {
		out = append(out, starSelections[i].work())
	}
	for i := range 2 {
		out = append(out, dashWork(&starSelections[i]))
	}
	return out
}

// work is the click in SQL: for each field the number of different values in
// the rows alive. Form A asks field by field, B keeps the rows alive first, and
// C asks for all fields of a table in one statement.
func (s *namedSelection) work() peerWork {
	w := peerWork{Name: "click " + s.name, Counts: true}
	single, kept, together := peerForm{Name: "field by field"}, peerForm{Name: "rows kept, field by field"}, peerForm{Name: "all fields in one statement"}
	for _, t := range (ssb.Config{ScaleFactor: 1}).Tables() {
		alive, fields := s.alive(t.Name), slices.Clone(t.Columns)
		if t.Name == "lineorder" {
			// keys are counted in the dimensions
			fields = slices.DeleteFunc(fields, func(f string) bool {
				return slices.Contains([]string{"lo_orderdate", "lo_custkey", "lo_suppkey", "lo_partkey"}, f)
			})
		}
		counts := make([]string, len(fields))
		for i, f := range fields {
			counts[i] = fmt.Sprintf("count(DISTINCT %s) AS n%d", f, i)
		}
		kept.SQL = append(kept.SQL, "DROP TABLE IF EXISTS alive_"+t.Name, fmt.Sprintf("CREATE TEMP TABLE alive_%s AS SELECT * FROM %s", t.Name, alive))
		together.SQL = append(together.SQL, fmt.Sprintf("SELECT %s FROM %s", strings.Join(counts, ", "), alive))
		for _, count := range counts {
			single.SQL = append(single.SQL, fmt.Sprintf("SELECT %s FROM %s", count, alive))
			kept.SQL = append(kept.SQL, fmt.Sprintf("SELECT %s FROM alive_%s", count, t.Name))
		}
	}
	w.Forms = []peerForm{single, kept, together}
	return w
}

// alive is a table with the condition of its rows alive: of the sales, that
// their dimensions are selected; of a dimension, that it is selected and, if
// anything else is, that an alive sale refers to it.
func (s *namedSelection) alive(table string) string {
	sales := s.where(' ', "") // conditions on the sales themselves
	for _, letter := range []byte("dcsp") {
		d := starDims[letter]
		if own := s.where(letter, ""); own != "" {
			sales = and(sales, fmt.Sprintf("%s IN (SELECT %s FROM %s WHERE %s)", d.foreign, d.key, d.table, own))
		}
	}
	if table == "lineorder" {
		return "lineorder WHERE " + sales
	}
	for letter, d := range starDims {
		if d.table != table {
			continue
		}
		own := s.where(letter, "")
		if own != "" && !slices.ContainsFunc(s.fields, func(f fieldSelection) bool { return letterOf(f.field) != letter }) {
			return table + " WHERE " + own
		}
		return table + " WHERE " + and(own, fmt.Sprintf("%s IN (SELECT %s FROM lineorder WHERE %s)", d.key, d.foreign, sales))
	}
	panic("bench: BUG: no table " + table)
}

func letterOf(field string) byte {
	if strings.HasPrefix(field, "lo_") {
		return ' '
	}
	return field[0]
}

// where is the selection in fields of one table.
func (s *namedSelection) where(letter byte, out string) string {
	for _, f := range s.fields {
		switch {
		case letterOf(f.field) != letter:
		case f.texts == nil:
			out = and(out, fmt.Sprintf("%s BETWEEN %v AND %v", f.field, f.lo, f.hi))
		case strings.Trim(f.texts[0], "0123456789") == "":
			out = and(out, fmt.Sprintf("%s IN (%s)", f.field, strings.Join(f.texts, ", ")))
		default:
			out = and(out, fmt.Sprintf("%s IN ('%s')", f.field, strings.Join(f.texts, "', '")))
		}
	}
	return out
}

func and(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " AND " + b
}
