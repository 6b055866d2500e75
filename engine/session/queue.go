package session

import (
	"context"
	"sync"
)

// queueMax bounds the requests that wait in one session.
const queueMax = 10000

// A Queue runs the requests of a session in order, each with a context of its
// own, so that a waiting or running one can be cancelled at any time.
type Queue struct {
	mu      sync.Mutex
	waiting []*job
	running *job
	wake    chan struct{}
	closed  bool
	done    chan struct{}
}

// A job is a request in the queue.
type job struct {
	key    any
	ctx    context.Context //nolint:containedctx // handed to run, once
	cancel context.CancelFunc
	run    func(context.Context)
}

func newQueue() *Queue {
	q := &Queue{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go q.work()
	return q
}

// Add appends a request. run is called with a cancelled context when the
// request was cancelled before its turn. Add reports false when the queue is
// full or closed.
func (q *Queue) Add(key any, run func(context.Context)) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.waiting) >= queueMax {
		return false
	}
	j := &job{key: key, run: run}
	j.ctx, j.cancel = context.WithCancel(context.Background())
	q.waiting = append(q.waiting, j)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

// Cancel cancels all requests whose key matches.
func (q *Queue) Cancel(match func(key any) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running != nil && match(q.running.key) {
		q.running.cancel()
	}
	for _, j := range q.waiting {
		if match(j.key) {
			j.cancel()
		}
	}
}

// next takes the first request; nil when there is none, ok = false at the end.
func (q *Queue) next() (j *job, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = nil
	if q.closed {
		return nil, false
	}
	if len(q.waiting) == 0 {
		return nil, true
	}
	q.running = q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	return q.running, true
}

func (q *Queue) work() {
	defer close(q.done)
	for {
		j, ok := q.next()
		switch {
		case !ok:
			return
		case j == nil:
			<-q.wake
		default:
			j.run(j.ctx)
			j.cancel()
		}
	}
}

// close cancels everything and waits until the running request has ended.
func (q *Queue) close() {
	q.mu.Lock()
	if q.running != nil {
		q.running.cancel()
	}
	for _, j := range q.waiting {
		j.cancel()
	}
	if !q.closed {
		q.closed = true
		close(q.wake)
	}
	q.waiting = nil
	q.mu.Unlock()
	<-q.done
}
