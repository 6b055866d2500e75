package cube

import "sync/atomic"

// Counters count what caches of results do; many caches may share them. Any
// number of goroutines may use them.
type Counters struct {
	Lookups, Hits     atomic.Int64
	Added, AddedBytes atomic.Int64
	Replaced          atomic.Int64 // given up for others, or for a newer one
}

// added notes a result that is kept.
func (c *Counters) added(r *result) {
	c.Added.Add(1)
	c.AddedBytes.Add(int64(r.bytes))
}
