package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A memoryStore keeps the board as JSON, as a database does, and may fail.
type memoryStore struct {
	mu      sync.Mutex
	board   []byte
	plan    *Plan
	results []Result
	broken  bool
}

var errBroken = errors.New("the database is away")

func (s *memoryStore) Update(ctx context.Context, change func(*Board) ([]Result, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return errBroken
	}
	b := s.get()
	results, err := change(b)
	if err != nil {
		return err
	}
	if s.board, err = json.Marshal(b); err != nil {
		return err
	}
	s.results = append(s.results, results...)
	return nil
}

func (s *memoryStore) get() *Board {
	b := &Board{}
	if s.board != nil {
		if err := json.Unmarshal(s.board, b); err != nil {
			panic(err)
		}
	}
	return b
}

func (s *memoryStore) Plan(context.Context) (*Plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return nil, errBroken
	}
	return s.plan, nil
}

func (s *memoryStore) setBroken(b bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = b
}

// taken returns the results so far.
func (s *memoryStore) taken() []Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Result(nil), s.results...)
}

func planOf(tasks ...*Task) *Plan {
	p := &Plan{Tasks: map[string]*Task{}}
	for _, t := range tasks {
		p.Tasks[t.ID] = t
	}
	return p
}

func counter() func() string {
	n := 0
	return func() string { n++; return fmt.Sprint("e", n) }
}

// statuses returns what became of executions, as "task:status".
func statuses(results []Result) string {
	var out []string
	for _, r := range results {
		out = append(out, fmt.Sprintf("%s%d:%s", r.TaskID, r.Attempt, r.Status))
	}
	return strings.Join(out, " ")
}

// A step is a step of a test on a board.
type step struct {
	t *testing.T
	r *Rules
	b *Board
}

func newStep(t *testing.T, p *Plan) *step {
	return &step{t, &Rules{Plan: p, Now: at("2026-01-01T00:00:00Z"), NewID: counter(), Silence: 30 * time.Second}, &Board{}}
}

func (s *step) trigger(task string) ([]Result, string) {
	s.t.Helper()
	id, results, err := s.r.Trigger(s.b, task, "manual")
	if err != nil {
		s.t.Fatal(err)
	}
	return results, id
}

