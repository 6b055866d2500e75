package session

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
)

// A Usage is what a session has been used for. Any number of goroutines may
// read it and add to it.
type Usage struct {
	Started time.Time

	sum              *Usage       // of all sessions of an engine; nil: of none
	calls, picks     atomic.Int64 // requests; those of them that select
	received, sent   atomic.Int64 // bytes
	busy             atomic.Int64 // nanoseconds that requests have taken
	last             atomic.Int64 // end of the last request, Unix nanoseconds
	starts           atomic.Int64 // sessions, in a sum
	opened, unopened atomic.Int64 // apps that were opened, and that could not be
}

// Call notes a request that has ended at a time.
func (u *Usage) Call(at time.Time, took time.Duration, selects bool) {
	for ; u != nil; u = u.sum {
		u.calls.Add(1)
		if selects {
			u.picks.Add(1)
		}
		u.busy.Add(int64(took))
		u.last.Store(at.UnixNano())
	}
}

// Received and Sent note bytes of frames.
func (u *Usage) Received(n int) {
	for ; u != nil; u = u.sum {
		u.received.Add(int64(n))
	}
}

// Sent notes bytes that went to the client.
func (u *Usage) Sent(n int) {
	for ; u != nil; u = u.sum {
		u.sent.Add(int64(n))
	}
}

// open notes that an app was opened, or could not be.
func (u *Usage) open(ok bool) {
	for ; u != nil; u = u.sum {
		if ok {
			u.opened.Add(1)
		} else {
			u.unopened.Add(1)
		}
	}
}

// Calls returns how many requests there were.
func (u *Usage) Calls() int64 { return u.calls.Load() }

// Selections returns how many of the requests select.
func (u *Usage) Selections() int64 { return u.picks.Load() }

// Bytes returns how much came from the client and went to it.
func (u *Usage) Bytes() (received, sent int64) { return u.received.Load(), u.sent.Load() }

// Busy returns how long requests took, together.
func (u *Usage) Busy() time.Duration { return time.Duration(u.busy.Load()) }

// activeFor is how long after its last request a session counts as active.
const activeFor = 5 * time.Minute

// activeAt reports whether there was a request within the last minutes.
func (u *Usage) activeAt(now time.Time) bool {
	last := u.last.Load()
	return last != 0 && now.Sub(time.Unix(0, last)) < activeFor
}

// An Overview is what the sessions of an engine do. What is active was used
// within the last five minutes.
type Overview struct {
	Active, Total           int // sessions
	ActiveUsers, TotalUsers int
	ActiveApps, LoadedApps  []string // ids, of apps that sessions have open; sorted
	Sessions                int64    // started, ever, as the next ones
	Opened, Unopened        int64    // apps
	Calls, Selections       int64
	Received, Sent          int64 // bytes
	AnonymousActive         int
	AnonymousTotal          int
}

// Overview tells what the sessions do.
func (r *Registry) Overview() (o Overview) {
	now := r.lib.Options().Now()
	users, apps := map[string]bool{}, map[string]bool{} // with whether they are active
	r.mu.Lock()
	for _, e := range r.sessions {
		s := e.session
		active := s.Usage.activeAt(now)
		o.Total++
		o.Active += one(active)
		users[s.User] = users[s.User] || active
		if r.Anonymous != nil && r.Anonymous(s.User) {
			o.AnonymousTotal++
			o.AnonymousActive += one(active)
		}
		if a := s.current.Load(); a != nil {
			apps[a.ID] = apps[a.ID] || active
		}
	}
	r.mu.Unlock()
	for _, active := range users {
		o.TotalUsers++
		o.ActiveUsers += one(active)
	}
	o.ActiveApps, o.LoadedApps = []string{}, []string{}
	for id, active := range apps {
		o.LoadedApps = append(o.LoadedApps, id)
		if active {
			o.ActiveApps = append(o.ActiveApps, id)
		}
	}
	slices.Sort(o.LoadedApps)
	slices.Sort(o.ActiveApps)
	u := &r.sum
	o.Sessions, o.Opened, o.Unopened = u.starts.Load(), u.opened.Load(), u.unopened.Load()
	o.Calls, o.Selections = u.Calls(), u.Selections()
	o.Received, o.Sent = u.Bytes()
	return o
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Current returns the app that is open, nil if none is. It may be called from
// anywhere.
func (s *Session) Current() *app.App { return s.current.Load() }
