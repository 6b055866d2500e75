// Package safefile replaces files so that readers see the old or the new
// content, never a part, whatever happens in between.
package safefile

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// bufferBytes collects small writes into system calls worth making.
const bufferBytes = 256 << 10

// Write makes the file path hold what write writes; see [Replace].
func Write(path string, write func(io.Writer) error) error {
	return Replace(path, func(f *os.File) error {
		b := bufio.NewWriterSize(f, bufferBytes)
		if err := write(b); err != nil {
			return err
		}
		return b.Flush()
	})
}

// Replace makes the file path hold what write leaves in f. It goes to a
// temporary file in the same folder (a rename across file systems is a copy),
// which reaches the disk before the rename and the folder after it. A write
// that reads back what it wrote, and fails if it does not like it, keeps the
// former file.
//
// On error the former file is untouched and the temporary one removed. A
// crash may leave a file `path.*.tmp` behind, which nobody reads. The file is
// readable by its owner only.
func Replace(path string, write func(f *os.File) error) error {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, name+".*.tmp")
	if err != nil {
		return err
	}
	if err := fill(f, write); err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncFolder(dir)
}

// fill writes the content, brings it to the disk and closes the file.
func fill(f *os.File, write func(*os.File) error) error {
	err := write(f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
