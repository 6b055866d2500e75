package app

import (
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/access"
)

// A script takes the tables of another app, with its rules of access.
func TestBinaryLoad(t *testing.T) {
	dir := t.TempDir()
	l := newTestLibrary(t, dir)
	l.opt.Folders = map[string]string{"apps": dir}
	a := create(t, l, "Source", twoKeys+"\nSECTION ACCESS;\nLOAD * INLINE [\nACCESS,USERID\nUSER,ANN\nADMIN,BOSS\n];")
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	b := create(t, l, "Taker", "BINARY [lib://apps/"+a.ID+".qvf];\nLEFT JOIN (A) LOAD x, x*10 as ten RESIDENT A;")
	show := func(a *App, table string) string {
		var out []string
		d := a.Data()
		m := d.Model.Table(table)
		for _, c := range d.Columns(m, false) {
			for _, v := range c.Values(0, m.Rows) {
				out = append(out, c.Field.Name+"="+d.Locale.Text(v))
			}
		}
		return strings.Join(out, " ")
	}
	if got, want := show(b, "B"), show(a, "B"); got != want {
		t.Errorf("B is %s, want %s", got, want)
	}
	if got, want := show(b, "A"), "Amount=10 Amount=20 ten=10 ten=20 x=1 x=2 y=a y=b"; got != want {
		t.Errorf("A is %s, want %s", got, want)
	}
	if _, err := b.DataFor(b.Data(), &access.User{ID: "ZED"}); err == nil {
		t.Error("the rules of access are lost")
	}
	for user, want := range map[string]bool{"ANN": false, "ZED": false, "boss": true} {
		if ok, err := b.ReloadWith(t.Context(), Reloading{Identity: &access.User{ID: user}}); err != nil || ok != want {
			t.Errorf("%s takes the app: %v, %v, %v", user, ok, err, b.Progress().Errors)
		}
	}
	b.SetScript("LOAD 1 as x AUTOGENERATE 1; BINARY [lib://apps/" + a.ID + ".qvf];")
	if ok, _ := b.Reload(t.Context(), ""); ok {
		t.Error("BINARY behind a load")
	}
}
