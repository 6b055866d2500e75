package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// TestRoutes: no special operation takes requests of another one, as one on
// "/{id}" would those on "/count".
func TestRoutes(t *testing.T) {
	repo := newSite(t, storetest.Open(t, storetest.Config(t, store.SQLite))).repo
	s := New(Options{Repository: repo})
	for _, o := range s.schema.AllOperations() {
		method, path, _ := strings.Cut(o, " ")
		parts := strings.Split(strings.Trim(strings.ToLower(path), "/"), "/")
		i := slices.IndexFunc(s.routes, func(o route) bool {
			_, fits := o.match(&request{method: method, path: parts, raw: parts})
			return fits
		})
		if i < 0 {
			continue
		}
		for k, want := range parts {
			if p := s.routes[i].pattern[k]; p != want && !strings.HasPrefix(want, "{") {
				t.Errorf("%s comes to %s %s", o, s.routes[i].method, strings.Join(s.routes[i].pattern, "/"))
			}
		}
	}
}
