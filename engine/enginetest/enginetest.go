// Package enginetest opens apps from scripts in tests, and runs conformance
// case files against them (testdata/conformance/README.md has their schema).
package enginetest

import (
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An App is a session on a loaded app.
type App struct {
	Session *session.Session
}

// Load runs a script in a fresh session app; the test fails if it does.
func Load(t testing.TB, script string) *App {
	t.Helper()
	a, err := Open(t, script, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Open runs a script in a fresh session app of a library with options.
func Open(t testing.TB, script string, o app.Options) (*App, error) {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	lib, err := app.NewLibrary(o)
	if err != nil {
		return nil, err
	}
	s := session.New("test", "", lib, o.Log)
	t.Cleanup(s.Close)
	if _, err := s.CreateSessionApp(""); err != nil {
		return nil, err
	}
	a, err := s.App()
	if err != nil {
		return nil, err
	}
	a.SetScript(script)
	ok, err := a.Reload(t.Context(), "")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("reload: %v", a.Progress().Errors)
	}
	s.Begin()
	return &App{s}, nil
}

// A Cell is a value as a case compares it.
type Cell struct {
	Null bool
	Num  float64 // NaN without number
	Text string
}

func (a *App) cell(v dual.Value) Cell {
	if v.IsNull() {
		return Cell{Null: true, Num: math.NaN()}
	}
	return Cell{Num: v.Float(), Text: a.Session.Data().Locale.Text(v)}
}

// String shows the cell in the messages of failing tests.
func (c Cell) String() string {
	switch {
	case c.Null:
		return "null"
	case c.Num == c.Num:
		return fmt.Sprintf("{%v %q}", c.Num, c.Text)
	}
	return fmt.Sprintf("%q", c.Text)
}
