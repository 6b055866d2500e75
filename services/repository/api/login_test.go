package api

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// Browsers log in with several requests at a time: all of them are the one user
// that the first of them makes.
func TestFirstLogIns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		repo, err := repository.Open(t.Context(), repository.Options{Store: db})
		if err != nil {
			t.Fatal(err)
		}
		defer repo.Close()
		var g errgroup.Group
		ids := make([]string, 12)
		for i := range ids {
			g.Go(func() (err error) {
				ids[i], _, err = repo.LogIn(t.Context(), &repository.Caller{Directory: "DOM", ID: fmt.Sprint("user", i%3)}, "")
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			if id == "" || id != ids[i%3] {
				t.Errorf("log-ins of one user are %s and %s", ids[i%3], id)
			}
		}
	})
}
