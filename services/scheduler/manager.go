package scheduler

import (
	"context"
	"log/slog"
	"time"
)

// Settings are what managers and workers of a site have in common. Zero members
// mean the default.
type Settings struct {
	Tick    time.Duration // between looks at the board; default a second
	Silence time.Duration // of a worker until it has lost its attempts; default 30 s
	Now     func() time.Time
	NewID   func() string // of executions
	Log     *slog.Logger
	Counts  *Counts // of what is done with these settings; default new ones
	// Unclaimed is told once of an execution that waits while there is no worker;
	// nil = nobody.
	Unclaimed func(Execution)
}

func (s Settings) withDefaults() Settings {
	if s.Tick <= 0 {
		s.Tick = time.Second
	}
	if s.Silence <= 0 {
		s.Silence = 30 * time.Second
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Unclaimed == nil {
		s.Unclaimed = func(Execution) {}
	}
	if s.Counts == nil {
		s.Counts = new(Counts)
	}
	return s
}

// A Manager fires schedules and ends what nobody ends any more. Several may run
// at a time: the board tells what is done.
type Manager struct {
	store   Store
	set     Settings
	looked  time.Time       // the last time, by the clock on the wall
	patient time.Time       // until when no worker counts as silent
	told    map[string]bool // of executions that wait without a worker
}

// NewManager returns a manager; Settings.NewID is needed.
func NewManager(store Store, s Settings) *Manager {
	return &Manager{store: store, set: s.withDefaults()}
}

// Run manages until ctx ends. An error of the store is logged, and tried again.
func (m *Manager) Run(ctx context.Context) {
	every(ctx, m.set.Tick, func() {
		if err := m.Step(ctx); err != nil && ctx.Err() == nil {
			m.set.Log.Error("schedules could not be looked at", "err", err)
		}
	})
}

// Step fires what is due. It is for one goroutine at a time.
func (m *Manager) Step(ctx context.Context) error {
	patient := m.jumped()
	var unclaimed []Execution
	err := m.update(ctx, func(r *Rules, b *Board) ([]Result, error) {
		r.Patient = patient
		results := append(r.Tend(b), r.Fire(b)...)
		unclaimed = r.unclaimed(b)
		return results, nil
	})
	if err == nil {
		m.tell(unclaimed)
	}
	return err
}

// unclaimed returns the executions that have waited for a while, if their queue
// has no worker.
func (r *Rules) unclaimed(b *Board) (list []Execution) {
	served := map[string]bool{}
	for worker, heard := range b.Workers {
		if r.Now.Sub(heard) < r.Silence {
			served[b.Queues[worker]] = true
		}
	}
	for _, e := range b.Executions {
		if !served[r.queue(e.TaskID)] && e.Worker == "" && r.Now.Sub(e.Triggered) >= r.Silence {
			list = append(list, *e)
		}
	}
	return list
}

// tell tells of executions, of each once.
func (m *Manager) tell(unclaimed []Execution) {
	told := map[string]bool{}
	for _, e := range unclaimed {
		if told[e.ID] = true; !m.told[e.ID] {
			m.set.Unclaimed(e)
		}
	}
	m.told = told
}

// jumped reports whether the clock has jumped, or the machine has slept, so
// lately that workers could not say since that they live.
func (m *Manager) jumped() bool {
	now := m.set.Now().Round(0) // workers, too, are noted by the clock on the wall
	if gap := now.Sub(m.looked); !m.looked.IsZero() && (gap < 0 || gap >= m.set.Silence) {
		m.set.Log.Warn("the clock has jumped", "by", gap)
		m.patient = now.Add(m.set.Silence)
	}
	m.looked = now
	return now.Before(m.patient)
}

// Trigger starts a task and returns the id of its execution.
func (m *Manager) Trigger(ctx context.Context, taskID, cause string) (id string, err error) {
	err = m.update(ctx, func(r *Rules, b *Board) (results []Result, err error) {
		id, results, err = r.Trigger(b, taskID, cause)
		return results, err
	})
	return id, err
}

// Stop asks for the end of an execution.
func (m *Manager) Stop(ctx context.Context, id string) error {
	return m.update(ctx, func(r *Rules, b *Board) ([]Result, error) { return r.Stop(b, id, AbortedByHand) })
}

func (m *Manager) update(ctx context.Context, change func(*Rules, *Board) ([]Result, error)) error {
	return update(ctx, m.store, &m.set, change)
}

// update changes the board by the rules of the plan as it is now.
func update(ctx context.Context, store Store, set *Settings, change func(*Rules, *Board) ([]Result, error)) error {
	plan, err := store.Plan(ctx)
	if err != nil {
		set.Counts.updated(delta{}, err)
		return err
	}
	set.Counts.planned(plan)
	r := &Rules{Plan: plan, Now: set.Now(), NewID: set.NewID, Silence: set.Silence}
	var made delta
	err = store.Update(ctx, func(b *Board) ([]Result, error) {
		before := look(b)
		results, err := change(r, b)
		made = compare(before, b, results, r.Now, r.Silence) // of the last time, if it is done again
		return results, err
	})
	set.Counts.updated(made, err)
	return err
}

// every calls f at once and then again and again until ctx ends.
func every(ctx context.Context, d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for ctx.Err() == nil {
		f()
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}
