package turns_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/enginetest"
	"github.com/cognate-bi/cognate/engine/turns"
)

// A scan gives way between its morsels, and its answer is the same.
func TestScansGiveWay(t *testing.T) {
	s := enginetest.Load(t, "T: LOAD RecNo() AS id, Mod(RecNo(), 7) AS x AUTOGENERATE 200000;").Session
	all := turns.New(1, time.Nanosecond)
	for range 20 { // a scan may end before anybody comes
		q := s.Context("")
		q.MorselRows = 64
		var ended atomic.Bool
		begun, done := make(chan struct{}), make(chan error)
		go func() {
			done <- all.Do(t.Context(), func(ctx context.Context, _ bool) error {
				close(begun)
				v, err := q.Value(ctx, "Sum(x*id) + Count(DISTINCT id)")
				if want := sumOf(200000); err == nil && v.Num != want {
					t.Errorf("the sum is %v, want %v", v.Num, want)
				}
				ended.Store(true)
				return err
			})
		}()
		<-begun
		between := false
		err := all.Do(t.Context(), func(context.Context, bool) error {
			between = !ended.Load()
			return nil
		})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if between {
			return
		}
	}
	t.Error("no scan has given way")
}

func sumOf(n int) (sum float64) {
	for i := 1; i <= n; i++ {
		sum += float64(i % 7 * i)
	}
	return sum + float64(n)
}
