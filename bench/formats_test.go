package bench

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage"
)

// TestFormats runs all of it over a small table: every format has to give the
// same values, and every goal of the formats its figure.
func TestFormats(t *testing.T) {
	c := Config{Data: dataFormats, Rows: 20_000, AppBytes: 1_000_000, Folder: t.TempDir(), Repetitions: 1}
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		writeQVD, writeSealed, tableQVD, loadQVD, loadSealed, loadParquet, loadCSV, sealBytes, openBytes, saveApp, saveObjects, openApp, openList,
		loadCSV + ", 1 cores : ", "copy bandwidth",
	} {
		found := false
		for _, f := range r.Figures {
			found = found || strings.HasPrefix(f.Workload, part)
		}
		if !found {
			t.Errorf("no figure of %s", part)
		}
	}
	if left, err := os.ReadDir(c.Folder); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

// TestContentOf makes sure that a table of other values is told apart.
func TestContentOf(t *testing.T) {
	show := number.Default().Text
	made := func() *storage.Table {
		c, err := salesTable(context.Background(), 1000, show)
		if err != nil {
			t.Fatal(err)
		}
		return c.Tables()[0]
	}
	a, b := made(), made()
	if contentOf(a) != contentOf(b) {
		t.Error("the same table twice gives different contents")
	}
	for i, why := range map[int]string{0: "a number", 7: "a number that is NULL at times"} {
		b := made()
		col := b.Columns[i]
		codes := make([]uint32, b.Rows)
		col.Codes(codes, 0)
		codes[17] = codes[17]%uint32(col.Field.Symbols.Len()) + 1
		if codes[17] == col.Code(17) {
			t.Fatal("nothing is changed")
		}
		b.Columns[i] = storage.NewColumn(col.Field, codes)
		if contentOf(a) == contentOf(b) {
			t.Errorf("%s in another place gives the same content", why)
		}
	}
}
