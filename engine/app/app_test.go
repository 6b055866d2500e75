package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

func newTestLibrary(t *testing.T, dir string) *Library {
	t.Helper()
	l, err := NewLibrary(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func create(t *testing.T, l *Library, title, src string) *App {
	t.Helper()
	id, err := l.Create(title)
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	a.SetScript(src)
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatalf("reload: %v, %+v", err, a.Progress().Errors)
	}
	return a
}

// Two tables that share two fields have a synthetic key, which a saved app
// has to come back with.
const twoKeys = `SET DateFormat='DD.MM.YYYY';
LET vDay = MakeDate(2024, 2, 29);
A: LOAD * INLINE [
x, y, Amount
1, a, 10
2, b, 20];
B: LOAD * INLINE [
x, y, Name
1, a, One
3, c, Three];`

func TestSaveAndOpen(t *testing.T) {
	dir := t.TempDir()
	l := newTestLibrary(t, dir)
	a := create(t, l, "Sales", twoKeys)
	it, err := a.Create(object.Generic, tree.MustParse(`{"qInfo":{"qId":"s","qType":"sheet"},"z":1,"a":[null]}`), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Create(object.Generic, tree.MustParse(`{"qInfo":{"qId":"k"}}`), it.ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := a.AddState("Compare"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddConnection(Connection{Name: "c", Type: "folder", String: "/x"}); err != nil {
		t.Fatal(err)
	}
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	l.Close(a)

	b, err := newTestLibrary(t, dir).Open(a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if b.Title() != "Sales" || b.Script() != twoKeys || len(b.States()) != 1 || len(b.Connections()) != 1 {
		t.Errorf("title %q, states %v, connections %v", b.Title(), b.States(), b.Connections())
	}
	if got, want := b.Items.Get("s").Props.JSON(), a.Items.Get("s").Props.JSON(); got != want {
		t.Errorf("properties %s, were %s", got, want)
	}
	if b.Items.Get("k").Parent != "s" || b.Items.Get("s").Children[0] != "k" {
		t.Error("the family of the objects is gone")
	}
	if v := b.Items.Variable("vDay"); v == nil || v.Number == nil || *v.Number != 45351 || v.Props.Get("qDefinition").Str() != "29.02.2024" {
		t.Errorf("variable %+v", v)
	}
	if b.Data().Locale.DateFormat != "DD.MM.YYYY" {
		t.Errorf("date format %s", b.Data().Locale.DateFormat)
	}
	for _, d := range []*Data{a.Data(), b.Data()} {
		var tables []string
		for _, tb := range d.Model.Tables {
			tables = append(tables, tb.Name)
			if tb.Synthetic != (tb.Name == "$Syn 1 Table") {
				t.Errorf("%s: synthetic %v", tb.Name, tb.Synthetic)
			}
		}
		if got := strings.Join(tables, ", "); got != "A, B, $Syn 1 Table" {
			t.Errorf("tables %s", got)
		}
		var names []string
		for _, c := range d.Columns(d.Model.Table("B"), false) {
			names = append(names, c.Field.Name+"="+d.Locale.Text(c.Values(1, 2)[0]))
		}
		if got := strings.Join(names, " "); got != "Name=Three x=3 y=c" {
			t.Errorf("second row of B in source mode: %s", got)
		}
	}
}

func TestSectionAccessIsSaved(t *testing.T) {
	dir := t.TempDir()
	l := newTestLibrary(t, dir)
	a := create(t, l, "Secret", "SECTION ACCESS;\nLOAD * INLINE [\nACCESS,USERID,R\nUSER,D\\ANN,N\n];\nSECTION APPLICATION;\nLOAD * INLINE [\nR\nN\nS\n];")
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	b, err := newTestLibrary(t, dir).Open(a.ID)
	if err != nil {
		t.Fatal(err)
	}
	d, err := b.DataFor(b.Data(), &access.User{ID: `d\ann`})
	if err != nil || d.Model.Field("R").Symbols.Len() != 1 {
		t.Errorf("Ann sees more than her value: %v", err)
	}
	if _, err := b.DataFor(b.Data(), &access.User{ID: `D\ZED`}); !errors.Is(err, access.ErrDenied) {
		t.Errorf("Zed: %v", err)
	}
}

func TestLibrary(t *testing.T) {
	l := newTestLibrary(t, t.TempDir())
	a := create(t, l, "One", "LOAD 1 AS x AUTOGENERATE 1;")
	for _, name := range []string{"", ".", "..", "../x", "/etc", `a\b`, "nothing"} {
		if _, err := l.Open(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("open %q: %v", name, err)
		}
		if err := l.Delete(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("delete %q: %v", name, err)
		}
	}
	if _, err := l.Create("One"); !errors.Is(err, ErrExists) {
		t.Errorf("a second One: %v", err)
	}
	if id, err := l.Resolve("One"); err != nil || id != a.ID {
		t.Errorf("by title: %s, %v", id, err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if b, err := l.Open(a.ID); err != nil || b != a {
				t.Errorf("an open app is shared: %v", err)
			}
		})
	}
	wg.Wait()
	for range 8 {
		l.Close(a)
	}
	if len(l.OpenApps()) != 1 {
		t.Error("dropped while somebody has it open")
	}
	l.Close(a)
	if len(l.OpenApps()) != 0 {
		t.Error("kept after the last one closed it")
	}
	if err := l.Delete(a.ID); err != nil {
		t.Error(err)
	}
	if list, err := l.List(); err != nil || len(list) != 0 {
		t.Errorf("list %v, %v", list, err)
	}
}

func TestDamagedApp(t *testing.T) {
	dir := t.TempDir()
	l := newTestLibrary(t, dir)
	a := create(t, l, "One", "LOAD RecNo() AS x AUTOGENERATE 1000;")
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	l.Close(a)
	path := filepath.Join(dir, a.ID+fileSuffix)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(good); n += 100 {
		if err := os.WriteFile(path, good[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Open(a.ID); err == nil {
			t.Errorf("%d of %d bytes are enough", n, len(good))
		}
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Open(a.ID); err != nil {
		t.Errorf("repaired: %v", err)
	}
}

// Objects are saved without the data being written again, also after a reload
// whose data are not to be saved yet.
func TestSaveObjectsOnly(t *testing.T) {
	dir := t.TempDir()
	l := newTestLibrary(t, dir)
	a := create(t, l, "One", "LOAD RecNo()/7 AS x AUTOGENERATE 100000;")
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, a.ID+fileSuffix))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	if _, err := a.Create(object.Generic, tree.MustParse(`{"qInfo":{"qId":"s","qType":"sheet"}}`), "", nil); err != nil {
		t.Fatal(err)
	}
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	if grown := size() - before; grown <= 0 || grown > 64<<10 {
		t.Errorf("the file of %d bytes grew by %d for one object", before, grown)
	}
	a.SetScript("LOAD 1 AS y AUTOGENERATE 1;")
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatal(err)
	}
	if err := a.SaveDocument(); err != nil {
		t.Fatal(err)
	}
	b, err := newTestLibrary(t, dir).Open(a.ID)
	if err != nil || b.Data().Model.Field("x") == nil || b.Items.Get("s") == nil || b.Script() != a.Script() {
		t.Errorf("%v: saving objects has changed the data or lost an object", err)
	}
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	b, err = newTestLibrary(t, dir).Open(a.ID)
	if err != nil || b.Data().Model.Field("y") == nil {
		t.Errorf("%v: the new data are not saved", err)
	}
}

func TestReloadKeepsDataOnFailure(t *testing.T) {
	l := newTestLibrary(t, "")
	a := l.NewSessionApp("x")
	a.SetScript("LOAD 1 AS x AUTOGENERATE 1;")
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatal(err)
	}
	before := a.Data()
	a.SetScript("LOAD x FROM nowhere;")
	if ok, err := a.Reload(t.Context(), ""); ok || err != nil || a.Data() != before {
		t.Errorf("ok %v, err %v, same data %v", ok, err, a.Data() == before)
	}
	if p := a.Progress(); !p.Finished || len(p.Errors) != 1 || p.Errors[0].Line != 1 {
		t.Errorf("progress %+v", p)
	}
	if err := a.Save(); !errors.Is(err, ErrSessionApp) {
		t.Errorf("saving a session app: %v", err)
	}
}
