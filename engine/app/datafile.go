package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/safefile"
)

// The data of an app, and its access section where it has one, are catalogs
// in files of their own beside the document.
const (
	dataFile   = "data.cat"
	accessFile = "access.cat"
)

// writeData writes the data files. The access section goes first and stays
// longest: there is no moment with data and without its rules.
func (a *App) writeData(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d := a.Data()
	if d.access != nil {
		if err := writeCatalog(filepath.Join(dir, accessFile), d.access); err != nil {
			return err
		}
	}
	if err := writeCatalog(filepath.Join(dir, dataFile), d.Model.Catalog); err != nil {
		return err
	}
	if d.access == nil {
		if err := os.Remove(filepath.Join(dir, accessFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func writeCatalog(path string, c *storage.Catalog) error {
	return safefile.Write(path, func(w io.Writer) error { return storage.WriteCatalog(w, c) })
}

// readCatalog reads a catalog file; nil if there is none.
func readCatalog(path string, l *number.Locale) (*storage.Catalog, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := storage.ReadCatalog(f, storage.ReadOptions{Show: l.Text})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// readData loads the data files, if there are any.
func (a *App) readData(dir string) error {
	l := a.locale()
	c, err := readCatalog(filepath.Join(dir, dataFile), l)
	if err != nil || c == nil {
		return err
	}
	rules, err := readCatalog(filepath.Join(dir, accessFile), l)
	if err != nil {
		return err
	}
	if rules != nil {
		if err := rules.Seal(); err != nil {
			return err
		}
	}
	d, err := a.lib.link(c, rules, l)
	if err != nil {
		return err
	}
	a.data.Store(d)
	return nil
}

// link makes data of a catalog and the access section that belongs to it.
func (l *Library) link(c, rules *storage.Catalog, loc *number.Locale) (*Data, error) {
	m, err := model.Build(c, l.versions.Add(1))
	if err != nil {
		return nil, fmt.Errorf("link tables: %w", err)
	}
	d, err := newData(m, loc)
	if err != nil {
		return nil, err
	}
	d.access = rules
	d.Rules, err = access.Read(rules)
	return d, err
}

// locale returns the settings that the script's variables hold.
func (a *App) locale() *number.Locale {
	l := number.Default()
	for _, it := range a.Items.All(object.Variable) {
		l, _ = l.With(it.Name(), it.Props.Get("qDefinition").Str())
	}
	return l
}
