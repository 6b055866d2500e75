package app

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/cognate-bi/cognate/storage"
)

// ErrMemory says that an app does not fit into the memory that is allowed.
var ErrMemory = errors.New("not enough memory")

// An idle app is one that nobody has open: it stays for who comes back.
type idle struct {
	since time.Time
	file  os.FileInfo // when it was given back; another file is another app
	timer *time.Timer
}

// MemoryBytes returns about how much memory an app takes: its data, and the
// results that are kept for it.
func (a *App) MemoryBytes() (data, results int64) {
	d := a.Data()
	all := []*Data{d}
	d.reduced.mu.Lock()
	for _, r := range d.reduced.live() {
		if r != d {
			all = append(all, r)
		}
	}
	d.reduced.mu.Unlock()
	counted := map[*storage.Catalog]bool{}
	for _, d := range all {
		if c := d.Model.Catalog; !counted[c] {
			counted[c] = true
			data += c.Memory().Total()
		}
		results += d.Results.SizeBytes() + d.Infer.SizeBytes()
	}
	return data, results
}

// dropResults gives up what can be computed again, and dropVectors what can be
// made again from the data.
func (a *App) dropResults() {
	d := a.Data()
	d.drop()
	d.reduced.mu.Lock()
	defer d.reduced.mu.Unlock()
	for _, r := range d.reduced.live() {
		r.drop()
	}
}

func (d *Data) drop() {
	d.Results.Drop()
	d.Infer.Drop()
}

func (a *App) dropVectors() {
	for _, t := range a.Data().Model.Catalog.Tables() {
		for _, c := range t.Columns {
			c.Evict()
		}
	}
}

// MemoryBytes returns about how much memory all apps take.
func (l *Library) MemoryBytes() (n int64) {
	for _, s := range l.loaded() {
		data, results := s.app.MemoryBytes()
		n += data + results
	}
	return n
}

// loaded returns the apps in memory: idle ones first, the longest idle first
// of all.
func (l *Library) loaded() []*shared {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*shared
	for _, s := range l.open {
		select {
		case <-s.ready:
			if s.err == nil {
				list = append(list, s)
			}
		default: // being loaded
		}
	}
	since := func(s *shared) time.Time {
		if s.idle == nil {
			return l.opt.Now().Add(time.Hour)
		}
		return s.idle.since
	}
	slices.SortStableFunc(list, func(a, b *shared) int { return since(a).Compare(since(b)) })
	return list
}

// Relieve gives up memory while apps take more than is allowed: results of apps
// that nobody has open, then those apps themselves, the longest idle first; then
// results of the others, and last their vectors of measures. It reports whether
// that was enough.
func (l *Library) Relieve() bool { return l.relieve(0) }

// relieve makes room for so many bytes more.
func (l *Library) relieve(more int64) bool {
	allowed := l.Limits().MemoryMax
	enough := func() bool { return allowed <= 0 || l.MemoryBytes()+more <= allowed }
	if enough() {
		return true
	}
	list := l.loaded()
	for _, give := range []struct {
		idle bool
		up   func(*shared)
	}{
		{true, func(s *shared) { s.app.dropResults() }},
		{true, l.dropIdle},
		{false, func(s *shared) { s.app.dropResults() }},
		{false, func(s *shared) { s.app.dropVectors() }},
	} {
		for _, s := range list {
			if l.isIdle(s) == give.idle {
				if give.up(s); enough() {
					l.opt.Log.Info("memory given up", "bytes", l.MemoryBytes(), "allowed", allowed)
					return true
				}
			}
		}
	}
	return false
}

func (l *Library) isIdle(s *shared) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.idle != nil
}

// dropIdle takes an idle app out of memory.
func (l *Library) dropIdle(s *shared) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.idle == nil || l.open[s.app.ID] != s {
		return
	}
	s.idle.timer.Stop()
	delete(l.open, s.app.ID)
	s.idle = nil
	l.opt.Log.Debug("app closed", "app", s.app.ID)
}

// keep makes an app idle that nobody has open any more; false if it is not to
// be kept: changes that were not saved are gone when the last one leaves. The
// caller holds mu.
func (l *Library) keep(id string, s *shared) bool {
	ttl := l.Limits().IdleTTL
	if ttl <= 0 || s.err != nil || s.app.Session {
		return false
	}
	path, err := l.file(id)
	if err != nil {
		return false
	}
	info, err := os.Stat(path)
	if _, unsaved := s.app.Modified(); err != nil || unsaved {
		return false
	}
	s.idle = &idle{since: l.opt.Now(), file: info}
	kept := s.idle
	kept.timer = time.AfterFunc(ttl, func() {
		l.mu.Lock()
		same := s.idle == kept
		l.mu.Unlock()
		if same {
			l.dropIdle(s)
		}
	})
	return true
}

// wake takes an idle app into use again; false if its file has changed
// meanwhile. The caller holds mu.
func (l *Library) wake(id string, s *shared) bool {
	s.idle.timer.Stop()
	was := s.idle.file
	s.idle = nil
	path, err := l.file(id)
	if err != nil {
		return false
	}
	now, err := os.Stat(path)
	return err == nil && sameFile(was, now)
}

// admit checks that an app that has just been loaded fits.
func (l *Library) admit(a *App) error {
	own, _ := a.MemoryBytes()
	if l.relieve(own) {
		return nil
	}
	return fmt.Errorf("%w: app %s takes %d MB, and of %d MB that are allowed others take %d MB",
		ErrMemory, a.ID, own>>20, l.Limits().MemoryMax>>20, l.MemoryBytes()>>20)
}
