package app

import (
	"testing"

	"github.com/cognate-bi/cognate/engine/access"
)

// A partial reload starts from the tables as scripts have loaded them, without
// synthetic keys, and from the rules of access. Those who look on see the rows.
func TestPartialReload(t *testing.T) {
	l := newTestLibrary(t, t.TempDir())
	a := create(t, l, "Sales", twoKeys+"\nSECTION ACCESS;\nLOAD * INLINE [\nACCESS,USERID\nUSER,ANN\n];")
	rows := func() map[string]int {
		out := map[string]int{}
		for _, t := range a.Data().Model.Tables {
			out[t.Name] = t.Rows
		}
		return out
	}
	before, fields := rows(), len(a.Data().Model.Fields)
	a.SetScript("ADD LOAD * RESIDENT A; LOAD 1 as fresh AUTOGENERATE 1;")
	reload := func() (ok bool) {
		ok, err := a.ReloadWith(t.Context(), Reloading{Partial: true})
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !reload() {
		t.Fatal(a.Progress().Errors)
	}
	after := rows()
	if after["A"] != 2*before["A"] || after["B"] != before["B"] || after["$Syn 1 Table"] != before["$Syn 1 Table"] || len(after) != len(before) || len(a.Data().Model.Fields) != fields {
		t.Errorf("rows %v, before %v", after, before)
	}
	if _, err := a.DataFor(a.Data(), &access.User{ID: "ZED"}); err == nil {
		t.Error("the rules of access are lost")
	}
	a.SetScript("ADD LOAD * RESIDENT A; ADD LOAD * RESIDENT Nowhere;")
	if reload() || rows()["A"] != after["A"] {
		t.Errorf("one that fails leaves %v, want %v", rows(), after)
	}
}
