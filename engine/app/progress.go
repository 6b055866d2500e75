package app

import (
	"slices"
	"sync"
	"time"
)

// linesMax bounds the progress lines that are kept of a reload.
const linesMax = 1000

// Progress is how far a reload is.
type Progress struct {
	ID                string // [Reloading.ID]
	Started, Finished bool
	Begun             time.Time
	Took              time.Duration // until now, or until the end
	Lines             []string      // one for each finished table, and TRACE
	Current           string        // what is going on
	Errors            []ScriptError
}

// A ScriptError is an error of the load script with its place.
type ScriptError struct {
	Message, Statement string
	Line, Col          int
}

// progress is the state of the running or last reload.
type progress struct {
	mu  sync.Mutex
	now Progress
}

func (p *progress) start(id string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = Progress{ID: id, Started: true, Begun: at}
}

func (p *progress) finish(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Finished, p.now.Took, p.now.Current = true, at.Sub(p.now.Begun), ""
}

func (p *progress) line(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.now.Lines) < linesMax {
		p.now.Lines = append(p.now.Lines, s)
	}
	p.now.Current = ""
}

func (p *progress) current(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Current = s
}

func (p *progress) fail(e ScriptError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.now.Errors) < linesMax {
		p.now.Errors = append(p.now.Errors, e)
	}
}

// Progress returns how far the running or last reload is.
func (a *App) Progress() Progress {
	a.progress.mu.Lock()
	defer a.progress.mu.Unlock()
	out := a.progress.now
	out.Lines, out.Errors = slices.Clone(out.Lines), slices.Clone(out.Errors)
	if out.Started && !out.Finished {
		out.Took = a.now().Sub(out.Begun)
	}
	return out
}
