package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/engine/state"
)

// A dashChart is a hypercube of the dashboard, sorted by its first measure, and
// the same in SQL.
type dashChart struct {
	dims     []string
	measures []string
	sql      []string // the measures
	tables   string   // letters of the dimensions joined for it
}

var dashCharts = []dashChart{
	{[]string{"d_year"}, []string{"Sum(lo_revenue)", "Sum(lo_supplycost)"}, []string{"sum(lo_revenue)", "sum(lo_supplycost)"}, "d"},
	{[]string{"d_yearmonthnum"}, []string{"Sum(lo_revenue)", "Count(DISTINCT lo_custkey)"}, []string{"sum(lo_revenue)", "count(DISTINCT lo_custkey)"}, "d"},
	{[]string{"c_nation"}, []string{"Sum(lo_revenue)", "Sum(lo_quantity)"}, []string{"sum(lo_revenue)", "sum(lo_quantity)"}, "c"},
	{[]string{"s_region", "s_nation"}, []string{"Sum(lo_revenue)"}, []string{"sum(lo_revenue)"}, "s"},
	{[]string{"p_brand1"}, []string{"Sum(lo_revenue)"}, []string{"sum(lo_revenue)"}, "p"},
	{[]string{"d_year", "c_region", "p_mfgr"}, []string{"Sum(lo_revenue)"}, []string{"sum(lo_revenue)"}, "dcp"},
	{[]string{"c_city"}, []string{"Sum(lo_revenue)", "Avg(lo_discount)"}, []string{"sum(lo_revenue)", "avg(lo_discount)"}, "c"},
	{[]string{"lo_shipmode"}, []string{"Sum(lo_extendedprice*lo_discount)"}, []string{"sum(lo_extendedprice*lo_discount)"}, ""},
}

// dashLists are its list boxes, with frequencies.
var dashLists = []string{"d_year", "c_region", "c_nation", "s_region", "p_mfgr", "lo_shipmode"}

// props are the properties of the chart.
func (c *dashChart) props() string {
	dims, measures := make([]string, len(c.dims)), make([]string, len(c.measures))
	for i, d := range c.dims {
		dims[i] = fmt.Sprintf(`{"qDef":{"qFieldDefs":[%q]}}`, d)
	}
	for i, m := range c.measures {
		by := ""
		if i == 0 {
			by = `,"qSortBy":{"qSortByNumeric":-1}`
		}
		measures[i] = fmt.Sprintf(`{"qDef":{"qDef":%q}%s}`, m, by)
	}
	return fmt.Sprintf(`{"qInfo":{"qType":"chart"},"qHyperCubeDef":{"qDimensions":[%s],"qMeasures":[%s],"qInterColumnSortOrder":[%d],
		"qInitialDataFetch":[{"qHeight":50,"qWidth":%d}]}}`, strings.Join(dims, ","), strings.Join(measures, ","), len(dims), len(dims)+len(measures))
}

func listProps(field string) string {
	return fmt.Sprintf(`{"qInfo":{"qType":"listbox"},"qListObjectDef":{"qDef":{"qFieldDefs":[%q],"qSortCriterias":[{"qSortByState":1,"qSortByAscii":1}]},
		"qFrequencyMode":"NX_FREQUENCY_VALUE","qInitialDataFetch":[{"qWidth":1,"qHeight":20}]}}`, field)
}

// dashboardProps are those of all its objects.
func dashboardProps() []string {
	var out []string
	for i := range dashCharts {
		out = append(out, dashCharts[i].props())
	}
	for _, f := range dashLists {
		out = append(out, listProps(f))
	}
	return out
}

// A layout is what a client gets, as JSON.
type layout []byte

// cube returns rows and totals of a chart.
func (l layout) cube() (rows int, totals []float64, err error) {
	var x struct {
		Cube struct {
			Size struct {
				Rows int `json:"qcy"`
			} `json:"qSize"`
			Totals []struct {
				Num json.RawMessage `json:"qNum"` // "NaN" too
			} `json:"qGrandTotalRow"`
		} `json:"qHyperCube"`
	}
	if err := json.Unmarshal(l, &x); err != nil {
		return 0, nil, err
	}
	for _, t := range x.Cube.Totals {
		var v float64
		if err := json.Unmarshal(t.Num, &v); err != nil {
			return 0, nil, fmt.Errorf("total %s", t.Num)
		}
		totals = append(totals, v)
	}
	return x.Cube.Size.Rows, totals, nil
}

