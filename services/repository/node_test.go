package repository_test

import (
	"errors"
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

// TestServicesOfNodes looks at how services of nodes are said to be, and takes
// a node away.
func TestServicesOfNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		repo, err := repository.Open(t.Context(), repository.Options{Store: db})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(repo.Close)
		self := repository.Service("repository")
		join := func(n repository.Node) string {
			t.Helper()
			id, err := repo.Join(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		first := repository.Node{Name: "Central", Host: "a", Central: true, Proxy: 443, Engine: 4747, Scheduler: repository.Schedules}
		second := repository.Node{Name: "two", Host: "b", Engine: 4747}
		central, two := join(first), join(second)
		states := func(node string) (out string) {
			t.Helper()
			found, err := repo.List(t.Context(), &self, repo.Schema().Type("ServiceStatus"), repository.Query{Filter: "serverNodeConfiguration.id eq " + node, OrderBy: "serviceType"})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range found {
				if ts, _ := e["timestamp"].(string); ts < "2000" {
					t.Errorf("time stamp %q", ts)
				}
				out += fmt.Sprint(e["serviceType"], ":", e["serviceState"], " ")
			}
			return out
		}
		is := func(why, node, want string) {
			t.Helper()
			if got := states(node); got != want {
				t.Errorf("%s: services %q, want %q", why, got, want)
			}
		}
		note := func(node string, answers bool) {
			t.Helper()
			if err := repo.NoteEngine(t.Context(), node, answers); err != nil {
				t.Fatal(err)
			}
		}
		is("started", central, "0:2 1:2 2:2 3:2 5:4 ")
		for node, want := range map[string]int{central: 6, two: 0} {
			e, err := repo.Get(t.Context(), &self, repo.Schema().Type("ServerNodeConfiguration"), node, false)
			if roles, _ := e["roles"].([]any); err != nil || len(roles) != want {
				t.Errorf("%d roles, want %d: %v", len(roles), want, err)
			}
		}
		is("started", two, "0:2 1:4 2:4 3:2 5:4 ")
		note(central, false)
		note(two, false)
		is("the engine is silent", central, "0:2 1:2 2:2 3:3 5:4 ")
		is("the node is silent", two, "0:3 1:4 2:4 3:3 5:4 ")
		note(two, true)
		is("it is back", two, "0:2 1:4 2:4 3:2 5:4 ")
		join(first)
		is("started again", central, "0:2 1:2 2:2 3:2 5:4 ")
		if roles, err := repo.List(t.Context(), &self, repo.Schema().Type("ServerNodeRole"), repository.Query{}); err != nil || len(roles) != 6 {
			t.Errorf("started again: %d roles, %v", len(roles), err)
		}

		if err := repo.Delete(t.Context(), &self, repo.Schema().Type("ServerNodeConfiguration"), two); err != nil {
			t.Errorf("a node is taken away: %v", err)
		}
		is("taken away", two, "")
		if err := repo.Delete(t.Context(), &self, repo.Schema().Type("ServerNodeConfiguration"), central); !errors.Is(err, repository.ErrInvalid) {
			t.Errorf("the central node is taken away: %v", err)
		}
		join(second)
	})
}
