package store_test

import (
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// TestPool lets one transaction wait for the connection of another one.
func TestPool(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		cfg.MaxConns, cfg.Wait = 1, 30*time.Second
		s := storetest.Open(t, cfg)
		before := s.Pool()
		held, let := make(chan struct{}), make(chan struct{})
		var g errgroup.Group
		g.Go(func() error {
			return s.Tx(t.Context(), func(*store.Tx) error {
				close(held)
				<-let
				return nil
			})
		})
		<-held
		if p := s.Pool(); p.Active != 1 || p.Open < 1 || p.Waiting != 0 || p.Done != before.Done {
			t.Errorf("one is in use: %+v", p)
		}
		g.Go(func() error { return s.Tx(t.Context(), func(*store.Tx) error { return nil }) })
		for end := time.Now().Add(10 * time.Second); s.Pool().Waiting != 1; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("nobody waits: %+v", s.Pool())
			}
		}
		close(let)
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if p := s.Pool(); p.Active != 0 || p.Waiting != 0 || p.Waits <= before.Waits || p.Done != before.Done+2 {
			t.Errorf("afterwards: %+v, before %+v", p, before)
		}
	})
}
