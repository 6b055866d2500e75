package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/query"
)

// smallApps makes apps of about the same size and closes them.
func smallApps(t *testing.T, l *Library, n int) (ids []string) {
	t.Helper()
	for i := range n {
		a := create(t, l, fmt.Sprint("app ", i), "T: LOAD RecNo() AS id, 'text of ' & RecNo() AS text, RecNo()/3 AS x AUTOGENERATE 20000;")
		if err := a.Save(); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
		l.Close(a)
	}
	return ids
}

func TestIdleAppsStayForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := NewLibrary(Options{Dir: t.TempDir(), Limits: Limits{IdleTTL: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		id := smallApps(t, l, 1)[0]
		open := func() *App {
			a, err := l.Open(id)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		first := open()
		l.Close(first)
		time.Sleep(59 * time.Minute)
		if a := open(); a != first {
			t.Error("the app was loaded again before its time")
		} else {
			l.Close(a)
		}
		time.Sleep(59 * time.Minute) // anew from the last one on
		if len(l.OpenApps()) != 1 {
			t.Error("the app is gone before its time")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(l.OpenApps()) != 0 {
			t.Error("the app stays after its time")
		}

		a := open()
		a.SetScript("// not saved")
		l.Close(a)
		if b := open(); b == a || b.Script() == a.Script() {
			t.Error("a change that was not saved outlives the last one who has the app open")
		} else {
			l.Close(b)
			path, _ := l.file(id)
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if c := open(); c == b {
				t.Error("the app is given though its file is another one")
			} else {
				l.Close(c)
			}
		}
		if err := l.Delete(id); err != nil || len(l.OpenApps()) != 0 {
			t.Errorf("a deleted app stays: %v", err)
		}
	})
}

// Memory is given up in an order: results of idle apps, idle apps from the
// longest idle on, then what those in use can make again.
func TestMemoryIsGivenUpInOrder(t *testing.T) {
	now := time.Unix(1e9, 0)
	l, err := NewLibrary(Options{Dir: t.TempDir(), Limits: Limits{IdleTTL: time.Hour}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	ids := smallApps(t, l, 4)
	apps := make([]*App, len(ids))
	for i, id := range ids {
		if apps[i], err = l.Open(id); err != nil {
			t.Fatal(err)
		}
		fill(t, apps[i])
	}
	for _, i := range []int{2, 0, 1} { // the order in which they become idle
		now = now.Add(time.Minute)
		l.Close(apps[i])
	}
	one := l.MemoryBytes() / 4
	results := func(i int) int64 { _, r := apps[i].MemoryBytes(); return r }
	vectors := func(i int) int64 { return apps[i].Data().Model.Catalog.Memory().ValueBytes }
	limit := func(n int64) bool { l.SetLimits(Limits{IdleTTL: time.Hour, MemoryMax: n}); return l.Relieve() }

	if !limit(l.MemoryBytes()-1) || results(2) != 0 || results(0) == 0 || len(l.OpenApps()) != 4 {
		t.Error("not the results of the longest idle app first")
	}
	if !limit(3 * one) {
		t.Error("three of four apps are not little enough")
	}
	want := []string{ids[0], ids[1], ids[3]}
	slices.Sort(want)
	if got := l.OpenApps(); !slices.Equal(got, want) || results(3) == 0 {
		t.Errorf("%v are left, want %v; results of the app in use: %d", got, want, results(3))
	}
	data, _ := apps[3].MemoryBytes()
	if !limit(data) || results(3) != 0 || vectors(3) == 0 || len(l.OpenApps()) != 1 {
		t.Errorf("results %d, vectors %d, apps %v: results go before vectors", results(3), vectors(3), l.OpenApps())
	}
	if !limit(data-1) || vectors(3) != 0 {
		t.Error("vectors of measures go last")
	}
	if limit(1) {
		t.Error("one byte is enough for an app in use")
	}
	a, err := l.Open(ids[0])
	if !errors.Is(err, ErrMemory) {
		t.Errorf("an app that does not fit: %v, %v", a, err)
	}
	if len(l.OpenApps()) != 1 {
		t.Errorf("%v are open", l.OpenApps())
	}
}

// fill makes an app hold results and a flat vector.
func fill(t *testing.T, a *App) {
	t.Helper()
	d := a.Data()
	q := &query.Context{Infer: d.Infer, Fn: &fn.Context{Locale: d.Locale}}
	if v, err := d.Results.Value(t.Context(), q, "Sum(x)"); err != nil || v.Num == 0 {
		t.Fatal(v, err)
	}
	d.Model.Catalog.Tables()[0].Columns[2].Values()
	d.Infer.Of(nil).Possible(d.Model.Field("id"))
	if data, results := a.MemoryBytes(); results == 0 || data == 0 || d.Model.Catalog.Memory().ValueBytes == 0 {
		t.Fatalf("data %d, results %d, %+v", data, results, d.Model.Catalog.Memory())
	}
}

// A reload that makes more than is allowed fails with a message, and the
// former data serve on.
func TestReloadThatDoesNotFit(t *testing.T) {
	l, err := NewLibrary(Options{Dir: t.TempDir(), Limits: Limits{MemoryMax: 4 << 20}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a := create(t, l, "a", "T: LOAD RecNo() AS id AUTOGENERATE 10;")
	a.SetScript("T: LOAD RecNo() AS id, 'a long text to fill memory with ' & RecNo() AS text AUTOGENERATE 1000000;")
	if ok, err := a.Reload(t.Context(), ""); ok || err != nil {
		t.Errorf("reload: %v, %v", ok, err)
	}
	if errs := a.Progress().Errors; len(errs) == 0 || a.Data().Model.Field("text") != nil {
		t.Errorf("errors %v", errs)
	}
}

// An app that is closed, or whose data a reload replaced, leaves nothing
// behind: neither tables nor results are held by anyone.
func TestClosedAppIsFreed(t *testing.T) {
	l, err := NewLibrary(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	held := func(a *App) map[string]func() bool {
		data := a.Data()
		catalog, engine := weak.Make(data.Model.Catalog), weak.Make(data.Infer)
		column := weak.Make(data.Model.Catalog.Tables()[0].Columns[0])
		return map[string]func() bool{
			"tables":     func() bool { return catalog.Value() != nil },
			"a column":   func() bool { return column.Value() != nil },
			"the engine": func() bool { return engine.Value() != nil },
		}
	}
	isFreed := func(when string, parts map[string]func() bool) {
		t.Helper()
		for range 3 { // what a clean-up holds goes with the next collection
			runtime.GC()
		}
		for name, isThere := range parts {
			if isThere() {
				t.Errorf("%s: %s is still in memory", when, name)
			}
		}
	}
	id := smallApps(t, l, 1)[0]
	a, err := l.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, a)
	parts := held(a)
	for name, isThere := range parts {
		if !isThere() {
			t.Fatalf("%s is not in memory: the test tells nothing", name)
		}
	}
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatal(err)
	}
	isFreed("after a reload", parts)
	fill(t, a)
	parts = held(a)
	l.Close(a)
	if n := l.MemoryBytes(); n != 0 {
		t.Errorf("%d bytes are accounted for", n)
	}
	isFreed("after the last one has closed the app", parts)
	runtime.KeepAlive(l)
}

// Users with the same rights share one reduced model, which goes with the last
// of them.
func TestReductionsAreSharedAndFreed(t *testing.T) {
	l, err := NewLibrary(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	a := create(t, l, "app", `SECTION ACCESS;
A: LOAD 'USER' AS ACCESS, 'D\U' & RecNo() AS USERID, Chr(65 + Mod(RecNo(), 4)) AS G AUTOGENERATE 1000;
SECTION APPLICATION;
T: LOAD Chr(65 + Mod(RecNo(), 4)) AS G, RecNo() AS id, RecNo()/3 AS x AUTOGENERATE 20000;`)
	all, _ := a.MemoryBytes()
	held := map[*Data]bool{}
	for i := range 1000 {
		d, err := a.DataFor(a.Data(), &access.User{ID: fmt.Sprint(`d\u`, i+1)})
		if err != nil {
			t.Fatal(err)
		}
		held[d] = true
	}
	if len(held) != 4 {
		t.Errorf("a thousand users of four kinds have %d models", len(held))
	}
	if with, _ := a.MemoryBytes(); with > 3*all {
		t.Errorf("%d bytes with all users, %d without", with, all)
	}
	runtime.KeepAlive(held)
	clear(held)
	for range 3 {
		runtime.GC()
	}
	if with, _ := a.MemoryBytes(); with != all {
		t.Errorf("%d bytes after the last user, %d before the first", with, all)
	}
}

// Limits may change while the engine runs.
func TestReloadLimits(t *testing.T) {
	l := newTestLibrary(t, t.TempDir())
	a := create(t, l, "Long", "LOAD RecNo() as x AUTOGENERATE 10;")
	a.SetScript("DO\nLET i = i + 1;\nLOOP")
	ran := func(x Limits) string {
		t.Helper()
		l.SetLimits(x)
		ok, err := a.Reload(t.Context(), "")
		if ok || err != nil {
			t.Fatalf("%v, %v", ok, err)
		}
		errs := a.Progress().Errors
		return errs[len(errs)-1].Message
	}
	if got := ran(Limits{ReloadTime: 50 * time.Millisecond}); !strings.Contains(got, "longer than 50ms") {
		t.Errorf("time: %s", got)
	}
	a.SetScript("T: LOAD RecNo() as x, RecNo()&'a long text' as y AUTOGENERATE 1e6;")
	if got := ran(Limits{ReloadBytes: 1 << 20}); !strings.Contains(got, "more than 1048576 bytes") {
		t.Errorf("memory: %s", got)
	}
	if got := ran(Limits{ReloadBytes: 1 << 40, MemoryMax: 1 << 20}); !strings.Contains(got, "more than 1048576 bytes") {
		t.Errorf("memory of all: %s", got)
	}
	if m := a.Data().Model; len(m.Tables) != 1 || m.Tables[0].Rows != 10 {
		t.Error("the data before are lost")
	}
}
