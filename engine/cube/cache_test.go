package cube

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/storage/dual"
)

// asker is a session of which variables are asked.
func asker(user string, variables map[string]string) *query.Context {
	return &query.Context{
		Fn:       &fn.Context{User: user, Now: func() time.Time { return time.Unix(1, 0) }},
		Variable: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
	}
}

// counted returns a computation that asks the named variables, as long as each
// is "go", and counts how often it runs.
func counted(n *int, names ...string) computation {
	return func(_ context.Context, q *query.Context) (*result, error) {
		*n++
		text := ""
		for _, name := range names {
			v, _ := q.Variable(name)
			if text += v + " "; v != "go" {
				break
			}
		}
		return &result{value: dual.String(text), bytes: 1}, nil
	}
}

func TestCacheAsksAgain(t *testing.T) {
	c, err := NewCache(1<<20, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, text := 0, map[string]string{}
	run := func(why string, computed bool, want string) {
		t.Helper()
		before := n
		r, _, err := c.get(t.Context(), asker("", text), digest{1}, counted(&n, "a", "b"))
		if err != nil || r.value.Text != want || (n > before) != computed {
			t.Errorf("%s: got %q, %v, computed %v", why, r.value.Text, err, n > before)
		}
	}
	text["a"] = "1"
	run("at first", true, "1 ")
	run("again", false, "1 ")
	text["b"] = "2"
	run("what was not asked has changed", false, "1 ")
	text["a"] = "go"
	run("another way, with more questions", true, "go 2 ")
	text["b"] = "3"
	run("one of the new answers has changed", true, "go 3 ")
	text["a"] = "1"
	run("the first way again", false, "1 ")
	text["a"], text["b"] = "go", "2"
	run("and the second", false, "go 2 ")
	delete(text, "b")
	run("none is not the empty text", true, "go  ")
	text["b"] = ""
	run("nor the empty text none", true, "go  ")
}

func TestCacheLeavesOutWhatIsVolatile(t *testing.T) {
	c, err := NewCache(1<<20, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range 3 {
		_, shared, err := c.get(t.Context(), asker("", nil), digest{}, func(_ context.Context, q *query.Context) (*result, error) {
			n++
			q.Fn.Now()
			return &result{}, nil
		})
		if err != nil || shared {
			t.Errorf("shared %v, %v", shared, err)
		}
	}
	if n != 3 {
		t.Errorf("computed %d times, not 3: the time is another each time", n)
	}
}

func TestCacheByUser(t *testing.T) {
	c, err := NewCache(1<<20, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, user := range []string{"ann", "bob", "ann", "bob"} {
		r, _, err := c.get(t.Context(), asker(user, nil), digest{}, func(_ context.Context, q *query.Context) (*result, error) {
			n++
			q.Fn.OnUser()
			return &result{value: dual.String(q.Fn.User)}, nil
		})
		if err != nil || r.value.Text != user {
			t.Errorf("%s got what %s sees, %v", user, r.value.Text, err)
		}
	}
	if n != 2 {
		t.Errorf("computed %d times for 2 users", n)
	}
}

// What several ask for at once is computed once; when the one who computes is
// cancelled, one of the others does, and none of them fails.
func TestCacheTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := NewCache(1<<20, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.results.StopAllGoroutines()
		defer c.known.StopAllGoroutines()
		cancelled, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		begun, failures := 0, 0
		ask := func(ctx context.Context) {
			r, _, err := c.get(ctx, asker("", nil), digest{}, func(context.Context, *query.Context) (*result, error) {
				mu.Lock()
				begun++
				mu.Unlock()
				select {
				case <-ctx.Done():
					return nil, fmt.Errorf("computing: %w", query.ErrAborted)
				case <-time.After(time.Hour):
					return &result{value: dual.String("done"), bytes: 1}, nil
				}
			})
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, query.ErrAborted) {
				failures++
			} else if err != nil || r.value.Text != "done" {
				t.Errorf("got %v, %v", r, err)
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { ask(cancelled) })
		synctest.Wait()
		for range 10 {
			wg.Go(func() { ask(t.Context()) })
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		if begun != 2 || failures != 1 {
			t.Errorf("begun %d times, %d failed; want 2 and the cancelled one", begun, failures)
		}
	})
}

// A panic of who computes leaves nobody waiting.
func TestCacheAfterPanic(t *testing.T) {
	c, err := NewCache(1<<20, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _, _ = c.get(t.Context(), asker("", nil), digest{}, func(context.Context, *query.Context) (*result, error) { panic("bug") })
	}()
	n := 0
	if _, _, err := c.get(t.Context(), asker("", nil), digest{}, counted(&n)); err != nil || n != 1 {
		t.Errorf("after a panic: %v, computed %d times", err, n)
	}
}
