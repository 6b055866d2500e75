package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/qvf/container"
)

// appExtractCmd writes the streams of a file.
type appExtractCmd struct {
	appFile
	Dir     string   `arg:"" help:"Folder to write." type:"path"`
	Streams []string `help:"Path of a stream, as /qvapp_appscript; the default is all but the data." name:"stream" placeholder:"PATH"`
	Data    bool     `help:"The streams of the data, too, as they lie in the file."`
}

// Help is shown with the flags.
func (c *appExtractCmd) Help() string {
	return `For a look inside: the load script as script.qvs, every other stream as a file
of its name, JSON unwrapped. cognate app unpack gives a folder that can be packed
again.`
}

// Run extracts the streams.
func (c *appExtractCmd) Run(log *slog.Logger) error {
	f, err := c.openFile(log)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	n := 0
	for _, e := range f.Entries() {
		if e.Dir || !c.wanted(e.Path) {
			continue
		}
		if err := c.extract(f, e); err != nil {
			log.Warn("left out", "stream", e.Path, "reason", err)
			continue
		}
		n++
	}
	if n == 0 {
		return fmt.Errorf("%s: no stream to extract", c.File)
	}
	a, err := f.App()
	if err == nil && a.HasScript && len(c.Streams) == 0 {
		err = os.WriteFile(filepath.Join(c.Dir, "script.qvs"), []byte(a.Script), 0o644) //nolint:gosec // as readable as other files of the user
	}
	fmt.Printf("%s: %d streams\n", c.Dir, n)
	return err
}

func (c *appExtractCmd) wanted(path string) bool {
	if len(c.Streams) > 0 {
		for _, s := range c.Streams {
			if "/"+strings.TrimPrefix(s, "/") == path {
				return true
			}
		}
		return false
	}
	return c.Data || (!strings.HasPrefix(path, "/data/") && !strings.HasPrefix(path, "/cognate/data/") && !strings.HasPrefix(path, "/cognate/access/"))
}

// extract writes a stream, out of its wrapping if it has one, into a file
// whose name no path can lead anywhere else.
func (c *appExtractCmd) extract(f *qvf.File, e container.Entry) error {
	b, err := f.Read(e.Path)
	if err != nil {
		return err
	}
	if container.IsWrapped(b) {
		const limit = 256 << 20
		if b, err = container.Unwrap(b, limit); err != nil {
			return err
		}
	}
	name := url.PathEscape(strings.TrimPrefix(e.Path, "/"))
	if strings.HasPrefix(name, ".") {
		name = "_" + name
	}
	if t := strings.TrimRight(string(b), "\x00"); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		b, name = []byte(t), name+".json"
	}
	return os.WriteFile(filepath.Join(c.Dir, name), b, 0o644) //nolint:gosec // as readable as other files of the user
}
