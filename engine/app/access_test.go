package app

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// TestForeignAccess imports apps of the original product, whose access section
// cannot be read: where they have one nobody sees their data, until the rules are
// those of the script.
func TestForeignAccess(t *testing.T) {
	const guarded = "SECTION ACCESS;\nLOAD * INLINE [ACCESS, USERID\nUSER, D\\ANN];\nSECTION APPLICATION;\nT: LOAD 1 AS x AUTOGENERATE 3;"
	ann := &access.User{ID: `D\ann`}
	for name, tt := range map[string]struct {
		properties, script string
		shut               bool
	}{
		"said":        {`{"hassectionaccess":true}`, guarded, true},
		"said newly":  {`{"qHasSectionAccess":true}`, guarded, true},
		"not said":    {`{}`, "section\taccess;", true},
		"said to not": {`{"hassectionaccess":false}`, "// no section access", false},
		"none":        {`{}`, "T: LOAD 1 AS x AUTOGENERATE 3;", false},
	} {
		t.Run(name, func(t *testing.T) {
			lib, err := NewLibrary(Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			id, problems, err := lib.Import(foreign(t, tt.properties, tt.script))
			if err != nil || slices.Contains(problems, errShut) != tt.shut {
				t.Fatalf("imported with %v, %v", problems, err)
			}
			a, err := lib.Open(id)
			if err != nil {
				t.Fatal(err)
			}
			defer lib.Close(a)
			if _, err := a.DataFor(a.Data(), ann); errors.Is(err, access.ErrDenied) != tt.shut {
				t.Errorf("its data: %v", err)
			}
			if rows := a.Data().Model.Tables[0].Rows; rows != 2 {
				t.Errorf("the server itself has %d rows", rows)
			}
			if tt.script != guarded {
				return
			}
			if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
				t.Fatalf("reload: %v, %+v", err, a.Progress().Errors)
			}
			if d, err := a.DataFor(a.Data(), ann); err != nil || d.Model.Tables[0].Rows != 3 {
				t.Errorf("after a reload: %v", err)
			}
			if _, err := a.DataFor(a.Data(), &access.User{ID: `D\bob`}); !errors.Is(err, access.ErrDenied) {
				t.Errorf("after a reload, for others: %v", err)
			}
		})
	}
}

// foreign writes an app as the original product has it, with two rows.
func foreign(t *testing.T, properties, script string) (path string) {
	t.Helper()
	c := storage.NewCatalog(nil)
	b := c.NewBuilder("T", []string{"x"})
	if err := b.Append([]dual.Vector{dual.Vals([]dual.Value{dual.Number(1), dual.Number(2)})}); err != nil {
		t.Fatal(err)
	}
	c.Put(b.Table())
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "foreign.qvf"))
	if err != nil {
		t.Fatal(err)
	}
	err = qvf.WriteCompat(f, &qvf.App{Script: script, HasScript: true, Properties: []byte(properties)}, c, qvf.CompatOptions{})
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}
