// Package catalog fuzzes data files up to the model that is linked from them.
package catalog

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/script"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// FuzzCatalog: whatever data a file holds, the model can be linked and asked.
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
		var file bytes.Buffer
		if err := storage.WriteCatalog(&file, res.Catalog); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		resum(file)
		c, err := storage.ReadCatalog(bytes.NewReader(file), storage.ReadOptions{BytesMax: 1 << 20})
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

// ask selects the first value of each field, and looks at everything.
func ask(t *testing.T, m *model.Model) {
	e, err := infer.New(m)
	if err != nil {
		t.Fatal(err)
	}
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

// resum gives the chunks of a file right checksums, so that changes get past
// them; the layout is described in storage/catalogfile.go.
func resum(file []byte) {
	const head, chunkHeader, chunk = 12, 12, 1 << 20
	at := head
	for at+8 <= len(file) {
		left := binary.LittleEndian.Uint64(file[at:])
		at += 8
		for left > 0 && at+chunkHeader <= len(file) {
			stored := int(binary.LittleEndian.Uint32(file[at:]))
			lo := at + chunkHeader
			if stored > len(file)-lo {
				return
			}
			binary.LittleEndian.PutUint64(file[at+4:], xxhash.Sum64(file[lo:lo+stored]))
			at = lo + stored
			left -= min(left, chunk)
		}
	}
}
