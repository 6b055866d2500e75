package site

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// TestFolderOfAnotherSite starts with the folder of one site and the database of
// another.
func TestFolderOfAnotherSite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		dir := t.TempDir()
		mine := &Site{opt: Options{Dir: dir}, store: db}
		claim := func(s *Site) string {
			if err := s.claimFiles(t.Context()); err != nil {
				return err.Error()
			}
			return ""
		}
		for range 2 {
			if got := claim(mine); got != "" {
				t.Errorf("its own folder: %s", got)
			}
		}
		if got := claim(&Site{opt: Options{Dir: dir, Node: "two"}, store: db}); got != "" {
			t.Errorf("another node: %s", got)
		}
		other := &Site{opt: Options{Dir: dir}, store: storetest.Open(t, storetest.Config(t, store.SQLite))}
		if got := claim(other); !strings.Contains(got, "belongs to another site") {
			t.Errorf("the folder of another site: %q", got)
		}
		other.opt.Dir = t.TempDir()
		if got := claim(other); got != "" {
			t.Errorf("a new folder: %s", got)
		}
		other.opt.Dir = dir
		if err := os.Remove(filepath.Join(dir, markName)); err != nil {
			t.Fatal(err)
		}
		if got := claim(other); got != "" {
			t.Errorf("a folder without a mark: %s", got)
		}
		if got := claim(mine); !strings.Contains(got, "belongs to another site") {
			t.Errorf("the folder that another site has taken: %q", got)
		}
	})
}
