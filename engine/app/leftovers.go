package app

import (
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// leftover matches the temporary files of safefile beside apps and buffers.
var leftover = regexp.MustCompile(`\.(qvf|qvd)\.[0-9]+\.tmp$`)

// leftoverAge is how long nobody must have written to a temporary file before
// it is taken for the remains of a process that died. A save writes all the
// time; another process may be saving into the same folder just now.
const leftoverAge = time.Hour

// dropLeftovers removes what saves that were cut short have left in the folder
// of the apps. Nobody reads it; it only takes room, as much as an app each
// time. What cannot be removed stays.
func (l *Library) dropLeftovers() {
	if l.opt.Dir == "" {
		return
	}
	for _, dir := range []string{l.opt.Dir, filepath.Join(l.opt.Dir, bufferFolder)} {
		files, _ := os.ReadDir(dir) // the folder of buffers need not be there
		for _, f := range files {
			info, err := f.Info()
			if err != nil || !info.Mode().IsRegular() || !leftover.MatchString(f.Name()) || l.opt.Now().Sub(info.ModTime()) < leftoverAge {
				continue
			}
			if err := os.Remove(filepath.Join(dir, f.Name())); err == nil {
				l.opt.Log.Info("removed what a save has left unfinished", "file", f.Name(), "bytes", info.Size())
			}
		}
	}
}
