package store

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/filter"
)

// TestPlan: SQLite goes from a stream to its apps, not over all apps.
func TestPlan(t *testing.T) {
	s, err := Open(t.Context(), Config{Driver: SQLite, DSN: filepath.Join(t.TempDir(), "store")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n, err := filter.Parse("stream.name eq 'x'")
	if err != nil {
		t.Fatal(err)
	}
	st, err := s.statement("App", Query{Where: n})
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	err = s.read(t.Context(), func(q querier) error {
		query := "EXPLAIN QUERY PLAN SELECT " + entityColumns + " FROM entity e WHERE " + st.where + " ORDER BY " + st.order
		return q.rows(t.Context(), query, st.args, func(rows *sql.Rows) error {
			var id, parent, unused int
			var step string
			err := rows.Scan(&id, &parent, &unused, &step)
			plan.WriteString(step + "\n")
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"SEARCH e USING PRIMARY KEY (id=?)", "USING COVERING INDEX entity_type_name (type=? AND name=?)", "USING COVERING INDEX reference_target (target=? AND field=?)"} {
		if !strings.Contains(plan.String(), step) {
			t.Errorf("the plan has no %q:\n%s", step, &plan)
		}
	}
}
