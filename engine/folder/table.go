package folder

import (
	"path/filepath"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
)

// table reads a table from a QVD or Parquet file.
func (r *reader) table(c *storage.Catalog, path, name string) (t *storage.Table, err error) {
	if filepath.Ext(path) == "."+QVD {
		f, err := qvd.Open(path, qvd.OpenOptions{})
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // only read from
		return f.Table(r.ctx, c, qvd.Projection{Name: name})
	}
	in, err := source.Open(r.ctx, path, source.Spec{Format: Parquet}, number.Default())
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	return source.ReadAll(r.ctx, c, name, in)
}
