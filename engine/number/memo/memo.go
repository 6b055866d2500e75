// Package memo remembers what was made for a key, within a bound.
package memo

import (
	"sync"
	"sync/atomic"
)

// entriesMax bounds a map: keys may come from data, so their number is not
// ours to choose.
const entriesMax = 512

// A Map holds what was made for a key. Reading takes no lock and allocates
// nothing; adding copies the map, which is rare. When it is full, values are
// made anew at each call. The zero Map is empty. Any number of goroutines may
// use it.
type Map[K comparable, V any] struct {
	mu sync.Mutex
	m  atomic.Pointer[map[K]V]
}

// Get returns the value of key, made by build if it is not there. All callers
// get the same value while the map has room.
func (c *Map[K, V]) Get(key K, build func() V) V {
	if m := c.m.Load(); m != nil {
		if v, ok := (*m)[key]; ok {
			return v
		}
	}
	return c.add(key, build())
}

func (c *Map[K, V]) add(key K, v V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[K]V{key: v}
	if m := c.m.Load(); m != nil {
		if first, ok := (*m)[key]; ok { // another goroutine was faster
			return first
		}
		if len(*m) >= entriesMax {
			return v
		}
		for k, v := range *m {
			next[k] = v
		}
	}
	c.m.Store(&next)
	return v
}
