package bench

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A sale is a row of the sales with the rows of its dimensions, by column.
type sale map[string]string

func (s sale) int(column string) int {
	n, err := strconv.Atoi(s[column])
	if err != nil {
		panic(err) // the generator writes numbers there
	}
	return n
}

// sales joins the tables of a folder by hand.
func sales(t *testing.T, folder string) []sale {
	t.Helper()
	table := func(name string) (columns []string, rows [][]string) {
		f, err := os.Open(filepath.Join(folder, name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		all, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return all[0], all[1:]
	}
	columns, rows := table("lineorder")
	out := make([]sale, len(rows))
	for i, r := range rows {
		out[i] = sale{}
		for k, c := range columns {
			out[i][c] = r[k]
		}
	}
	for name, key := range map[string]string{"date": "lo_orderdate", "customer": "lo_custkey", "supplier": "lo_suppkey", "part": "lo_partkey"} {
		columns, rows := table(name)
		byKey := map[string][]string{}
		for _, r := range rows {
			byKey[r[0]] = r
		}
		for _, s := range out {
			for k, v := range byKey[s[key]] {
				s[columns[k]] = v
			}
		}
	}
	return out
}

// TestAnswers compares the answers of the benchmark with nested loops.
func TestAnswers(t *testing.T) {
	c := Config{ScaleFactor: 0.02, Folder: t.TempDir(), Repetitions: 2}
	report, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{}
	for _, f := range report.Figures {
		name, _, _ := strings.Cut(f.Workload, " (")
		answers[name] = f.Answer
	}
	all := sales(t, c.Folder)
	asia := func(s sale) bool { return s["c_region"] == "ASIA" && s["s_region"] == "ASIA" }
	america := func(s sale) bool { return s["c_region"] == "AMERICA" && s["s_region"] == "AMERICA" }
	revenue := func(s sale) int { return s.int("lo_revenue") }
	profit := func(s sale) int { return s.int("lo_revenue") - s.int("lo_supplycost") }
	for _, q := range []struct {
		name    string
		dims    []string
		where   func(sale) bool
		measure func(sale) int
	}{
		{"Q1.1", nil, func(s sale) bool {
			return s["d_year"] == "1993" && s.int("lo_discount") >= 1 && s.int("lo_discount") <= 3 && s.int("lo_quantity") < 25
		}, func(s sale) int { return s.int("lo_extendedprice") * s.int("lo_discount") }},
		{"Q1.3", nil, func(s sale) bool {
			return s["d_year"] == "1994" && s["d_weeknuminyear"] == "6" && s.int("lo_discount") >= 5 && s.int("lo_discount") <= 7 && s.int("lo_quantity") >= 26 && s.int("lo_quantity") <= 35
		}, func(s sale) int { return s.int("lo_extendedprice") * s.int("lo_discount") }},
		{"Q2.1", []string{"d_year", "p_brand1"}, func(s sale) bool { return s["p_category"] == "MFGR#12" && s["s_region"] == "AMERICA" }, revenue},
		{"Q3.1", []string{"c_nation", "s_nation", "d_year"}, func(s sale) bool { return asia(s) && s["d_year"] <= "1997" }, revenue},
		{"Q3.4", []string{"c_city", "s_city", "d_year"}, func(s sale) bool {
			cities := []string{"UNITED KI1", "UNITED KI5"}
			return slices.Contains(cities, s["c_city"]) && slices.Contains(cities, s["s_city"]) && s["d_yearmonth"] == "Dec1997"
		}, revenue},
		{"Q4.1", []string{"d_year", "c_nation"}, func(s sale) bool { return america(s) && (s["p_mfgr"] == "MFGR#1" || s["p_mfgr"] == "MFGR#2") }, profit},
		{"Q4.2", []string{"d_year", "s_nation", "p_category"}, func(s sale) bool {
			return america(s) && s["d_year"] >= "1997" && (s["p_mfgr"] == "MFGR#1" || s["p_mfgr"] == "MFGR#2")
		}, profit},
	} {
		groups, sum := map[string]bool{}, 0
		for _, s := range all {
			if !q.where(s) {
				continue
			}
			key := ""
			for _, d := range q.dims {
				key += s[d] + "|"
			}
			groups[key] = true
			sum += q.measure(s)
		}
		if want := fmt.Sprintf("%d rows, sums [%d]", len(groups), sum); answers["chart "+q.name] != want {
			t.Errorf("%s: %s, want %s", q.name, answers["chart "+q.name], want)
		}
	}
	checkClick(t, all, answers["click S1"])

	var text, encoded bytes.Buffer
	if err := report.WriteText(&text); err != nil || !strings.Contains(text.String(), "chart Q4.3") {
		t.Errorf("text: %v\n%s", err, text.String())
	}
	var again Report
	if err := report.WriteJSON(&encoded); err != nil {
		t.Error(err)
	} else if err := json.Unmarshal(encoded.Bytes(), &again); err != nil || len(again.Figures) != len(report.Figures) {
		t.Errorf("json: %v", err)
	}
}

// checkClick counts the values of all fields over the sales that selection S1
// leaves, its own two fields excepted: there only what is selected is.
func checkClick(t *testing.T, all []sale, answer string) {
	t.Helper()
	seen := map[string]map[string]bool{}
	for _, s := range all {
		if s["d_year"] != "1997" || s["c_region"] != "ASIA" {
			continue
		}
		for column, value := range s {
			if starKeys[column] != "" {
				continue // the same field as its twin in the sales
			}
			if seen[column] == nil {
				seen[column] = map[string]bool{}
			}
			seen[column][value] = true
		}
	}
	n := 0
	for _, values := range seen {
		n += len(values)
	}
	if want := fmt.Sprintf("%d values possible", n); answer != want {
		t.Errorf("click S1: %s, want %s", answer, want)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{Data: "x"}, {Data: "flights"}, {Repetitions: -1}} {
		if err := c.Validate(); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
	if _, err := Run(t.Context(), Config{ScaleFactor: -1, Folder: t.TempDir()}); err == nil {
		t.Error("negative scale: no error")
	}
}

// TestWrongAnswers makes sure that a wrong answer is an error: one that changes,
// and one that is not that of the other system.
func TestWrongAnswers(t *testing.T) {
	c, d := Config{Repetitions: 2}, dataset{answers: map[string]string{"known": "1"}}
	calls := 0
	for _, tt := range []struct {
		workload string
		answer   func() string
		fails    bool
	}{
		{"known (described)", func() string { return "1" }, false},
		{"known (described)", func() string { return "2" }, true},
		{"unknown", func() string { return "2" }, false},
		{"unknown", func() string { calls++; return strconv.Itoa(calls) }, true},
	} {
		var r Report
		err := repeat(t.Context(), &c, &d, &r, tt.workload, func() (string, error) { return tt.answer(), nil })
		if (err != nil) != tt.fails || (len(r.Figures) == 0) != tt.fails {
			t.Errorf("%s: %v, %d figures", tt.workload, err, len(r.Figures))
		}
	}
}

// TestKnownAnswersHaveWorkloads keeps a renamed workload from losing its answer.
func TestKnownAnswersHaveWorkloads(t *testing.T) {
	check := func(d *dataset, answers map[string]string) {
		t.Helper()
		n := 0
		for _, s := range d.selections {
			if answers["click "+s.name] != "" {
				n++
			}
		}
		for _, c := range d.charts {
			if answers["chart "+c.name] != "" {
				n++
			}
		}
		if n != len(answers) || n != len(d.selections)+len(d.charts) {
			t.Errorf("%d of %d answers belong to one of %d workloads", n, len(answers), len(d.selections)+len(d.charts))
		}
	}
	check(&flights, flights.answers)
	star := starSchema()
	for _, answers := range starAnswers {
		check(&star, answers)
	}
}
