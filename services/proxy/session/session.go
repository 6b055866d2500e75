package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// A Reason says why a session ended.
type Reason int

// The ways a session ends.
const (
	TimedOut  Reason = iota + 1 // nothing came for the inactivity time-out
	LoggedOut                   // the user said so
	Closed                      // somebody else said so: REST, a new user in a header, an identity provider
)

// String names the reason for logs.
func (r Reason) String() string {
	switch r {
	case TimedOut:
		return "timed out"
	case LoggedOut:
		return "logged out"
	case Closed:
		return "closed"
	}
	return "running"
}

// A Session is one login of one user at one prefix.
//
// Everything but the time of the last activity and the end is fixed at its
// start, so any number of goroutines may read it.
type Session struct {
	// ID names the session in logs and interfaces. It is not the token of the
	// cookie and cannot be turned into it, so whoever reads it cannot use the session.
	ID      string
	Prefix  string // of the virtual proxies that share it
	User    User
	Started time.Time
	Timeout time.Duration // inactivity that ends it

	key    key
	csrf   string
	active atomic.Int64    // last activity, Unix nanoseconds
	reason atomic.Int32    // a Reason; 0 while it runs
	life   context.Context //nolint:containedctx // ends with the session
	finish context.CancelFunc
}

// A key is what the store knows of a token.
type key [sha256.Size]byte

// hash binds a token to its prefix: a cookie of one virtual proxy says nothing
// at another. The prefix cannot hold the byte that separates them.
func hash(prefix, token string) key { return sha256.Sum256([]byte(prefix + "\x00" + token)) }

// publicID shows half of the key as a UUID.
func publicID(k key) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", k[0:4], k[4:6], k[6:8], k[8:10], k[10:16])
}

// owner is the user at the prefix, as a key.
func (s *Session) owner() string {
	return strings.ToLower(s.Prefix + "\x00" + s.User.Directory + "\x00" + s.User.ID)
}

// Touch notes activity at the time now.
func (s *Session) Touch(now time.Time) {
	for at := now.UnixNano(); ; {
		old := s.active.Load()
		if old >= at || s.active.CompareAndSwap(old, at) {
			return
		}
	}
}

// Active returns the time of the last activity.
func (s *Session) Active() time.Time { return time.Unix(0, s.active.Load()) }

// expired reports whether the session has been idle for too long.
func (s *Session) expired(now time.Time) bool { return now.Sub(s.Active()) >= s.Timeout }

// Done is closed when the session ends; Reason then says why.
func (s *Session) Done() <-chan struct{} { return s.life.Done() }

// AfterEnd calls f on a goroutine of its own when the session has ended, at once
// if it has already. stop undoes that; it reports false if f was called.
func (s *Session) AfterEnd(f func()) (stop func() bool) { return context.AfterFunc(s.life, f) }

// Reason says why the session ended; 0 while it runs.
func (s *Session) Reason() Reason { return Reason(s.reason.Load()) }

// CSRFToken is what pages of this session send with requests that change something.
func (s *Session) CSRFToken() string { return s.csrf }

// IsCSRFToken compares in constant time.
func (s *Session) IsCSRFToken(token string) bool {
	return subtle.ConstantTimeCompare([]byte(s.csrf), []byte(token)) == 1
}
