package script

import (
	"errors"
	"fmt"

	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/storage"
)

// runBinary is BINARY file: the tables of another app, ours or of the original
// product, its section access included. It comes before all other loads.
func (r *runner) runBinary(sc *scanner) error {
	path, ok, err := sc.quoted()
	if err != nil {
		return err
	}
	if !ok {
		path = sc.barePath()
	}
	if err := sc.finish(); err != nil {
		return err
	}
	if r.opt.Kept != nil { // like every load without a prefix
		return nil
	}
	if len(r.catalog.Tables()) > 0 || r.access != nil {
		return errors.New("BINARY has to come before everything else that loads")
	}
	full, err := r.resolve(path)
	if err != nil {
		return err
	}
	f, err := qvf.OpenFile(full, qvf.OpenOptions{Keys: r.opt.Keys})
	if err != nil {
		return errorWithoutPath(err)
	}
	if err := r.readApp(f); err != nil {
		return err
	}
	r.changed()
	for _, t := range r.catalog.Tables() {
		r.last = t.Name
		r.event(Event{Kind: TableFinished, Table: t.Name, Rows: t.Rows})
	}
	return r.checkMemory(0)
}

func (r *runner) readApp(f *qvf.File) error {
	a, err := f.App()
	if err != nil {
		return err
	}
	if a.Header.NoBinary {
		return fmt.Errorf("%s does not allow to be loaded by BINARY", f.Name())
	}
	if !f.Own() {
		problems, err := qvf.ReadData(r.ctx, f.Container, r.catalog)
		for _, p := range problems { // a table that is missing would show as wrong results
			return p
		}
		return err
	}
	rules, err := r.rulesOf(f)
	if err != nil {
		return err
	}
	data, err := f.Data(r.show)
	if err != nil {
		return err
	}
	m, err := model.Build(data, 0)
	if err != nil {
		return err
	}
	if err := r.copyTables(r.catalog, m.SourceTables()); err != nil {
		return err
	}
	if rules != nil {
		r.access = storage.NewCatalog(r.show)
		err = r.copyTables(r.access, rules.Tables())
	}
	return errors.Join(err, data.Damage())
}

// rulesOf returns the access section of an app for who may take it over, nil if
// it has none. Those that take its place afterwards would not hold for who could
// see a part only.
func (r *runner) rulesOf(f *qvf.File) (*storage.Catalog, error) {
	rules, err := f.Access(r.show)
	if err != nil || rules == nil {
		return nil, err
	}
	if err := rules.Seal(); err != nil {
		return nil, err
	}
	if r.opt.MayTake != nil {
		if err := r.opt.MayTake(rules); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return rules, nil
}

// copyTables puts tables of one catalog into another.
func (r *runner) copyTables(to *storage.Catalog, tables []*storage.Table) error {
	through := map[*storage.Field][]uint32{}
	for _, t := range tables {
		out := *t
		out.Columns = make([]*storage.Column, len(t.Columns))
		for i, c := range t.Columns {
			f := to.FieldOf(c.Field.Name)
			if through[c.Field] == nil {
				f.Format, f.Tags, f.Comment = c.Field.Format, c.Field.Tags, c.Field.Comment
				codes, err := f.Add(c.Field.StoredValues(r.show), r.show)
				if err != nil {
					return err
				}
				through[c.Field] = codes
			}
			codes := make([]uint32, t.Rows)
			c.Through(codes, 0, through[c.Field])
			out.Columns[i] = storage.NewColumn(f, codes)
		}
		to.Put(&out)
	}
	return nil
}
