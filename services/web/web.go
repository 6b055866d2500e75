// Package web serves the page: a browser client of the engine, live over QIX.
//
// Its source is in src, built by `npm run build` into dist, which is committed
// and embedded: the Go build needs no Node.
package web

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed dist
var files embed.FS

// contentPolicy lets the page talk to its own server only.
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:"

// Handler serves the built files.
func Handler() http.Handler {
	dist, err := fs.Sub(files, "dist")
	if err != nil {
		panic("web: BUG: " + err.Error()) // the folder is embedded
	}
	server, tags := http.FileServerFS(dist), etags(dist)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", contentPolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		if tag := tags[strings.TrimPrefix(r.URL.Path, "/")]; tag != "" {
			w.Header().Set("ETag", tag)
		}
		server.ServeHTTP(w, r)
	})
}

// etags returns a tag of each file's content: embedded files have no times, and
// browsers ask for each of them whenever a page is loaded.
func etags(files fs.FS) map[string]string {
	tags := map[string]string{}
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, path)
		tags[path] = fmt.Sprintf(`"%x"`, sha256.Sum256(b))
		return err
	})
	if err != nil {
		panic("web: BUG: " + err.Error()) // the files are embedded
	}
	return tags
}
