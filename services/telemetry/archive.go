package telemetry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// archivedFolders are those of a service whose files are archived.
var archivedFolders = []string{"System", "Audit", "Trace"}

// ArchiveRolled moves the files of all services that were rolled over from
// Options.Root to Options.Archive, where they keep folders and names. What goes
// wrong with one file does not keep others from being moved.
func ArchiveRolled(o Options) (moved int, err error) {
	for service := range facilities {
		for _, sub := range archivedFolders {
			files, globErr := filepath.Glob(filepath.Join(o.Root, service, sub, "*"+rolledSuffix))
			err = errors.Join(err, globErr)
			for _, from := range files {
				if e := archive(from, filepath.Join(o.Archive, service, sub, filepath.Base(from))); e != nil {
					err = errors.Join(err, fmt.Errorf("archive %s: %w", from, e))
				} else {
					moved++
				}
			}
		}
	}
	return moved, err
}

// archive moves a file. Its signature goes before it: wherever the file is, the
// signature lies beside it.
func archive(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	signature := from + signatureSuffix
	err := copyWhole(signature, to+signatureSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := move(from, to); err != nil {
		return err
	}
	if err := os.Remove(signature); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// move renames a file, or copies it to another file system.
func move(from, to string) error {
	if os.Rename(from, to) == nil {
		return nil
	}
	if err := copyWhole(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// copyWhole copies a file: under its name the copy is whole, and on the disk.
func copyWhole(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	out, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(out.Name())
		}
	}()
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Chmod(0o640), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}