// run claims one attempt and ends it.
func (s *step) run(ok bool) string {
	s.t.Helper()
	attempts := s.r.Claim(s.b, "w", 1)
	if len(attempts) != 1 {
		s.t.Fatalf("%d attempts claimed", len(attempts))
	}
	results, err := s.r.Finish(s.b, attempts[0], ok, nil, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return statuses(results)
}

// TestWaiting: what nobody claims for a while waits for a slot.
func TestWaiting(t *testing.T) {
	s := newStep(t, planOf(&Task{ID: "a", Enabled: true}))
	s.trigger("a")
	for _, step := range []struct {
		after time.Duration
		want  Status
	}{{0, Triggered}, {prompt - time.Second, Triggered}, {time.Second, Queued}, {time.Minute, Queued}} {
		s.r.Now = s.r.Now.Add(step.after)
		s.r.Tend(s.b)
		if got := s.b.running("a").Status; got != step.want {
			t.Errorf("after %s more: %s, want %s", step.after, got, step.want)
		}
	}
	if got := s.r.Claim(s.b, "w", 1); len(got) != 1 || s.b.running("a").Status != Started {
		t.Errorf("it is claimed as %+v", got)
	}
}

func TestAttempts(t *testing.T) {
	s := newStep(t, planOf(&Task{ID: "a", Enabled: true, Retries: 2, Timeout: time.Minute}, &Task{ID: "off"}))
	if results, _ := s.trigger("off"); statuses(results) != "off0:Skipped" {
		t.Errorf("a disabled task: %s", statuses(results))
	}
	if _, _, err := s.r.Trigger(s.b, "none", ""); !errors.Is(err, ErrNoTask) {
		t.Errorf("an unknown task: %v", err)
	}
	s.trigger("a")
	if results, _ := s.trigger("a"); statuses(results) != "a0:Skipped" {
		t.Errorf("a task that waits: %s", statuses(results))
	}
	for i, want := range []string{"a1:FinishedFail", "a2:FinishedFail", "a3:FinishedFail"} {
		if got := s.run(false); got != want {
			t.Errorf("attempt %d: %s", i+1, got)
		}
	}
	if len(s.b.Executions) != 0 || s.b.Last["a"].Status != FinishedFail {
		t.Errorf("after the last attempt: %+v", s.b)
	}

	_, id := s.trigger("a")
	lost := s.r.Claim(s.b, "w", 5)
	s.r.Now = s.r.Now.Add(29 * time.Second)
	if got := s.r.Tend(s.b); got != nil {
		t.Errorf("a worker that lives: %s", statuses(got))
	}
	s.r.Now = s.r.Now.Add(time.Second)
	if got := statuses(s.r.Tend(s.b)); got != "a1:Error" {
		t.Errorf("a silent worker: %s", got)
	}
	other := s.r.Claim(s.b, "other", 1)
	if len(other) != 1 || other[0].ExecutionID != id || other[0].Number != 2 {
		t.Errorf("the attempt after: %+v", other)
	}
	if _, err := s.r.Finish(s.b, lost[0], true, nil, ""); !errors.Is(err, ErrLost) {
		t.Errorf("the silent worker comes back: %v", err)
	}
	if _, err := s.r.Stop(s.b, id, AbortedByHand); err != nil {
		t.Fatal(err)
	}
	if stop := s.r.Heard(s.b, "other"); !reflect.DeepEqual(stop, []string{id}) {
		t.Errorf("to be stopped: %v", stop)
	}
	results, err := s.r.Finish(s.b, other[0], false, nil, "")
	if err != nil || statuses(results) != "a2:Aborted" || results[0].Abort != AbortedByHand || !says(results, "aborted by hand") {
		t.Errorf("stopped: %+v, %v", results, err)
	}

	_, id = s.trigger("a")
	if results, err := s.r.Stop(s.b, id, AbortedByHand); err != nil || statuses(results) != "a0:Aborted" {
		t.Errorf("stopped while it waits: %v, %v", results, err)
	}
	s.trigger("a")
	first := s.r.Claim(s.b, "w", 1)
	s.r.Now = s.r.Now.Add(s.r.Silence)
	s.r.Tend(s.b)
	if again := s.r.Claim(s.b, "w", 1); len(again) != 1 || again[0].Number != 2 {
		t.Fatalf("the worker that was silent claims anew: %+v", again)
	}
	if _, err := s.r.Finish(s.b, first[0], true, nil, ""); !errors.Is(err, ErrLost) {
		t.Errorf("it ends the attempt that it has lost: %v", err)
	}
	s.r.Now = s.r.Now.Add(time.Minute)
	s.r.Heard(s.b, "w")
	s.r.Tend(s.b)
	if e := s.b.Executions[0]; e.Abort != AbortedByTimeout || e.Status != AbortInitiated {
		t.Errorf("after the time-out: %+v", e)
	}
	if results, err := s.r.Finish(s.b, Attempt{ExecutionID: s.b.Executions[0].ID, TaskID: "a", Worker: "w", Number: 2}, false, nil, ""); err != nil || !says(results, "time-out") {
		t.Errorf("ended by the time-out: %+v, %v", results, err)
	}
}

// says reports whether the last detail of the first result has a text.
func says(results []Result, text string) bool {
	details := results[0].Details
	return len(details) > 0 && strings.Contains(details[len(details)-1].Message, text)
}

func TestChains(t *testing.T) {
	p := planOf(&Task{ID: "a", Enabled: true}, &Task{ID: "b", Enabled: true}, &Task{ID: "c", Enabled: true}, &Task{ID: "d", Enabled: true})
	p.Chains = []*Chain{
		{ID: "both", TaskID: "c", Enabled: true, Rules: []ChainRule{{"a", true}, {"b", true}}},
		{ID: "alarm", TaskID: "d", Enabled: true, Rules: []ChainRule{{"a", false}}},
		{ID: "off", TaskID: "d", Rules: []ChainRule{{"a", true}}},
	}
	s := newStep(t, p)
	run := func(task string, ok bool, after time.Duration) {
		t.Helper()
		s.r.Now = s.r.Now.Add(after)
		s.trigger(task)
		s.run(ok)
	}
	queued := func(want string) {
		t.Helper()
		var got []string
		for _, e := range s.b.Executions {
			got = append(got, e.TaskID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("queued: %v, want %s", got, want)
		}
	}
	run("a", true, 0)
	queued("")
	run("b", true, 361*time.Minute) // too late for a
	queued("")
	run("a", true, 10*time.Minute)
	queued("c")
	if c := s.b.Executions[0].Cause; !strings.HasPrefix(c, "chain both after e") {
		t.Errorf("the cause is %q", c)
	}
	s.run(true)
	run("a", false, 0)
	queued("d")
	s.run(true)
	run("b", true, 0)
	queued("") // a has failed since: the counters began anew
	run("a", true, 0)
	queued("c")
}

// A circle of chains runs on, but not for ever.
func TestCircle(t *testing.T) {
	p := planOf(&Task{ID: "a", Enabled: true})
	p.Chains = []*Chain{{ID: "again", TaskID: "a", Enabled: true, Rules: []ChainRule{{"a", true}}}}
	s := newStep(t, p)
	s.trigger("a")
	runs := 0
	for len(s.b.Executions) > 0 {
		s.run(true)
		if runs++; runs > 1000 {
			t.Fatal("the circle never ends")
		}
	}
	if runs != passedMax+1 {
		t.Errorf("%d runs", runs)
	}
}

// TestNothingTwiceNothingForgotten lets managers and workers do steps at random
// and die between any two of them. Each slot of a schedule has one execution or
// is skipped, an attempt has one owner, each execution ends once after at most
// as many attempts as it may have, and chains fire as a plain reading of the
// results says.
func TestNothingTwiceNothingForgotten(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 8))
		s, results := newStep(t, randomPlan(t, rng)), []Result(nil)
		start := s.r.Now
		held := map[string][]Attempt{} // by worker: what it believes to run
		for range 400 {
			s.b = again(t, s.b) // any step may be of another process
			s.r.Now = s.r.Now.Add(time.Duration(rng.IntN(40)) * time.Second)
			worker := fmt.Sprint("w", rng.IntN(3))
			switch rng.IntN(6) {
			case 0, 1:
				results = append(results, s.r.Tend(s.b)...)
				results = append(results, s.r.Fire(s.b)...)
			case 2:
				held[worker] = append(held[worker], s.r.Claim(s.b, worker, 1+rng.IntN(2))...)
			case 3:
				s.r.Heard(s.b, worker)
			case 4:
				if rng.IntN(4) == 0 { // it dies
					held[worker] = nil
				}
			default:
				if n := len(held[worker]); n > 0 {
					a := held[worker][n-1]
					held[worker] = held[worker][:n-1]
					more, err := s.r.Finish(s.b, a, rng.IntN(3) > 0, nil, "")
					if err != nil && !errors.Is(err, ErrLost) {
						t.Fatal(err)
					}
					results = append(results, more...)
				}
			}
			owners := map[string]bool{}
			for _, e := range s.b.Executions {
				if owners[e.TaskID] {
					t.Fatalf("seed %d: task %s is there twice", seed, e.TaskID)
				}
				owners[e.TaskID] = true
			}
		}
		results = append(results, s.r.Tend(s.b)...)
		results = append(results, s.r.Fire(s.b)...)
		checkResults(t, seed, s, results, start)
	}
}

