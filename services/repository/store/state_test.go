package store_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// Transactions that count up at the same time see each other; what fails leaves
// nothing.
func TestState(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		count := func(fail error) error {
			return s.Tx(t.Context(), func(tx *store.Tx) error {
				var n struct{ N int }
				if err := tx.State(t.Context(), "counter", &n); err != nil {
					return err
				}
				n.N++
				return errors.Join(tx.SetState(t.Context(), "counter", n), fail)
			})
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					if err := count(nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if err := count(errors.New("no")); err == nil {
			t.Error("a failure is none")
		}
		var n struct{ N int }
		err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.State(t.Context(), "counter", &n) })
		if err != nil || n.N != 80 {
			t.Errorf("counted to %d, %v", n.N, err)
		}
	})
}
