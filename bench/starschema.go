package bench

import (
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/bench/ssb"
)

// starKeys renames the keys of the dimensions to those of the sales, which
// links the tables.
var starKeys = map[string]string{"d_datekey": "lo_orderdate", "c_custkey": "lo_custkey", "s_suppkey": "lo_suppkey", "p_partkey": "lo_partkey"}

// starSchema is the Star Schema Benchmark as an associative app.
func starSchema() dataset {
	var script strings.Builder
	for _, t := range (ssb.Config{ScaleFactor: 1}).Tables() {
		fields := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			if fields[i] = c; starKeys[c] != "" {
				fields[i] = c + " AS " + starKeys[c]
			}
		}
		fmt.Fprintf(&script, "[%s]:\nLOAD %s\nFROM [lib://bench/%s.csv] (txt, utf8, embedded labels, delimiter is ',', msq);\n", t.Name, strings.Join(fields, ", "), t.Name)
	}
	return dataset{script: script.String(), selections: starSelections, charts: starCharts}
}

// starSelections are those of which the figures of other systems are known.
var starSelections = []namedSelection{
	{"S1", []fieldSelection{{field: "d_year", texts: []string{"1997"}}, {field: "c_region", texts: []string{"ASIA"}}}},
	{"S2", []fieldSelection{{field: "c_region", texts: []string{"ASIA"}}}},
	{"S3", []fieldSelection{
		{field: "d_year", lo: 1993, hi: 1995},
		{field: "s_region", texts: []string{"AMERICA", "EUROPE"}},
		{field: "p_mfgr", texts: []string{"MFGR#1"}},
	}},
	{"S4", []fieldSelection{{field: "lo_quantity", lo: 1, hi: 25}}},
	{"S5", []fieldSelection{{field: "p_brand1", texts: []string{"MFGR#2221"}}}},
}

// starCharts are the 13 queries of the benchmark and one chart of three
// measures.
var starCharts = []chart{
	{"Q1.1", nil, []string{"Sum({<d_year={1993}, lo_discount={\">=1<=3\"}, lo_quantity={\"<25\"}>} lo_extendedprice*lo_discount)"}},
	{"Q1.2", nil, []string{"Sum({<d_yearmonthnum={199401}, lo_discount={\">=4<=6\"}, lo_quantity={\">=26<=35\"}>} lo_extendedprice*lo_discount)"}},
	{"Q1.3", nil, []string{"Sum({<d_weeknuminyear={6}, d_year={1994}, lo_discount={\">=5<=7\"}, lo_quantity={\">=26<=35\"}>} lo_extendedprice*lo_discount)"}},
	{"Q2.1", []string{"d_year", "p_brand1"}, []string{"Sum({<p_category={'MFGR#12'}, s_region={'AMERICA'}>} lo_revenue)"}},
	{"Q2.2", []string{"d_year", "p_brand1"}, []string{
		"Sum({<p_brand1={'MFGR#2221','MFGR#2222','MFGR#2223','MFGR#2224','MFGR#2225','MFGR#2226','MFGR#2227','MFGR#2228'}, s_region={'ASIA'}>} lo_revenue)",
	}},
	{"Q2.3", []string{"d_year", "p_brand1"}, []string{"Sum({<p_brand1={'MFGR#2239'}, s_region={'EUROPE'}>} lo_revenue)"}},
	{"Q3.1", []string{"c_nation", "s_nation", "d_year"}, []string{"Sum({<c_region={'ASIA'}, s_region={'ASIA'}, d_year={\">=1992<=1997\"}>} lo_revenue)"}},
	{"Q3.2", []string{"c_city", "s_city", "d_year"}, []string{"Sum({<c_nation={'UNITED STATES'}, s_nation={'UNITED STATES'}, d_year={\">=1992<=1997\"}>} lo_revenue)"}},
	{"Q3.3", []string{"c_city", "s_city", "d_year"}, []string{
		"Sum({<c_city={'UNITED KI1','UNITED KI5'}, s_city={'UNITED KI1','UNITED KI5'}, d_year={\">=1992<=1997\"}>} lo_revenue)",
	}},
	{"Q3.4", []string{"c_city", "s_city", "d_year"}, []string{
		"Sum({<c_city={'UNITED KI1','UNITED KI5'}, s_city={'UNITED KI1','UNITED KI5'}, d_yearmonth={'Dec1997'}>} lo_revenue)",
	}},
	{"Q4.1", []string{"d_year", "c_nation"}, []string{
		"Sum({<c_region={'AMERICA'}, s_region={'AMERICA'}, p_mfgr={'MFGR#1','MFGR#2'}>} lo_revenue-lo_supplycost)",
	}},
	{"Q4.2", []string{"d_year", "s_nation", "p_category"}, []string{
		"Sum({<c_region={'AMERICA'}, s_region={'AMERICA'}, d_year={1997,1998}, p_mfgr={'MFGR#1','MFGR#2'}>} lo_revenue-lo_supplycost)",
	}},
	{"Q4.3", []string{"d_year", "s_city", "p_brand1"}, []string{
		"Sum({<c_region={'AMERICA'}, s_nation={'UNITED STATES'}, d_year={1997,1998}, p_category={'MFGR#14'}>} lo_revenue-lo_supplycost)",
	}},
	{"by month, 3 measures", []string{"d_yearmonthnum"}, []string{"Sum(lo_revenue)", "Avg(lo_discount)", "Count(DISTINCT lo_custkey)"}},
}
