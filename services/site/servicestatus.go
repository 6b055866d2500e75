package site

import (
	"context"
	"time"
)

// followServices keeps in the repository which engines answer, for monitors
// that look there, until ctx ends.
func (s *Site) followServices(ctx context.Context) {
	said := map[string]bool{} // by node
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		for node, answers := range s.fleet.answering() {
			if was, known := said[node]; known && was == answers {
				continue
			}
			err := s.repo.NoteEngine(ctx, node, answers)
			switch {
			case err == nil:
				said[node] = answers
			case ctx.Err() == nil:
				s.log.repository.Warn("the state of an engine could not be noted", "node", node, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// answering tells which nodes' engines answered when they were asked last;
// those that have not been asked are left out.
func (f *fleet) answering() map[string]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]bool{}
	for i := range f.engines {
		if e := &f.engines[i]; e.check > 0 {
			out[e.node] = e.healthy
		}
	}
	return out
}
