package qvf

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// Saves of objects at the same time, as of two processes, come one after the
// other, also where one of them copies the file.
func TestSaveDocumentAtTheSameTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.qvf")
	save(t, path, Content{App: sampleApp(), Data: model(t, 100)}, SaveOptions{})
	var g sync.WaitGroup
	for i := range 4 {
		g.Go(func() {
			for k := range 5 {
				app := sampleApp()
				app.Script = fmt.Sprintf("// %d %d", i, k)
				if err := SaveDocument(path, app, json.RawMessage(`{}`), SaveOptions{}, nil); err != nil {
					t.Error(err)
				}
				if k == 2 {
					if err := Compact(path); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	g.Wait()
	f := openOwn(t, path, OpenOptions{})
	if err := f.Verify(); err != nil {
		t.Error(err)
	}
}
