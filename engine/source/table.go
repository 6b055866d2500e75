package source

import (
	"context"
	"errors"
	"io"

	"github.com/cognate-bi/cognate/storage"
)

// ReadAll puts all rows of a reader in a table of the catalog, which the
// catalog is not told of.
func ReadAll(ctx context.Context, c *storage.Catalog, name string, in Reader) (*storage.Table, error) {
	b := c.NewBuilder(name, in.Fields())
	for {
		batch, err := in.Next(ctx)
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
