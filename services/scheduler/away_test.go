package scheduler

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// now returns the board as it is.
func (s *memoryStore) now() *Board {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get()
}

// TestEndWhileTheStoreIsAway has the database away from before an attempt ends until
// after its worker has given up telling. The worker reaches the board again
// before a manager does, so that nobody takes it for silent.
func TestEndWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memoryStore{plan: planOf(&Task{ID: "a", Enabled: true, Retries: 1})}
		set := Settings{NewID: counter()}.withDefaults()
		runs := 0
		run := executorFunc(func(context.Context, Attempt) (Done, error) {
			runs++
			time.Sleep(5 * time.Second)
			return Done{}, nil
		})
		m := NewManager(store, set)
		if _, err := m.Trigger(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { NewWorker("w", 1, store, run, set).Run(ctx) })
		time.Sleep(1500 * time.Millisecond)
		store.setBroken(true)
		time.Sleep(5 * time.Minute)
		store.setBroken(false)
		time.Sleep(2 * time.Second) // the worker first
		for range 30 {
			time.Sleep(time.Second)
			if err := m.Step(ctx); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := statuses(store.taken()); got != "a1:FinishedSuccess" || runs != 1 || store.now().running("a") != nil {
			t.Errorf("%q after %d runs, and %+v", got, runs, store.now().running("a"))
		}
		cancel()
		wg.Wait()
	})
}

// A doubtful store has made a change of which it says that it failed, as when a
// connection breaks off while a transaction is committed.
type doubtful struct {
	*memoryStore
	from, fails int // the updates that it says this of
}

func (s *doubtful) Update(ctx context.Context, change func(*Board) ([]Result, error)) error {
	err := s.memoryStore.Update(ctx, change)
	if s.from--; err == nil && s.from < 0 && s.fails > 0 {
		s.fails--
		return errors.New("connection reset")
	}
	return err
}

// TestDoubtfulClaim has a worker claim an attempt and not learn that it has.
func TestDoubtfulClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &memoryStore{plan: planOf(&Task{ID: "a", Enabled: true, Retries: 1})}
		set := Settings{NewID: counter()}.withDefaults()
		m := NewManager(memory, set)
		if _, err := m.Trigger(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
		runs := 0
		run := executorFunc(func(context.Context, Attempt) (Done, error) { runs++; return Done{}, nil })
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { NewWorker("w", 1, &doubtful{memoryStore: memory, fails: 1}, run, set).Run(ctx) })
		for range 60 {
			time.Sleep(time.Second)
			if err := m.Step(ctx); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := statuses(memory.taken()); got != "a1:Error a2:FinishedSuccess" || runs != 1 {
			t.Errorf("%q after %d runs, and %+v", got, runs, memory.now().running("a"))
		}
		cancel()
		wg.Wait()
	})
}

// TestNextAttemptIsHeld has an attempt be given up on, and the next one of the
// same execution begin with the same worker, before the first has ended there:
// the next one can be stopped all the same, and takes a slot.
func TestNextAttemptIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memoryStore{plan: planOf(&Task{ID: "a", Enabled: true, Retries: 1})}
		set := Settings{NewID: counter()}.withDefaults()
		stopped := false
		run := executorFunc(func(ctx context.Context, a Attempt) (Done, error) {
			<-ctx.Done()
			if a.Number == 1 { // it takes a while to stop
				time.Sleep(time.Minute)
				return Done{}, ctx.Err()
			}
			stopped = true
			return Done{}, ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		m, w := NewManager(store, set), NewWorker("w", 2, store, run, set)
		id, err := m.Trigger(ctx, "a", "")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { w.Run(ctx) })
		wg.Go(func() { m.Run(ctx) })
		time.Sleep(1500 * time.Millisecond)
		store.setBroken(true)
		time.Sleep(40 * time.Second)
		// The manager comes first, and takes the worker for silent.
		if err := func() error {
			store.setBroken(false)
			defer store.setBroken(true)
			return NewManager(store, set).Step(ctx)
		}(); err != nil {
			t.Fatal(err)
		}
		store.setBroken(false)
		time.Sleep(2 * time.Minute)
		if e := store.now().Execution(id); e == nil || e.Attempt != 2 || e.Status != Started || w.Running() != 1 {
			t.Fatalf("%+v, %d running, %s", e, w.Running(), statuses(store.taken()))
		}
		if err := m.Stop(ctx, id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := statuses(store.taken()); !stopped || got != "a1:Error a2:Aborted" {
			t.Errorf("stopped: %v, %s", stopped, got)
		}
		cancel()
		wg.Wait()
	})
}

// A hanging store answers nothing while it hangs, as a database that a network
// does not reach any more.
type hanging struct {
	*memoryStore
	mu    sync.Mutex
	hangs bool
}

func (s *hanging) set(hangs bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangs = hangs
}

func (s *hanging) Update(ctx context.Context, change func(*Board) ([]Result, error)) error {
	s.mu.Lock()
	hangs := s.hangs
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.memoryStore.Update(ctx, change)
}

// TestFencingWithoutAnswer is TestFencing with a database that does not answer.
func TestFencingWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &memoryStore{plan: planOf(&Task{ID: "a", Enabled: true, Retries: 1})}
		store := &hanging{memoryStore: memory}
		set := Settings{NewID: counter()}.withDefaults()
		now, most := 0, 0
		run := executorFunc(func(ctx context.Context, _ Attempt) (Done, error) {
			now++
			most = max(most, now)
			defer func() { now-- }()
			<-ctx.Done()
			return Done{}, ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		m := NewManager(memory, set)
		if _, err := m.Trigger(ctx, "a", ""); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { NewWorker("cut off", 1, store, run, set).Run(ctx) })
		time.Sleep(8500 * time.Millisecond)
		store.set(true)
		wg.Go(func() { m.Run(ctx) })
		wg.Go(func() { NewWorker("w", 1, memory, run, set).Run(ctx) })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if e := memory.now().running("a"); most != 1 || e == nil || e.Worker != "w" {
			t.Errorf("it ran %d times at once: %s, %+v", most, statuses(memory.taken()), e)
		}
		cancel()
		wg.Wait()
	})
}

// A picky store does not take a result with a detail that it cannot store.
type picky struct{ *memoryStore }

func (s picky) Update(ctx context.Context, change func(*Board) ([]Result, error)) error {
	return s.memoryStore.Update(ctx, func(b *Board) ([]Result, error) {
		results, err := change(b)
		for _, r := range results {
			if len(r.Details) > 0 && r.Details[0].Message == "\x00" {
				return nil, errors.New("has characters that are none")
			}
		}
		return results, err
	})
}

// TestRefusedResult has an attempt end in a way that the board never takes.
func TestRefusedResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := picky{&memoryStore{plan: planOf(&Task{ID: "a", Enabled: true})}}
		set := Settings{NewID: counter()}.withDefaults()
		run := executorFunc(func(context.Context, Attempt) (Done, error) { return Done{}, errors.New("\x00") })
		if _, err := NewManager(store, set).Trigger(t.Context(), "a", ""); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		w := NewWorker("w", 1, store, run, set)
		var wg sync.WaitGroup
		wg.Go(func() { w.Run(ctx) })
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := statuses(store.taken()); got != "a1:Error" || w.Running() != 0 {
			t.Errorf("%q, %d running", got, w.Running())
		}
		cancel()
		wg.Wait()
	})
}
