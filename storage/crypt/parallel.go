package crypt

import (
	"sync"
	"sync/atomic"
)

// parallel calls do for 0 … n-1 in ascending order from up to workers
// goroutines. After an error no further call begins; of several errors the
// one of the lowest index is returned.
func parallel(workers int, n uint64, do func(i uint64) error) error {
	if n == 0 {
		return nil
	}
	var (
		next   atomic.Uint64
		mu     sync.Mutex
		failed error
		lowest = n
		wg     sync.WaitGroup
	)
	work := func() {
		for i := next.Add(1) - 1; i < n; i = next.Add(1) - 1 {
			if err := do(i); err != nil {
				mu.Lock()
				if i < lowest {
					lowest, failed = i, err
				}
				mu.Unlock()
				next.Store(n) // below 2^63, so that the additions of others do not wrap
			}
		}
	}
	for range min(uint64(workers), n) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return failed
}
