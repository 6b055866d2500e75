package session

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
)

func TestQueueRunsInOrderAndCancels(t *testing.T) {
	q := newQueue(nil)
	started, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var order []int
	var cancelled []int
	add := func(i int) bool {
		return q.Add(i, 1, func(ctx context.Context) {
			if i == 0 {
				close(started)
				<-release
			}
			order = append(order, i)
			if ctx.Err() != nil {
				cancelled = append(cancelled, i)
			}
			if i == 3 {
				close(done)
			}
		})
	}
	for i := range 4 {
		add(i)
	}
	<-started
	q.Cancel(func(key any) bool { return key == 2 })
	close(release)
	<-done
	q.close()
	if !slices.Equal(order, []int{0, 1, 2, 3}) || !slices.Equal(cancelled, []int{2}) {
		t.Errorf("ran %v, cancelled %v", order, cancelled)
	}
	if add(9) {
		t.Error("a closed queue takes requests")
	}
}

func TestQueueIsBounded(t *testing.T) {
	q := newQueue(nil)
	release := make(chan struct{})
	q.Add(nil, 1, func(context.Context) { <-release })
	n := 0
	for q.Add(nil, 1, func(context.Context) {}) {
		n++
	}
	if n > queueMax {
		t.Errorf("%d waiting requests", n)
	}
	close(release)
	q.close()
}

// Frames that wait are bounded by bytes, in a session and in all of them; what
// has run or was dropped makes room.
func TestQueueIsBoundedByBytes(t *testing.T) {
	all := NewBacklog(100)
	one, two := newQueue(all), newQueue(all)
	release := make(chan struct{})
	wait := func(context.Context) { <-release }
	if !one.Add(nil, 60, wait) || !two.Add(nil, 40, wait) {
		t.Fatal("there is room")
	}
	if one.Add(nil, 1, wait) {
		t.Error("more waits than is allowed in all sessions")
	}
	two.mu.Lock()
	two.bytes += queueBytesMax
	two.mu.Unlock()
	all.max = 1 << 40
	if two.Add(nil, 1, wait) || !one.Add(nil, 1, wait) {
		t.Error("the bound of one session is not that of another")
	}
	close(release)
	one.close()
	two.close()
	if n := all.used.Load(); n != 0 {
		t.Errorf("%d bytes wait in closed sessions", n)
	}
	if !NewBacklog(1).take(50) {
		t.Error("a large frame is refused though nothing waits")
	}
}

// A session lives on for its time after the last socket, and is the same for
// who comes back with its key and user.
func TestRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lib, err := app.NewLibrary(app.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := NewRegistry(lib, slog.New(slog.DiscardHandler))
		attach := func(user string) (*Session, bool) {
			s, attached, err := r.Attach("key", user, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			return s, attached
		}
		one, attached := attach("ann")
		if attached {
			t.Error("a new session counts as attached")
		}
		if eve, attached := attach("eve"); attached || eve == one {
			t.Error("somebody else got into the session")
		} else {
			r.Detach(eve, 0)
		}
		if mal, _, err := r.Attach("key\x00bob", "mal", nil, nil); err != nil {
			t.Fatal(err)
		} else if bob, attached := attach("bob"); attached || bob == mal {
			t.Error("a session that somebody has prepared is another user's")
		} else {
			r.Detach(bob, 0)
			r.Detach(mal, 0)
		}
		if two, attached := attach("ann"); !attached || two != one {
			t.Error("the second socket has a session of its own")
		}
		r.Detach(one, time.Minute)
		r.Detach(one, time.Minute)
		time.Sleep(59 * time.Second)
		if back, attached := attach("ann"); !attached || back != one {
			t.Error("the session is gone before its time")
		}
		r.Detach(one, time.Minute)
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if r.Len() != 0 {
			t.Errorf("%d sessions after their time", r.Len())
		}
		r.Close()
		if _, _, err := r.Attach("key", "ann", nil, nil); !errors.Is(err, ErrClosing) {
			t.Errorf("a closed registry: %v", err)
		}
	})
}

func TestFieldName(t *testing.T) {
	for ref, want := range map[string]string{
		"a": "a", "[a b]": "a b", `"a b"`: "a b", "=[x]": "x", " = [a]]b] ": "a]b", `"q""q"`: `q"q`, "[": "[",
	} {
		if got := FieldName(ref); got != want {
			t.Errorf("%q: got %q, want %q", ref, got, want)
		}
	}
}