// again returns the board as another process reads it.
func again(t *testing.T, b *Board) *Board {
	t.Helper()
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	out := &Board{}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func randomPlan(t *testing.T, rng *rand.Rand) *Plan {
	t.Helper()
	p := planOf()
	for _, id := range []string{"a", "b", "c", "d"} {
		p.Tasks[id] = &Task{ID: id, Enabled: rng.IntN(8) > 0, Retries: rng.IntN(3), Timeout: time.Duration(rng.IntN(2)) * 2 * time.Minute}
	}
	for i := range 1 + rng.IntN(2) {
		schedule, err := NewSchedule(SchemaEvent{Start: at("2026-01-01T00:00:30Z"), Increment: fmt.Sprintf("%d 0 0 0", 1+rng.IntN(9))})
		if err != nil {
			t.Fatal(err)
		}
		p.Events = append(p.Events, &Event{ID: fmt.Sprint("s", i), TaskID: string("ab"[i]), Enabled: true, Schedule: schedule})
	}
	for i, task := range []string{"c", "d"} {
		c := &Chain{ID: fmt.Sprint("k", i), TaskID: task, Enabled: true, Window: time.Duration(1+rng.IntN(20)) * time.Minute}
		for range 1 + rng.IntN(2) {
			rule := ChainRule{string("abc"[rng.IntN(2+i)]), rng.IntN(2) == 0}
			if len(c.Rules) == 0 || c.Rules[0] != rule {
				c.Rules = append(c.Rules, rule)
			}
		}
		p.Chains = append(p.Chains, c)
	}
	return p
}

func checkResults(t *testing.T, seed uint64, s *step, results []Result, start time.Time) {
	t.Helper()
	attempts, ended := map[string]int{}, map[string]bool{}
	for _, r := range results {
		if ended[r.ExecutionID] {
			t.Fatalf("seed %d: %s has a result after its end: %s", seed, r.ExecutionID, statuses(results))
		}
		if r.Status != Skipped {
			attempts[r.ExecutionID]++
		}
		if n := attempts[r.ExecutionID]; n > s.r.Tasks[r.TaskID].Retries+1 || r.Attempt > 0 && r.Attempt != n {
			t.Fatalf("seed %d: attempt %d of %s is the result number %d", seed, r.Attempt, r.ExecutionID, n)
		}
		if s.b.Execution(r.ExecutionID) == nil {
			ended[r.ExecutionID] = ended[r.ExecutionID] || !follows(results, r)
		}
	}
	want := naiveChains(s.r.Chains, results, s.b)
	got := map[string]int{}
	seen := map[string]bool{}
	for _, r := range results {
		if !seen[r.ExecutionID] && (r.TaskID == "c" || r.TaskID == "d") {
			seen[r.ExecutionID] = true
			got[r.TaskID]++
		}
	}
	for _, e := range s.b.Executions {
		if !seen[e.ID] && (e.TaskID == "c" || e.TaskID == "d") {
			got[e.TaskID]++
		}
	}
	for _, task := range []string{"c", "d"} {
		if got[task] != want[task] {
			t.Fatalf("seed %d: chains started %s %d times, want %d", seed, task, got[task], want[task])
		}
	}
	checkSlots(t, seed, s, results, start)
}

// follows reports whether a later result is of the same execution.
func follows(results []Result, r Result) bool {
	last := r
	for _, o := range results {
		if o.ExecutionID == r.ExecutionID {
			last = o
		}
	}
	return !reflect.DeepEqual(last, r)
}

// naiveChains counts how often chains start each task: results are read in
// order, and of each execution the last one counts.
func naiveChains(chains []*Chain, results []Result, b *Board) map[string]int {
	started := map[string]int{}
	for _, c := range chains {
		met := map[ChainRule]time.Time{}
		for _, r := range results {
			if r.Status == Skipped || follows(results, r) || b.Execution(r.ExecutionID) != nil {
				continue
			}
			for _, rule := range c.Rules {
				if rule.TaskID == r.TaskID && rule.Success == (r.Status == FinishedSuccess) {
					met[rule] = r.Stopped
				}
			}
			complete, touched := true, false
			for _, rule := range c.Rules {
				when, ok := met[rule]
				complete = complete && ok && r.Stopped.Sub(when) <= c.Window
				touched = touched || rule.TaskID == r.TaskID && rule.Success == (r.Status == FinishedSuccess)
			}
			if complete && touched {
				started[c.TaskID]++
				met = map[ChainRule]time.Time{}
			}
		}
	}
	return started
}

// checkSlots counts the executions of schedules: no slot twice, and none of an
// event without one that is later.
func checkSlots(t *testing.T, seed uint64, s *step, results []Result, start time.Time) {
	t.Helper()
	runs := map[string]map[string]bool{} // executions by task
	for _, r := range results {
		if runs[r.TaskID] == nil {
			runs[r.TaskID] = map[string]bool{}
		}
		runs[r.TaskID][r.ExecutionID] = true
	}
	for _, e := range s.b.Executions {
		if runs[e.TaskID] == nil {
			runs[e.TaskID] = map[string]bool{}
		}
		runs[e.TaskID][e.ID] = true
	}
	for _, e := range s.r.Events {
		slots := 0
		for after := start; ; slots++ {
			next, ok := e.Schedule.Next(after)
			if !ok || next.After(s.r.Now) {
				break
			}
			after = next
		}
		if n := len(runs[e.TaskID]); n > slots || n == 0 && slots > 20 {
			t.Fatalf("seed %d: %d runs in %d slots of %s", seed, n, slots, e.ID)
		}
	}
}

// TestChangedRules changes the rules of a chain when one of two is met.
func TestChangedRules(t *testing.T) {
	s := newStep(t, planOf(&Task{ID: "a", Enabled: true}, &Task{ID: "b", Enabled: true}, &Task{ID: "c", Enabled: true}, &Task{ID: "then", Enabled: true}))
	chain := &Chain{ID: "k", TaskID: "then", Enabled: true, Rules: []ChainRule{{"a", true}, {"b", true}}}
	s.r.Chains = []*Chain{chain}
	run := func(task string) {
		t.Helper()
		s.trigger(task)
		s.run(true)
		s.b = again(t, s.b)
	}
	started := func() bool { return s.b.running("then") != nil }
	run("a")
	chain.Rules = []ChainRule{{"c", true}, {"b", true}} // c has not run
	if run("b"); started() {
		t.Error("it starts although c has not run")
	}
	chain.Rules = []ChainRule{{"b", true}, {"c", true}} // the same the other way round
	if run("b"); started() {
		t.Error("it starts after b alone")
	}
	if run("c"); !started() {
		t.Error("it does not start after b and c")
	}
	s.run(true)
	chain.Rules = []ChainRule{{"b", true}, {"b", true}}
	if run("b"); !started() {
		t.Error("the same rule twice is never met")
	}
	old := &Board{}
	if err := json.Unmarshal([]byte(`{"Met":{"k":[{"Rule":1,"At":"2026-01-01T00:00:00Z","ExecutionID":"e"}]}}`), old); err != nil || len(old.Met["k"]) != 1 {
		t.Errorf("a board of former times: %+v, %v", old, err)
	}
}

// TestChangedSchedule changes a schedule to a time that has passed on the day.
func TestChangedSchedule(t *testing.T) {
	s := newStep(t, planOf(&Task{ID: "a", Enabled: true}))
	daily := func(clock string) {
		t.Helper()
		schedule, err := NewSchedule(SchemaEvent{Start: at("2025-12-01T" + clock + "Z"), Increment: "0 0 1 0"})
		if err != nil {
			t.Fatal(err)
		}
		s.r.Events = []*Event{{ID: "e", TaskID: "a", Enabled: true, Schedule: schedule}}
	}
	fires := func(clock string) bool {
		t.Helper()
		s.r.Now = at("2026-01-01T" + clock + "Z")
		s.r.Fire(s.b)
		s.b = again(t, s.b)
		if s.b.running("a") == nil {
			return false
		}
		s.run(true)
		return true
	}
	daily("08:00:00")
	for _, tt := range []struct {
		change, now string
		want        bool
	}{
		{"", "07:59:59", false},
		{"", "08:00:01", true},
		{"", "09:29:59", false},
		{"09:00:00", "09:30:00", false},
		{"", "09:30:01", false},
		{"09:30:05", "09:30:02", false},
		{"", "09:30:05", true},
		{"", "09:30:06", false},
	} {
		if tt.change != "" {
			daily(tt.change)
		}
		if got := fires(tt.now); got != tt.want {
			t.Errorf("changed to %q, at %s: fires %v", tt.change, tt.now, got)
		}
	}
}

// An executorFunc is an executor.
type executorFunc func(ctx context.Context, a Attempt) (Done, error)

func (f executorFunc) Run(ctx context.Context, a Attempt) (Done, error) { return f(ctx, a) }

// TestSite runs a manager and two workers: a schedule, a chain, a failure that is
// tried again, a stop, a store that goes away, a worker that dies.
func TestSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		schedule, err := NewSchedule(SchemaEvent{Start: time.Now().Add(time.Minute), Increment: "0 1 0 0"})
		if err != nil {
			t.Fatal(err)
		}
		p := planOf(&Task{ID: "load", Enabled: true, Retries: 1}, &Task{ID: "then", Enabled: true}, &Task{ID: "long", Enabled: true, Retries: 1})
		p.Events = []*Event{{ID: "hourly", TaskID: "load", Enabled: true, Schedule: schedule}}
		p.Chains = []*Chain{{ID: "chain", TaskID: "then", Enabled: true, Rules: []ChainRule{{"load", true}}}}
		store := &memoryStore{plan: p}
		var mu sync.Mutex
		now := map[string]int{}
		most, fail := 0, 1
		run := executorFunc(func(ctx context.Context, a Attempt) (Done, error) {
			mu.Lock()
			now[a.TaskID]++
			most = max(most, now[a.TaskID])
			failing := a.TaskID == "load" && fail > 0
			if failing {
				fail--
			}
			mu.Unlock()
			defer func() { mu.Lock(); now[a.TaskID]--; mu.Unlock() }()
			work := 10 * time.Second
			if a.TaskID == "long" {
				work = time.Hour
			}
			select {
			case <-ctx.Done():
				return Done{}, ctx.Err()
			case <-time.After(work):
			}
			if failing {
				panic("no such table")
			}
			return Done{ScriptLog: "log of " + a.ExecutionID}, nil
		})
		var ids sync.Mutex
		next := counter()
		set := Settings{NewID: func() string { ids.Lock(); defer ids.Unlock(); return next() }}
		manager := NewManager(store, set)
		ctx, cancel := context.WithCancel(t.Context())
		dying, die := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { manager.Run(ctx) })
		wg.Go(func() { NewWorker("w1", 1, store, run, set).Run(ctx) })
		wg.Go(func() { NewWorker("w2", 1, store, run, set).Run(dying) })
		wait := func(d time.Duration, want string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := statuses(store.taken()); got != want {
				t.Fatalf("results: %s\nwant     %s", got, want)
			}
		}
		wait(2*time.Minute, "load1:FinishedFail load2:FinishedSuccess then1:FinishedSuccess")
		if details := store.taken()[0].Details; len(details) != 1 || !strings.Contains(details[0].Message, "no such table") {
			t.Errorf("details of the failure: %+v", details)
		}
		store.setBroken(true)
		time.Sleep(time.Hour) // the slot comes while the store is away
		store.setBroken(false)
		wait(40*time.Second, "load1:FinishedFail load2:FinishedSuccess then1:FinishedSuccess load1:FinishedSuccess then1:FinishedSuccess")

		id, err := manager.Trigger(ctx, "long", "manual")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if err := manager.Stop(ctx, id); err != nil {
			t.Fatal(err)
		}
		wait(3*time.Second, "load1:FinishedFail load2:FinishedSuccess then1:FinishedSuccess load1:FinishedSuccess then1:FinishedSuccess long1:Aborted")
		die()
		if most > 1 {
			t.Errorf("a task ran %d times at once", most)
		}
		cancel()
		wg.Wait()
	})
}

