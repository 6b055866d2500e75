package folder

import (
	"errors"
	"io"
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
	b := c.NewBuilder(name, in.Fields())
	for {
		batch, err := in.Next(r.ctx)
		if errors.Is(err, io.EOF) {
			return b.Table(), nil
		}
		if err != nil {
			return nil, err
		}
		if err := b.Append(batch.Columns); err != nil {
			return nil, err
		}
	}
}
