package session

import (
	"context"
	"sync"
	"sync/atomic"
)

// Bounds of what waits in one session.
const (
	queueMax      = 10000
	queueBytesMax = 256 << 20 // of frames; one request may be larger
)

// A Backlog is the bytes of the frames that wait in all sessions. The nil
// *Backlog has no bounds.
type Backlog struct {
	max  int64
	used atomic.Int64
}

// NewBacklog returns a backlog of at most so many bytes.
func NewBacklog(sizeBytes int64) *Backlog { return &Backlog{max: sizeBytes} }

// take adds a frame; ok = false if there is no room. A frame is always taken
// where nothing waits.
func (b *Backlog) take(sizeBytes int) (ok bool) {
	if b == nil {
		return true
	}
	if now := b.used.Add(int64(sizeBytes)); now > b.max && now > int64(sizeBytes) {
		b.used.Add(-int64(sizeBytes))
		return false
	}
	return true
}

func (b *Backlog) give(sizeBytes int) {
	if b != nil {
		b.used.Add(-int64(sizeBytes))
	}
}

// A Queue runs the requests of a session in order, each with a context of its
// own, so that a waiting or running one can be cancelled at any time.
type Queue struct {
	mu      sync.Mutex
	waiting []*job
	bytes   int // of frames of those and of the running one
	backlog *Backlog
	running *job
	working bool // on a goroutine that lasts as long as there are requests
	closed  bool
	done    chan struct{} // closed when the last request after close has ended
}

// A job is a request in the queue.
type job struct {
	key    any
	ctx    context.Context //nolint:containedctx // handed to run, once
	cancel context.CancelFunc
	run    func(context.Context)
	bytes  int
}

func newQueue(b *Backlog) *Queue {
	return &Queue{backlog: b, done: make(chan struct{})}
}

// Add appends a request that came in a frame of so many bytes. run is called
// with a cancelled context when the request was cancelled before its turn. Add
// reports false when the queue, or that of all sessions, is full or closed.
func (q *Queue) Add(key any, sizeBytes int, run func(context.Context)) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.waiting) >= queueMax || q.bytes > 0 && q.bytes+sizeBytes > queueBytesMax || !q.backlog.take(sizeBytes) {
		return false
	}
	q.bytes += sizeBytes
	j := &job{key: key, run: run, bytes: sizeBytes}
	j.ctx, j.cancel = context.WithCancel(context.Background())
	q.waiting = append(q.waiting, j)
	if !q.working {
		q.working = true
		go q.work()
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

// next takes the first request; nil when there is none for the time being.
func (q *Queue) next() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running != nil {
		q.release(q.running)
	}
	q.running = nil
	if len(q.waiting) == 0 { // as after close
		q.working, q.waiting = false, nil
		if q.closed {
			close(q.done)
		}
		return nil
	}
	q.running = q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	return q.running
}

func (q *Queue) release(j *job) {
	q.bytes -= j.bytes
	q.backlog.give(j.bytes)
}

func (q *Queue) work() {
	for j := q.next(); j != nil; j = q.next() {
		j.run(j.ctx)
		j.cancel()
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
		q.release(j)
	}
	if !q.closed && !q.working {
		close(q.done)
	}
	q.closed, q.waiting = true, nil
	q.mu.Unlock()
	<-q.done
}