// A worker that cannot reach the board stops what it runs before another one
// may begin it.
func TestFencing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memoryStore{plan: planOf(&Task{ID: "a", Enabled: true})}
		set := Settings{NewID: counter()}.withDefaults()
		stopped := make(chan time.Time, 1)
		run := executorFunc(func(ctx context.Context, _ Attempt) (Done, error) {
			<-ctx.Done()
			stopped <- time.Now()
			return Done{}, ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { NewWorker("w", 1, store, run, set).Run(ctx) })
		if _, err := NewManager(store, set).Trigger(ctx, "a", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		store.setBroken(true)
		away := time.Now()
		if d := (<-stopped).Sub(away); d > set.Silence-5*time.Second {
			t.Errorf("it stopped after %s; after %s others may begin", d, set.Silence)
		}
		cancel()
		wg.Wait()
	})
}

// An execution that no worker is there for is told of once, and again only when
// it was another time.
func TestUnclaimed(t *testing.T) {
	store := &memoryStore{plan: planOf(&Task{ID: "a", Enabled: true})}
	now := at("2026-01-01T00:00:00Z")
	var told []string
	set := Settings{NewID: counter(), Now: func() time.Time { return now }, Unclaimed: func(e Execution) { told = append(told, e.TaskID) }}
	m := NewManager(store, set)
	if _, err := m.Trigger(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	after := func(d time.Duration, want int) {
		t.Helper()
		now = now.Add(d)
		if err := m.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(told) != want {
			t.Errorf("told %d times, want %d", len(told), want)
		}
	}
	after(10*time.Second, 0)
	after(25*time.Second, 1)
	after(25*time.Second, 1)
	w := NewWorker("w", 1, store, executorFunc(func(context.Context, Attempt) (Done, error) { return Done{}, nil }), set)
	if err := w.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wg.Wait()
	after(25*time.Second, 1)
	if _, err := m.Trigger(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	after(20*time.Second, 1) // the worker was heard of 45 s ago, and the execution has not waited for long
	after(20*time.Second, 2)
}
