package app

import (
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// rowsOf is how many rows the tables of an app have.
func rowsOf(a *App) int { return a.Data().rows() }

func sheet(id string) *tree.Node {
	return tree.NewObject(member("qInfo", tree.NewObject(member("qId", tree.NewString(id)), member("qType", tree.NewString("sheet")))))
}

// Two engines have an app of one folder open: what one saves, the other shows.
func TestRefresh(t *testing.T) {
	dir := t.TempDir()
	one, other := newTestLibrary(t, dir), newTestLibrary(t, dir)
	a := create(t, one, "Sales", "T: LOAD RecNo() AS x AUTOGENERATE 3;")
	for _, id := range []string{"stays", "goes"} {
		if _, err := a.Create(object.Generic, sheet(id), "", nil); err != nil {
			t.Fatal(err)
		}
	}
	save(t, a)
	b, err := other.Open(a.ID)
	if err != nil {
		t.Fatal(err)
	}
	var events []EventKind
	var gone []string
	defer b.Subscribe(func(e Event) { events, gone = append(events, e.Kind), append(gone, e.Gone...) })()
	refresh(t, other, a.ID)
	if len(events) != 0 {
		t.Errorf("events without news: %v", events)
	}

	a.SetScript("T: LOAD RecNo() AS x AUTOGENERATE 7;")
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatal(err)
	}
	a.Destroy(object.Generic, "goes")
	save(t, a)
	refresh(t, one, a.ID) // its own file is no news to it
	refresh(t, other, a.ID)
	if rowsOf(b) != 7 || b.Script() != a.Script() || b.Items.Get("goes") != nil || b.Items.Get("stays") == nil || !b.Loaded().Equal(a.Loaded()) {
		t.Errorf("%d rows, script %q, items %v, loaded %v", rowsOf(b), b.Script(), b.Items.Everything(), b.Loaded())
	}
	if !slices.Equal(events, []EventKind{ItemRemoved, Reloaded}) || !slices.Equal(gone, []string{"goes"}) {
		t.Errorf("events %v, gone %v", events, gone)
	}

	// What is not saved stays, with the new data; and saving it keeps them.
	if _, err := b.Create(object.Generic, sheet("unsaved"), "", nil); err != nil {
		t.Fatal(err)
	}
	a.SetScript("T: LOAD RecNo() AS x AUTOGENERATE 9;")
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatal(err)
	}
	save(t, a)
	refresh(t, other, a.ID)
	if rowsOf(b) != 9 || b.Items.Get("unsaved") == nil {
		t.Errorf("%d rows, unsaved sheet %v", rowsOf(b), b.Items.Get("unsaved"))
	}
	save(t, b)
	refresh(t, one, a.ID)
	if rowsOf(a) != 9 || a.Items.Get("unsaved") == nil {
		t.Errorf("after the other saved: %d rows, sheet %v", rowsOf(a), a.Items.Get("unsaved"))
	}

	if err := one.Delete(a.ID); err != nil {
		t.Fatal(err)
	}
	refresh(t, other, a.ID)
	if rowsOf(b) != 9 {
		t.Error("a deleted app lost its data under its sessions")
	}
	refresh(t, one, "there is none")
}

func save(t *testing.T, a *App) {
	t.Helper()
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
}

func refresh(t *testing.T, l *Library, id string) {
	t.Helper()
	if err := l.Refresh(id); err != nil {
		t.Fatal(err)
	}
}

// Two engines change objects of an app at the same time: none loses what the
// other has saved, and data are not read anew for that.
func TestSaveBesideAnother(t *testing.T) {
	dir := t.TempDir()
	one, other := newTestLibrary(t, dir), newTestLibrary(t, dir)
	a := create(t, one, "Sales", "T: LOAD RecNo() AS x AUTOGENERATE 3;")
	for _, id := range []string{"changed by a", "changed by b", "gone by a", "gone by b"} {
		if _, err := a.Create(object.Generic, sheet(id), "", nil); err != nil {
			t.Fatal(err)
		}
	}
	save(t, a)
	b, err := other.Open(a.ID)
	if err != nil {
		t.Fatal(err)
	}
	data := b.Data()
	change := func(x *App, name string) {
		t.Helper()
		if _, err := x.Create(object.Generic, sheet("made by "+name), "", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := x.Create(object.Generic, sheet("child of "+name), "changed by "+name, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := x.SetItem("changed by "+name, sheet("changed by "+name).With("by", tree.NewString(name))); err != nil {
			t.Fatal(err)
		}
		if !x.Destroy(object.Generic, "gone by "+name) {
			t.Fatal("nothing to destroy")
		}
	}
	change(a, "a")
	change(b, "b")
	a.SetScript("// by a")
	for _, x := range []*App{a, b} {
		if err := x.SaveDocument(); err != nil {
			t.Fatal(err)
		}
	}
	refresh(t, one, a.ID)
	want := []string{"changed by a", "changed by b", "child of a", "child of b", "made by a", "made by b"}
	fresh, err := newTestLibrary(t, dir).Open(a.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range []*App{a, b, fresh} {
		var got []string
		for _, it := range x.Items.All(object.Generic) {
			got = append(got, it.ID)
		}
		slices.Sort(got)
		by := func(id string) string { return x.Items.Get(id).Props.Get("by").Str() }
		if !slices.Equal(got, want) || by("changed by a") != "a" || by("changed by b") != "b" || x.Script() != "// by a" || len(x.Items.Get("changed by b").Children) != 1 {
			t.Errorf("%d: %v, script %q", i, got, x.Script())
		}
	}
	if b.Data() != data {
		t.Error("the data were read anew")
	}
}
