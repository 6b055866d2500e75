package session

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// A clock is set by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type ended struct {
	id  string
	why Reason
}

func newStore(t *testing.T, o Options) (*Store, *clock, *[]ended) {
	t.Helper()
	c := &clock{t: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	log := &[]ended{}
	o.Now, o.Rand = c.now, rand.Reader
	s, err := New(o, func(x *Session, why Reason) { *log = append(*log, ended{x.User.ID, why}) })
	if err != nil {
		t.Fatal(err)
	}
	return s, c, log
}

func start(t *testing.T, s *Store, prefix, id string) (string, *Session) {
	t.Helper()
	token, sess, err := s.Start(prefix, User{Directory: "DOM", ID: id}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return token, sess
}

func TestInactivityEndsASession(t *testing.T) {
	s, c, log := newStore(t, Options{})
	token, sess := start(t, s, "", "ann")
	c.add(DefaultTimeout - time.Nanosecond)
	if _, ok := s.Find("", token); !ok {
		t.Fatal("ended before its time")
	}
	c.add(DefaultTimeout - time.Nanosecond)
	if got, ok := s.Find("", token); !ok || got != sess {
		t.Fatal("finding it is no activity")
	}
	c.add(DefaultTimeout)
	if _, ok := s.Find("", token); ok {
		t.Fatal("found after its time-out")
	}
	<-sess.Done()
	if sess.Reason() != TimedOut || len(*log) != 1 || (*log)[0] != (ended{"ann", TimedOut}) {
		t.Errorf("reason %v, told %v", sess.Reason(), *log)
	}
	if _, ok := s.Find("", token); ok || s.Len() != 0 {
		t.Error("came back")
	}
}

func TestSweepEndsOnlyIdleSessions(t *testing.T) {
	s, c, log := newStore(t, Options{})
	start(t, s, "", "ann")
	c.add(20 * time.Minute)
	_, bob := start(t, s, "", "bob")
	c.add(15 * time.Minute)
	if n := s.Sweep(); n != 1 || s.Len() != 1 || bob.Reason() != 0 {
		t.Errorf("swept %d, left %d", n, s.Len())
	}
	if len(*log) != 1 || (*log)[0].id != "ann" {
		t.Errorf("told %v", *log)
	}
}

func TestATokenCountsAtItsPrefixOnly(t *testing.T) {
	s, _, _ := newStore(t, Options{})
	token, sess := start(t, s, "sales", "ann")
	for _, prefix := range []string{"", "sale", "SALES"} {
		if _, ok := s.Find(prefix, token); ok {
			t.Errorf("found at %q", prefix)
		}
		if _, ok := s.Get(prefix, sess.ID); ok {
			t.Errorf("got at %q", prefix)
		}
	}
	if _, ok := s.Find("sales", sess.ID); ok {
		t.Error("the public id serves as a token")
	}
	for _, name := range []string{token, sess.ID} {
		if got, ok := s.Get("sales", name); !ok || got != sess {
			t.Errorf("Get %q: %v", name, ok)
		}
	}
}

func TestEndByIDUserAndLogout(t *testing.T) {
	s, _, log := newStore(t, Options{})
	_, a1 := start(t, s, "", "ann")
	_, _ = start(t, s, "", "Ann")
	_, _ = start(t, s, "x", "ann")
	_, bob := start(t, s, "", "bob")
	if !s.End(bob, LoggedOut) || s.End(bob, Closed) || bob.Reason() != LoggedOut {
		t.Error("a session ends once, for the first reason")
	}
	if got := s.EndUser("", "dom", "ANN", Closed); len(got) != 2 || got[0].Prefix != "" {
		t.Errorf("ended %d sessions of ann at the default prefix", len(got))
	}
	if a1.Reason() != Closed || len(s.List("x")) != 1 {
		t.Error("the wrong sessions ended")
	}
	if n := s.EndUserEverywhere("DOM", "ann", Closed); n != 1 || s.Len() != 0 {
		t.Errorf("everywhere: %d, left %d", n, s.Len())
	}
	if len(*log) != 4 {
		t.Errorf("told %v", *log)
	}
}

func TestTheStoreIsBounded(t *testing.T) {
	s, c, _ := newStore(t, Options{Max: 4})
	nobody := User{Directory: "none", ID: "anonymous1"}
	for i := range 3 {
		_, _, err := s.Start("", nobody, time.Hour)
		if want := i >= 2; errors.Is(err, ErrFull) != want {
			t.Fatalf("anonymous session %d: %v", i, err)
		}
	}
	start(t, s, "", "ann")
	token, _ := start(t, s, "", "bob")
	if _, _, err := s.Start("", User{Directory: "DOM", ID: "eve"}, 0); !errors.Is(err, ErrFull) {
		t.Fatalf("fifth of four sessions: %v", err)
	}
	c.add(DefaultTimeout) // ann and bob are gone, if somebody looks
	start(t, s, "", "eve")
	if _, ok := s.Find("", token); ok {
		t.Error("bob stayed")
	}
}

func TestAUserHasOnlySoManySessions(t *testing.T) {
	s, c, log := newStore(t, Options{MaxPerUser: 3})
	var tokens []string
	for range 3 {
		token, _ := start(t, s, "", "ann")
		tokens = append(tokens, token)
		c.add(time.Second)
	}
	start(t, s, "", "bob")
	start(t, s, "x", "ann")
	s.Find("", tokens[0]) // the second one is idle longest
	c.add(time.Second)
	start(t, s, "", "ANN")
	if len(*log) != 1 || (*log)[0] != (ended{"ann", Closed}) || len(s.OfUser("", "DOM", "ann")) != 3 {
		t.Errorf("told %v", *log)
	}
	if _, ok := s.Find("", tokens[1]); ok {
		t.Error("another one ended")
	}
	s.EndUserEverywhere("DOM", "ann", Closed)
	s.EndUserEverywhere("DOM", "bob", Closed)
	if len(s.byUser) != 0 {
		t.Errorf("users without sessions: %v", s.byUser)
	}
}

func TestAdopt(t *testing.T) {
	s, _, _ := newStore(t, Options{})
	if _, err := s.Adopt("", "short", User{}, 0); err == nil {
		t.Error("a token that can be guessed was taken")
	}
	const token = "0123456789abcdef"
	if _, err := s.Adopt("", token, User{ID: "ann"}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Adopt("", token, User{ID: "eve"}, 0); !errors.Is(err, ErrTaken) {
		t.Errorf("second owner: %v", err)
	}
	if got, ok := s.Find("", token); !ok || got.User.ID != "ann" {
		t.Error("not found")
	}
}

func TestConcurrentUse(t *testing.T) {
	c := &clock{t: time.Unix(0, 0)}
	var mu sync.Mutex
	told := map[string]int{}
	s, err := New(Options{Now: c.now, Rand: rand.Reader}, func(x *Session, _ Reason) {
		mu.Lock()
		defer mu.Unlock()
		told[x.ID]++
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				token, sess, err := s.Start("", User{Directory: "D", ID: fmt.Sprint(i)}, 0)
				if err != nil {
					t.Error(err)
					return
				}
				s.Find("", token)
				s.List("")
				if j%2 == 0 {
					s.End(sess, Closed)
				} else {
					s.EndUserEverywhere("D", fmt.Sprint(i), LoggedOut)
				}
			}
		})
	}
	wg.Wait()
	if s.Len() != 0 || len(told) != 400 {
		t.Errorf("%d left, %d told", s.Len(), len(told))
	}
	for id, n := range told {
		if n != 1 {
			t.Errorf("%s: told %d times", id, n)
		}
	}
}
