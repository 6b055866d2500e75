package proxy

import (
	"context"
	"sync"
)

// sockets are the open ones.
type sockets struct {
	mu        sync.Mutex
	open      map[*socket]struct{}
	bySession map[string]int // reserved ones, too
	total     int
	closed    bool
	all       sync.WaitGroup
}

// reserve takes a place for a socket of a session and reports whether there
// was one. release gives it back.
func (s *sockets) reserve(session string, l Limits) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.total >= l.Sockets || s.bySession[session] >= l.SocketsPerSession {
		return false
	}
	s.total++
	s.bySession[session]++
	s.all.Add(1)
	return true
}

func (s *sockets) release(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.bySession[session]--; s.bySession[session] == 0 {
		delete(s.bySession, session)
	}
	s.all.Done()
}

// add lets drain find a socket; it reports false when that was already.
func (s *sockets) add(x *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.open[x] = struct{}{}
	return true
}

func (s *sockets) remove(x *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, x)
}

func (s *sockets) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// engines returns how many sockets lead to engines, and of how many users.
func (s *sockets) engines() (n, users int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := map[string]struct{}{}
	for x := range s.open {
		if x.place.route.service == Engine && x.connected.Load() {
			n++
			who[x.sess.User.Directory+`\`+x.sess.User.ID] = struct{}{}
		}
	}
	return n, len(who)
}

// drain ends all sockets; there will be no new ones.
func (s *sockets) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for x := range s.open {
		x.end(leaving{})
	}
}

// wait returns when all sockets have ended, or the context has.
func (s *sockets) wait(ctx context.Context) error {
	gone := make(chan struct{})
	go func() {
		s.all.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