// dashAnswer sums up the charts as peers do: their rows and first totals.
func dashAnswer(layouts []layout) (string, error) {
	rows, sum := 0, 0.0
	for _, l := range layouts {
		n, totals, err := l.cube()
		if err != nil || len(totals) == 0 {
			return "", fmt.Errorf("layout %.100q: %w", l, err)
		}
		rows += n
		sum += totals[0]
	}
	return fmt.Sprintf("1 rows, sums [%d %.0f]", rows, sum), nil
}

// apply selects in a session, field by field.
func apply(u *session.Session, st *state.State, fields []fieldSelection) error {
	for _, f := range fields {
		sel, _ := st.Field(f.field)
		if ok, err := u.Select(u.FieldOf(f.field), sel.Codes, session.Pick{}); err != nil || !ok {
			return fmt.Errorf("select in %s: %v, %w", f.field, ok, err)
		}
	}
	return nil
}

// runDashboard measures a selection and all layouts after it in an app that is
// in use: its columns are read, no result is kept.
func runDashboard(ctx context.Context, s *suite) error {
	_, id, err := s.ownApp(ctx)
	if err != nil {
		return err
	}
	lib, err := s.library()
	if err != nil {
		return err
	}
	user, err := openIn(lib, id) // keeps the app open from one repetition to the next
	if err != nil {
		return err
	}
	defer user.Close()
	for i := range 2 {
		if err := s.dashboard(ctx, lib, id, &s.data.selections[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *suite) dashboard(ctx context.Context, lib *app.Library, id string, sel *namedSelection) error {
	var u *session.Session
	var refs []*session.Ref
	var st *state.State
	before := func() (err error) {
		if u, err = openIn(lib, id); err != nil {
			return err
		}
		if refs, err = create(u, dashboardProps()); err != nil {
			return err
		}
		u.Data().Results.Drop()
		u.Data().Infer.Drop()
		st, err = sel.state(u.Data().Model)
		return err
	}
	return s.repeat(ctx, "dashboard "+sel.name, before, func() (string, error) {
		defer u.Close()
		if err := apply(u, st, sel.fields); err != nil {
			return "", err
		}
		layouts, err := layOut(ctx, u, refs)
		if err != nil {
			return "", err
		}
		return dashAnswer(layouts[:len(dashCharts)])
	})
}

// dashColumns are what the dashboard reads of the rows alive.
const dashColumns = "d_year, d_yearmonthnum, c_region, c_nation, c_city, s_region, s_nation, p_mfgr, p_brand1, " +
	"lo_revenue, lo_supplycost, lo_custkey, lo_quantity, lo_discount, lo_extendedprice, lo_shipmode"

// dashWork is the dashboard in SQL: over the sales alive, kept first, or over
// the tables each time. Statements that begin with WITH are pages; the others
// are the rows and totals that are compared.
func dashWork(sel *namedSelection) peerWork {
	where := strings.TrimPrefix(sel.alive("lineorder"), "lineorder")
	work := peerWork{Name: "dashboard " + sel.name, Measures: 2, Together: true, Forms: []peerForm{
		{"rows kept", []string{"DROP TABLE IF EXISTS kept", "CREATE TEMP TABLE kept AS SELECT " + dashColumns + " FROM " + joined("dcsp") + where}},
		{"each over the tables", nil},
	}}
	for k := range work.Forms {
		f := &work.Forms[k]
		from := func(tables string) string {
			if k == 0 {
				return "kept"
			}
			return joined(tables) + where
		}
		for i := range dashCharts {
			f.SQL = append(f.SQL, dashCharts[i].statements(from(dashCharts[i].tables))...)
		}
		for _, l := range dashLists {
			from := from(strings.Trim(l[:1], "l"))
			f.SQL = append(f.SQL, fmt.Sprintf("WITH box AS (SELECT %[1]s, count(*) AS n FROM %[2]s GROUP BY %[1]s) SELECT * FROM box", l, from))
		}
	}
	return work
}

func (c *dashChart) statements(from string) []string {
	dims, measures := strings.Join(c.dims, ", "), ""
	for i, m := range c.sql {
		measures += fmt.Sprintf(", %s AS m%d", m, i)
	}
	return []string{
		fmt.Sprintf("WITH page AS (SELECT %[1]s%[2]s FROM %[3]s GROUP BY %[1]s ORDER BY m0 DESC LIMIT 50) SELECT * FROM page", dims, measures, from),
		fmt.Sprintf("SELECT count(*) AS r, 0 AS m FROM (SELECT %[1]s FROM %[2]s GROUP BY %[1]s) AS g", dims, from),
		fmt.Sprintf("SELECT 0 AS r%s FROM %s", measures, from),
	}
}
