package session

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// An awayGate is that of a site whose database is away for a while.
type awayGate struct {
	Gate
	away atomic.Bool
}

func (g *awayGate) Read(string) error {
	if g.away.Load() {
		return errors.New("the database is away")
	}
	return nil
}
func (g *awayGate) Change(string) error                   { return g.Read("") }
func (*awayGate) Saved(string) error                      { return nil }
func (*awayGate) Owner() string                           { return `D\ann` }
func (*awayGate) CreateObject(string, *object.Item) error { return nil }
func (*awayGate) Object(string, *object.Item) (Standing, error) {
	return Standing{Rights: everyRight}, nil
}

// TestObjectsAreKept makes objects while they cannot be saved, and while others
// are: each is in the file in the end.
func TestObjectsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		lib, err := app.NewLibrary(app.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		id, err := lib.Create("app")
		if err != nil {
			t.Fatal(err)
		}
		gate := &awayGate{}
		s := New("s", "ann", lib, slog.New(slog.DiscardHandler))
		defer s.Close()
		s.Gate = gate
		if _, err := s.OpenDoc(id); err != nil {
			t.Fatal(err)
		}
		create := func(name string) {
			t.Helper()
			if _, err := s.Create(object.Generic, tree.MustParse(`{"qInfo":{"qId":"`+name+`","qType":"sheet"}}`), nil); err != nil {
				t.Fatal(err)
			}
		}
		inFile := func(name string) bool {
			t.Helper()
			other, err := app.NewLibrary(app.Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			a, err := other.Open(id)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close(a)
			return a.Items.Get(name) != nil
		}

		s.Begin()
		s.keepSoon() // a request is about to make an object
		time.Sleep(2 * keepAfter)
		a, _ := s.App()
		if _, err := a.CreateFor("", object.Generic, tree.MustParse(`{"qInfo":{"qId":"late","qType":"sheet"}}`), "", nil); err != nil {
			t.Fatal(err)
		}
		s.End()
		time.Sleep(2 * keepAfter)
		if !inFile("late") {
			t.Error("what was made while others were saved is not saved")
		}

		gate.away.Store(true)
		s.Begin()
		create("one")
		s.End()
		time.Sleep(2 * keepAfter)
		if inFile("one") {
			t.Fatal("the gate was not asked")
		}
		gate.away.Store(false)
		time.Sleep(2 * keepAgain)
		if !inFile("one") {
			t.Error("what could not be saved at first is not saved")
		}
		gate.away.Store(true)
		if err := s.SaveObjects(); err == nil {
			t.Error("the client is told that it was saved")
		}
		create("two")
		gate.away.Store(false)
		time.Sleep(2 * keepAgain)
		if !inFile("two") {
			t.Error("what was changed behind a failure is not saved")
		}
	})
}
