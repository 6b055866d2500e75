package store_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// After a large transaction PostgreSQL knows how much there is.
func TestPostgresCountsWhatWasAdded(t *testing.T) {
	cfg := storetest.Config(t, store.Postgres)
	s := storetest.Open(t, cfg)
	c, err := pgx.Connect(t.Context(), cfg.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(t.Context()) })
	counted := func() (n float64) {
		t.Helper()
		if err := c.QueryRow(t.Context(), "SELECT reltuples FROM pg_class WHERE relname = 'entity'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const many = 1000
	if n := counted(); n >= many {
		t.Fatalf("%v are counted before", n)
	}
	err = s.Tx(t.Context(), func(tx *store.Tx) error {
		for i := range many {
			if _, err := tx.Create(t.Context(), "Tag", doc{"name": fmt.Sprint("tag ", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := counted(); n < many {
		t.Errorf("%v are counted", n)
	}
}
