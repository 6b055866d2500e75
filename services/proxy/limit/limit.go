// Package limit lets each of many keys do something only so often.
package limit

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// keysMax bounds the memory of a Limiter.
const keysMax = 100_000

// A Limiter is a token bucket per key: an address, a user. Any number of
// goroutines may use it. A nil Limiter lets everything pass.
type Limiter struct {
	every rate.Limit
	burst int
	now   func() time.Time

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

// New lets each key do burst things at once and perSecond in the long run.
func New(perSecond float64, burst int, now func() time.Time) *Limiter {
	return &Limiter{every: rate.Limit(perSecond), burst: burst, now: now, keys: map[string]*rate.Limiter{}}
}

// Allow takes one token of the key and reports whether there was one. When
// there are too many keys that did something lately, unknown ones are refused.
func (l *Limiter) Allow(key string) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	bucket := l.keys[key]
	if bucket == nil {
		if len(l.keys) >= keysMax && !l.forget(now) {
			return false
		}
		bucket = rate.NewLimiter(l.every, l.burst)
		l.keys[key] = bucket
	}
	return bucket.AllowN(now, 1)
}

// forget drops keys whose buckets are full again: they are as good as new.
func (l *Limiter) forget(now time.Time) bool {
	for key, bucket := range l.keys {
		if bucket.TokensAt(now) >= float64(l.burst) {
			delete(l.keys, key)
		}
	}
	return len(l.keys) < keysMax
}

// AddrKey is the key of an address. Whoever has one IPv6 address has 2^64 of
// them, so they count as one.
func AddrKey(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
