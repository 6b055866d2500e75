package turns

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// work computes for so long, morsel by morsel of a millisecond.
func work(ctx context.Context, d time.Duration) error {
	for ; d > 0; d -= time.Millisecond {
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// While one session computes for a minute, the clicks of another take their
// turns after at most a slice each.
func TestClicksGoBeforeLongComputations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := New(1, 20*time.Millisecond)
		var wg sync.WaitGroup
		long := time.Time{}
		wg.Go(func() {
			_ = all.Do(t.Context(), func(ctx context.Context, _ bool) error { return work(ctx, time.Minute) })
			long = time.Now()
		})
		synctest.Wait()
		begun := time.Now()
		for range 100 {
			at := time.Now()
			if err := all.Do(t.Context(), func(ctx context.Context, alone bool) error {
				if alone {
					t.Error("a click beside a long computation counts as alone")
				}
				return work(ctx, time.Millisecond)
			}); err != nil {
				t.Error(err)
			}
			if took := time.Since(at); took > 25*time.Millisecond {
				t.Errorf("a click waited %v for a computation that has used its slice", took)
			}
			time.Sleep(50 * time.Millisecond)
		}
		wg.Wait()
		if took := long.Sub(begun); took > 61*time.Second {
			t.Errorf("the long computation took %v", took)
		}
	})
}

// Fresh computations without end do not keep a tired one from its.
func TestTiredComputationsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := New(1, 20*time.Millisecond)
		stop := make(chan struct{})
		var clicks sync.WaitGroup
		var long sync.WaitGroup
		long.Go(func() {
			_ = all.Do(t.Context(), func(ctx context.Context, _ bool) error { return work(ctx, time.Second) })
		})
		synctest.Wait()
		for range 20 {
			clicks.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_ = all.Do(t.Context(), func(ctx context.Context, _ bool) error { return work(ctx, 5*time.Millisecond) })
					}
				}
			})
		}
		begun := time.Now()
		long.Wait()
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("it took %v; with a turn after every eighth it is 3 s", took)
		}
		close(stop)
		clicks.Wait()
	})
}

// Those that wait get their turns in the order in which they came.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := New(1, time.Hour)
		release := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = all.Do(t.Context(), func(context.Context, bool) error { <-release; return nil })
		})
		synctest.Wait()
		var order []int
		for i := range 10 {
			wg.Go(func() {
				_ = all.Do(t.Context(), func(context.Context, bool) error { order = append(order, i); return nil })
			})
			synctest.Wait()
		}
		close(release)
		wg.Wait()
		if !slices.IsSorted(order) || len(order) != 10 {
			t.Errorf("order %v", order)
		}
	})
}

// Who is cancelled while waiting leaves, and a place that was meant for it goes
// to another.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := New(2, time.Millisecond)
		var wg sync.WaitGroup
		for i := range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*5*time.Millisecond)
			wg.Go(func() {
				defer cancel()
				err := all.Do(ctx, func(ctx context.Context, _ bool) error { return work(ctx, 4*time.Millisecond) })
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if all.used != 0 || all.waiting.Load() != 0 || len(all.fresh)+len(all.tired) != 0 {
			t.Errorf("at the end %d places are used and %d wait", all.used, all.waiting.Load())
		}
	})
}

// All goroutines of a computation give way together.
func TestGoroutinesOfOneComputation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := New(1, 5*time.Millisecond)
		var running atomic.Int32
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_ = all.Do(t.Context(), func(ctx context.Context, _ bool) error {
					var own sync.WaitGroup
					for range 4 {
						own.Go(func() {
							for range 50 {
								if ctx.Err() != nil {
									return
								}
								if n := running.Add(1); n > 8 { // four, and four that have not asked yet
									t.Errorf("%d goroutines run", n)
								}
								time.Sleep(time.Millisecond)
								running.Add(-1)
							}
						})
					}
					own.Wait()
					return nil
				})
			})
		}
		wg.Wait()
	})
}

// A computation that is cancelled while it waits for another turn ends at once,
// and takes no place from others.
func TestCancelledWhileTired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := New(1, time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		begun := time.Now()
		wg.Go(func() {
			err := all.Do(ctx, func(ctx context.Context, _ bool) error { return work(ctx, time.Minute) })
			if !errors.Is(err, context.Canceled) || time.Since(begun) > time.Minute {
				t.Errorf("%v after %v", err, time.Since(begun))
			}
		})
		synctest.Wait()
		wg.Go(func() { // gives way to nobody
			_ = all.Do(t.Context(), func(context.Context, bool) error { time.Sleep(time.Hour); return nil })
		})
		time.Sleep(30 * time.Second)
		cancel()
		wg.Wait()
		if all.used != 0 || all.waiting.Load() != 0 {
			t.Errorf("at the end %d places are used and %d wait", all.used, all.waiting.Load())
		}
	})
}
