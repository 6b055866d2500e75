package repository_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// TestNodesStartAtATime has nodes join a site beside each other: each is there,
// and its engine is one that the default virtual proxy may use.
func TestNodesStartAtATime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		repo, err := repository.Open(t.Context(), repository.Options{Store: db})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(repo.Close)
		if _, err := repo.Join(t.Context(), repository.Node{Name: "Central", Host: "a", Central: true, Proxy: 443, Rest: 4243}); err != nil {
			t.Fatal(err)
		}
		const nodes = 6
		var all sync.WaitGroup
		for i := range nodes {
			all.Go(func() {
				if _, err := repo.Join(t.Context(), repository.Node{Name: fmt.Sprint("node", i), Host: "a", Engine: 4700 + i}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		self := repository.Service("repository")
		found, err := repo.List(t.Context(), &self, repo.Schema().Type("VirtualProxyConfig"), repository.Query{Filter: "defaultVirtualProxy eq true"})
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		if engines, _ := found[0]["loadBalancingServerNodes"].([]any); len(engines) != nodes {
			t.Errorf("%d engines of %d", len(engines), nodes)
		}
	})
}
