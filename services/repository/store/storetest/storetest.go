// Package storetest opens stores for tests, on every database that there is.
// PostgreSQL is a server of the test's own, in a temporary folder.
package storetest

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/pgtemp"
)

// Each runs a test with an empty store on each database. If PostgreSQL is not
// installed the test fails, unless COGNATE_SKIP_POSTGRES is set.
func Each(t *testing.T, f func(*testing.T, *store.Store)) {
	t.Helper()
	EachConfig(t, func(t *testing.T, cfg store.Config) { f(t, Open(t, cfg)) })
}

// EachConfig runs a test with the configuration of an empty database of each
// kind, for tests that open it more than once or in a way of their own.
func EachConfig(t *testing.T, f func(*testing.T, store.Config)) {
	t.Helper()
	for _, driver := range Drivers {
		t.Run(driver, func(t *testing.T) { f(t, Config(t, driver)) })
	}
}

// shared is the server of this process: starting one takes a second, and tests
// tell theirs apart by databases.
var shared = sync.OnceValues(pgtemp.Start)

// Drivers are the databases.
var Drivers = [...]string{store.SQLite, store.Postgres}

// Config returns the configuration of an empty database.
func Config(t testing.TB, driver string) store.Config {
	t.Helper()
	cfg := store.Config{Driver: driver, SiteKey: bytes.Repeat([]byte{7}, 32)}
	if driver == store.SQLite {
		cfg.DSN = filepath.Join(t.TempDir(), "repository db?#%.sqlite") // a name that is hard to write in a URL
		return cfg
	}
	if os.Getenv("COGNATE_SKIP_POSTGRES") != "" {
		t.Skip("COGNATE_SKIP_POSTGRES is set")
	}
	c, err := shared()
	if err != nil {
		t.Fatalf("%v; COGNATE_SKIP_POSTGRES=1 leaves these tests out", err)
	}
	if cfg.DSN, err = c.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Open opens a store and closes it at the end of the test.
func Open(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
