// Package catalog fuzzes catalogs at rest up to the model that is linked from them.
package catalog

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/script"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// FuzzCatalog: whatever a catalog at rest holds, the model can be linked and asked.
func FuzzCatalog(f *testing.F) {
	for _, src := range []string{
		"",
		"T: LOAD 1 as a AUTOGENERATE 1;",
		"T: LOAD RecNo() as a, 'x' & RecNo() as b AUTOGENERATE 300; U: LOAD RecNo() as a, Date(RecNo()) as d AUTOGENERATE 3;",
		"A: LOAD * INLINE [a,b,c\n1,1,1\n2,,];B: LOAD * INLINE [a,d,e\n1,2,2];C: LOAD * INLINE [a,b,c,d,e\n1,1,1,2,2];",
		"A: LOAD * INLINE [x,y\n1,1];B: LOAD * INLINE [y,z\n1,1];C: LOAD * INLINE [z,x\n1,1];",
	} {
		res, err := script.Run(f.Context(), src, script.Options{})
		if err != nil {
			f.Fatal(err)
		}
		if _, err := model.Build(res.Catalog, 1); err != nil {
			f.Fatal(err)
		}
		directory, parts, err := res.Catalog.AtRest()
		if err != nil {
			f.Fatal(err)
		}
		rest := streams{}
		for _, p := range parts {
			kind, _, _ := strings.Cut(p.Stream, "_")
			var b bytes.Buffer
			if _, err := p.WriteTo(&b); err != nil {
				f.Fatal(err)
			}
			rest[kind] = b.Bytes()
		}
		f.Add(directory, rest["field"], rest["column"])
	}
	f.Fuzz(func(t *testing.T, directory, field, column []byte) {
		rest := streams{"field": field, "column": column}
		c, err := storage.Restore(directory, rest, storage.RestoreOptions{BytesMax: 1 << 20})
		if err != nil {
			t.Skip(err)
		}
		m, err := model.Build(c, 1)
		if err != nil {
			t.Skip(err) // too many synthetic keys
		}
		ask(t, m)
	})
}

// streams holds one stream of each kind, which all fields and columns share.
type streams map[string][]byte

func (s streams) Size(name string) (int64, error) {
	b, err := s.Load(name)
	return int64(len(b)), err
}

func (s streams) Load(name string) ([]byte, error) {
	kind, _, _ := strings.Cut(name, "_")
	return s[kind], nil
}

// ask selects the first value of each field, and looks at everything.
func ask(t *testing.T, m *model.Model) {
	e := infer.New(m)
	var st *state.State
	for _, f := range m.Fields {
		for _, p := range f.Parts {
			if part := m.Field(p); part != nil {
				m.PartCodes(f, part)
			}
		}
		if f.Symbols.Len() == 0 {
			continue
		}
		st = st.With(f.Name, state.Selection{Codes: bitset.Of(f.Symbols.Len()+1, 1)})
		for _, g := range m.Fields {
			e.Of(st).Possible(g)
		}
	}
	for _, table := range m.Tables {
		e.Of(st).Rows(table)
		for _, f := range m.Fields {
			if w, ok := m.WayTo(table, f); ok {
				w.Codes(make([]uint32, min(table.Rows, 10)), 0)
			}
		}
	}
}
