package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
	"golang.org/x/sync/errgroup"
)

// TestConcurrentWriters: of writers who read the same state one wins, nobody's
// change is lost, and a listener gets all changes in the order of their
// numbers.
func TestConcurrentWriters(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		cfg.Wait = 30 * time.Second
		s := storetest.Open(t, cfg)
		const writers, rounds = 6, 15
		e := create(t, s, "Tag", doc{"name": "0"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		seen, done := int64(0), errors.New("all seen")
		n := 0
		listener := make(chan error, 1)
		go func() {
			listener <- s.Subscribe(ctx, 0, func(batch []store.Change) error {
				for _, c := range batch {
					if c.Seq <= seen {
						return fmt.Errorf("change %d after %d", c.Seq, seen)
					}
					seen = c.Seq
					n++
				}
				if n == 1+writers*rounds {
					return done
				}
				return nil
			})
		}()
		var g errgroup.Group
		for range writers {
			g.Go(func() error {
				for range rounds {
					if err := increment(t.Context(), s, e.ID); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if err := <-listener; !errors.Is(err, done) {
			t.Errorf("listener: %v after %d changes", err, n)
		}
		got, err := s.Get(t.Context(), "Tag", e.ID)
		if err != nil || got.Doc["name"] != fmt.Sprint(writers*rounds) {
			t.Errorf("counted to %v, %v", got.Doc["name"], err)
		}
	})
}

// increment reads, adds one and writes until nobody was in between.
func increment(ctx context.Context, s *store.Store, id string) error {
	for {
		e, err := s.Get(ctx, "Tag", id)
		if err != nil {
			return err
		}
		var n int
		if _, err := fmt.Sscan(e.Doc["name"].(string), &n); err != nil {
			return err
		}
		err = s.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Update(ctx, "Tag", id, doc{"name": fmt.Sprint(n + 1), "modifiedDate": schema.FormatDate(e.Modified)})
			return err
		})
		if !errors.Is(err, store.ErrStale) {
			return err
		}
	}
}

// TestDeleteWhileReferring: nothing ends up referring to what is gone.
func TestDeleteWhileReferring(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		u := newUser(t, s, "anna")
		for i := range 20 {
			tag := create(t, s, "Tag", doc{"name": fmt.Sprint(i)})
			var g errgroup.Group
			g.Go(func() error {
				err := s.Tx(t.Context(), func(tx *store.Tx) error {
					// The error comes out of Tx even so.
					_, _ = tx.Create(t.Context(), "Stream", doc{"name": "s", "owner": ref(u), "tags": []any{ref(tag)}})
					return nil
				})
				var invalid *store.ErrInvalid
				if errors.As(err, &invalid) || errors.Is(err, store.ErrNotFound) {
					return nil // the tag was gone
				}
				return err
			})
			g.Go(func() error {
				return s.Tx(t.Context(), func(tx *store.Tx) error { return tx.Delete(t.Context(), "Tag", tag.ID) })
			})
			if err := g.Wait(); err != nil {
				t.Error(err)
			}
		}
		list, err := s.List(t.Context(), "Stream", store.Query{Where: where(t, "tags ne null")})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			for _, x := range e.Doc["tags"].([]any) {
				if _, err := s.Get(t.Context(), "Tag", x.(doc)["id"].(string)); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
