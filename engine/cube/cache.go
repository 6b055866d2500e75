package cube

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"slices"
	"sync"

	"github.com/maypok86/otter/v2"

	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/engine/turns"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Cache keeps results for all sessions on one set of data.
//
// What a result depends on is not known from its definition: expressions name
// variables, other states, bookmarks, and expansion makes new names. So each
// computation is *traced*: the session answers its questions, and the questions
// are kept by the definition. To find a result, the questions are asked again,
// of the session that wants it; the digest of definition, questions and answers
// is the key. A computation asks the same questions as long as it gets the
// same answers, so what is found is what would be computed.
//
// Two requests for the same missing result compute it once. If the one that
// does is cancelled, another takes over.
type Cache struct {
	turns   *turns.Turns
	counted *Counters
	results *otter.Cache[digest, *result]
	known   *otter.Cache[digest, *questions]

	mu      sync.Mutex
	flights map[digest]*flight
}

// A result is a cube, or the value of an expression.
type result struct {
	cube  *Cube
	value dual.Value
	bytes int
}

// questions are the lists of looks that computations of one definition have
// made, the newest last. They are replaced, never changed.
type questions struct {
	lists    [][]look
	volatile bool // some computation could not be shared
}

// A flight is a computation that others wait for.
type flight struct {
	done  chan struct{}
	ended bool // with a result or an error of its own, not cancelled
}

// Bounds of a cache.
const (
	knownMax = 10_000 // definitions of which questions are kept
	listsMax = 8      // lists of questions of a definition
)

// NewCache returns a cache of so many bytes, whose computations take turns, and
// which counts what it does; nil counters are its own.
func NewCache(sizeBytes int64, t *turns.Turns, n *Counters) (*Cache, error) {
	if n == nil {
		n = &Counters{}
	}
	results, err := otter.New(&otter.Options[digest, *result]{
		MaximumWeight: uint64(sizeBytes),
		Weigher:       func(_ digest, r *result) uint32 { return uint32(min(int64(r.bytes), math.MaxUint32)) },
		OnAtomicDeletion: func(e otter.DeletionEvent[digest, *result]) {
			if e.Cause == otter.CauseOverflow || e.Cause == otter.CauseReplacement {
				n.Replaced.Add(1)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	known, err := otter.New(&otter.Options[digest, *questions]{MaximumSize: knownMax})
	if err != nil {
		return nil, err
	}
	return &Cache{results: results, known: known, flights: map[digest]*flight{}, turns: t, counted: n}, nil
}

// SizeBytes returns about how much memory the results take.
func (c *Cache) SizeBytes() int64 { return int64(c.results.WeightedSize()) }

// Drop gives up all results.
func (c *Cache) Drop() { c.results.InvalidateAll() }

// Compute is [Compute], with a result of another session where it is the same.
func (c *Cache) Compute(ctx context.Context, q *query.Context, d *Def, o Options) (cube *Cube, shared bool, err error) {
	if o.Search != "" || o.Matches != nil || len(o.Open) > 0 {
		err = c.turn(ctx, q, func(ctx context.Context, q *query.Context) (err error) {
			cube, err = Compute(ctx, q, d, o)
			return err
		})
		return cube, false, err
	}
	r, shared, err := c.get(ctx, q, define(q, d), func(ctx context.Context, q *query.Context) (*result, error) {
		cube, err := Compute(ctx, q, d, o)
		if err != nil {
			return nil, err
		}
		return &result{cube: cube, bytes: cube.sizeBytes()}, nil
	})
	if err != nil {
		return nil, false, err
	}
	return r.cube, shared, nil
}

// Value is [query.Context.Value], shared likewise.
func (c *Cache) Value(ctx context.Context, q *query.Context, source string) (dual.Value, error) {
	def := digest(sha256.Sum256(appendPlace(appendText(nil, source), q)))
	r, _, err := c.get(ctx, q, def, func(ctx context.Context, q *query.Context) (*result, error) {
		v, err := q.Value(ctx, source)
		return &result{value: v, bytes: resultBytes + len(v.Text)}, err
	})
	if err != nil {
		return dual.Value{}, err
	}
	return r.value, nil
}

// A computation makes a result in a context that notes what it asks.
type computation func(ctx context.Context, q *query.Context) (*result, error)

// get finds a result or computes it. shared says that others may have it.
func (c *Cache) get(ctx context.Context, q *query.Context, def digest, compute computation) (r *result, shared bool, err error) {
	c.counted.Lookups.Add(1)
	for waited := false; ; {
		ask, _ := c.known.GetIfPresent(def)
		r, at := c.find(q, def, ask)
		if r != nil {
			c.counted.Hits.Add(1)
			return r, true, nil
		}
		if waited || ask != nil && ask.volatile {
			return c.lead(ctx, q, def, compute)
		}
		f, mine := c.board(at)
		if mine {
			defer c.land(at, f)
			r, shared, err = c.lead(ctx, q, def, compute)
			f.ended = !errors.Is(err, query.ErrAborted)
			return r, shared, err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, false, query.ErrAborted
		}
		waited = f.ended // else try to become the one who computes
	}
}

// find asks the questions that are known. at is where a missing result of the
// likeliest list would be.
func (c *Cache) find(q *query.Context, def digest, ask *questions) (r *result, at digest) {
	if ask == nil {
		ask = &questions{lists: [][]look{{{source: fromState, name: q.State}}}} // what nearly all of them ask
	}
	for i := len(ask.lists) - 1; i >= 0; i-- {
		at = with(def, ask.lists[i], func(l look) string { return l.in(q) })
		if r, ok := c.results.GetIfPresent(at); ok {
			return r, at
		}
	}
	return nil, at
}

// lead computes a result and keeps it.
func (c *Cache) lead(ctx context.Context, q *query.Context, def digest, compute computation) (r *result, shared bool, err error) {
	tq, t := traced(q)
	err = c.turn(ctx, tq, func(ctx context.Context, q *query.Context) (err error) {
		r, err = compute(ctx, q)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	looks, at, ok := t.end(def)
	c.learn(def, looks, !ok)
	if ok {
		c.results.Set(at, r)
		c.counted.added(r)
	}
	return r, ok, nil
}

// turn runs f when it is its turn; beside others it has one processor.
func (c *Cache) turn(ctx context.Context, q *query.Context, f func(context.Context, *query.Context) error) error {
	err := c.turns.Do(ctx, func(ctx context.Context, alone bool) error {
		own := *q
		if !alone {
			own.Workers = 1
		}
		return f(ctx, &own)
	})
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return query.ErrAborted
	}
	return err
}

// learn notes the questions of a definition.
func (c *Cache) learn(def digest, looks []look, volatile bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, _ := c.known.GetIfPresent(def)
	if old == nil {
		old = &questions{}
	}
	known := slices.ContainsFunc(old.lists, func(l []look) bool { return slices.Equal(l, looks) })
	if known && old.volatile == volatile {
		return
	}
	next := &questions{lists: old.lists, volatile: volatile}
	if !known {
		next.lists = append(slices.Clip(old.lists), looks)
		next.lists = next.lists[max(0, len(next.lists)-listsMax):]
	}
	c.known.Set(def, next)
}

// board joins the computation at a key, or begins it.
func (c *Cache) board(at digest) (f *flight, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f = c.flights[at]; f != nil {
		return f, false
	}
	f = &flight{done: make(chan struct{})}
	c.flights[at] = f
	return f, true
}

// land ends a computation, also one that panicked.
func (c *Cache) land(at digest, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flights, at)
	close(f.done)
}
