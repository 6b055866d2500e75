package script

import (
	"fmt"

	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// storeGeneric makes a table of every value of the attribute, the field
// before the last: with the key fields and a field named by the attribute.
// unnamed is set for a load without label whose name is that of a table.
func (r *runner) storeGeneric(label string, unnamed bool, in reader) error {
	if n := len(in.Fields()); n < 3 {
		return fmt.Errorf("GENERIC needs three fields, there are %d", n)
	}
	if unnamed {
		label = r.freeName(label)
	}
	t, err := source.ReadAll(r.ctx, storage.NewCatalog(r.show), "", in)
	if err != nil {
		return err
	}
	attr := t.Columns[len(t.Columns)-2]
	rows := make([][]uint32, attr.Field.Symbols.Len()+1)
	for i := range t.Rows {
		rows[attr.Code(i)] = append(rows[attr.Code(i)], uint32(i))
	}
	for code, list := range rows {
		if code == 0 {
			continue // no attribute, no table
		}
		if err := r.attributeTable(t, label, r.show(attr.Field.Value(uint32(code))), list); err != nil {
			return err
		}
	}
	return nil
}

// attributeTable stores the rows of one attribute.
func (r *runner) attributeTable(t *storage.Table, label, attr string, rows []uint32) error {
	keys := len(t.Columns) - 2
	part := *t.Select(rows)
	part.Columns = append(append([]*storage.Column(nil), part.Columns[:keys]...), part.Columns[keys+1])
	names := append(t.FieldNames()[:keys:keys], attr)
	if r.section == r.catalog {
		for i := range names {
			names[i] = r.rules.stored(label+"."+attr, names[i])
		}
	}
	in := &finalReader{reader: newTableReader(&part, nil), names: names, memos: make([]*memo, len(names))}
	for i := range in.memos {
		in.memos[i] = &memo{each: r.withText}
	}
	return r.storeRows(r.freeName(label+"."+attr), nil, false, nil, in)
}

// withText gives a number that has a format its text.
func (r *runner) withText(v dual.Value) dual.Value {
	if v.Kind == dual.Num && v.Format != nil {
		return dual.New(r.show(v), v.Num)
	}
	return v
}
