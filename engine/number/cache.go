package number

import (
	"sync"
	"sync/atomic"
)

// cacheEntriesMax bounds a cache: patterns may come from data, so their number
// is not ours to choose.
const cacheEntriesMax = 512

// A cache remembers what was made for a key. Reading takes no lock and
// allocates nothing; adding copies the map, which is rare. When it is full,
// values are made anew at each call. The zero cache is empty.
type cache[K comparable, V any] struct {
	mu sync.Mutex
	m  atomic.Pointer[map[K]V]
}

func (c *cache[K, V]) get(key K, make func() V) V {
	if m := c.m.Load(); m != nil {
		if v, ok := (*m)[key]; ok {
			return v
		}
	}
	return c.add(key, make())
}

func (c *cache[K, V]) add(key K, v V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[K]V{key: v}
	if m := c.m.Load(); m != nil {
		if first, ok := (*m)[key]; ok { // another goroutine was faster
			return first
		}
		if len(*m) >= cacheEntriesMax {
			return v
		}
		for k, v := range *m {
			next[k] = v
		}
	}
	c.m.Store(&next)
	return v
}
