package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository/store"
)

// markName is the file that says to which site a folder belongs, and the state
// of the database that says the same.
const markName = "site.id"

// claimFiles refuses a folder of files that belongs to another site than the
// database: each would take the other's files for its own, or for lost ones.
// The central node marks both at its first start.
func (s *Site) claimFiles(ctx context.Context) error {
	path := filepath.Join(s.opt.Dir, markName)
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	marked, known := strings.TrimSpace(string(raw)), ""
	err = s.store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.State(ctx, markName, &known); err != nil || known != "" || marked != "" || !s.opt.central() {
			return err
		}
		known = uuid.NewString()
		return tx.SetState(ctx, markName, known)
	})
	switch {
	case err != nil:
		return err
	case marked != "" && marked != known:
		return fmt.Errorf("%s belongs to another site than the database: start it with its own database, or remove %s if this one is to have the folder", s.opt.Dir, path)
	case marked == "" && s.opt.central():
		return replaceFile(path, []byte(known+"\n"))
	}
	return nil
}
