// Package appfiles keeps files in a folder, so that they agree with the rows of
// a database whenever the process dies: those of apps, and in folders of their
// own those of static content. Each has the id of its row for a name. What is
// said of apps here holds for both.
//
// A file comes in three steps, of which the second one decides:
//
//  1. it is written whole and synced under the name <id>.qvf.<version>.new;
//  2. the row of the app is committed with that version;
//  3. it is renamed to <id>.qvf.
//
// It goes in three steps, too: <id>.qvf is renamed to <id>.qvf.gone, the row is
// deleted, the file is removed. After a crash [Folder.Reconcile] ends what was
// begun, or takes it back, by what the rows say. A file without a row that is
// in none of these steps is never touched: somebody may miss it.
package appfiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
)

const (
	appSuffix  = ".qvf"
	newSuffix  = ".new"
	goneSuffix = ".gone"
)

// ErrNoFile says that an app has no file.
var ErrNoFile = errors.New("the app has no file")

// ErrTooLarge says that a file is larger than is allowed.
var ErrTooLarge = errors.New("the file is too large")

// A Folder is the files of a site's apps. Several goroutines may use it, but
// for one app one at a time.
type Folder struct {
	dir, suffix string
	atStep      func() // between steps, if it is not nil
}

// OnStep has f called between any two steps of what is done with files: tests
// end the process there. It is called before the folder is used.
func (f *Folder) OnStep(step func()) { f.atStep = step }

func (f *Folder) step() {
	if f.atStep != nil {
		f.atStep()
	}
}

// Open opens a folder of apps, and makes it where there is none.
func Open(dir string) (*Folder, error) { return OpenAs(dir, appSuffix) }

// OpenAs is Open for files whose names end otherwise.
func OpenAs(dir, suffix string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("folder of files: %w", err)
	}
	return &Folder{dir: dir, suffix: suffix}, nil
}

// Dir is where the folder lies.
func (f *Folder) Dir() string { return f.dir }

// path returns where the file of an app lies. Ids are GUIDs, so no id leads
// out of the folder.
func (f *Folder) path(id string) (string, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return "", fmt.Errorf("app %q: %w", id, ErrNoFile)
	}
	return filepath.Join(f.dir, parsed.String()+f.suffix), nil
}

// Path returns where the file of an app lies, if it has one.
func (f *Folder) Path(id string) string {
	path, err := f.path(id)
	if err != nil {
		return ""
	}
	return path
}

// A Staged is a file that is not yet an app's.
type Staged struct {
	AppID     string
	Version   string // for the row
	Path      string // where it lies, to be looked at or rewritten
	SizeBytes int64  // as it was written
}

// Stage writes the file of an app beside the one that it has, if any. It is not
// larger than max bytes, else [ErrTooLarge].
func (f *Folder) Stage(id string, r io.Reader, bytesMax int64) (s *Staged, err error) {
	final, err := f.path(id)
	if err != nil {
		return nil, err
	}
	s = &Staged{AppID: id, Version: uuid.NewString()}
	s.Path = final + "." + s.Version + newSuffix
	file, err := os.OpenFile(s.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("file of app %s: %w", id, err)
	}
	n, err := io.Copy(file, io.LimitReader(r, bytesMax+1))
	s.SizeBytes = n
	if err == nil && n > bytesMax {
		err = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, bytesMax)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		f.Drop(s)
		return nil, fmt.Errorf("file of app %s: %w", id, err)
	}
	return s, f.sync()
}

// StageCopy stages a copy of another app's file.
func (f *Folder) StageCopy(id, from string) (*Staged, error) {
	file, err := f.Read(from)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	return f.Stage(id, file, 1<<62)
}

// Settle makes a staged file the app's: its row is committed.
func (f *Folder) Settle(s *Staged) error {
	f.step()
	final, err := f.path(s.AppID)
	if err != nil {
		return err
	}
	if err := os.Rename(s.Path, final); err != nil {
		return fmt.Errorf("file of app %s: %w", s.AppID, err)
	}
	return f.sync()
}

// Drop removes a staged file: its row was not committed.
func (f *Folder) Drop(s *Staged) { _ = os.Remove(s.Path) } // else Reconcile does

// Bury takes the file of an app aside: its row is about to be deleted. An app
// without a file has nothing to bury.
func (f *Folder) Bury(id string) error {
	f.step()
	path, err := f.path(id)
	if err != nil {
		return err
	}
	if err := os.Rename(path, path+goneSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("file of app %s: %w", id, err)
	}
	return f.sync()
}

// Revive takes Bury back: the row stays.
func (f *Folder) Revive(id string) error {
	path, err := f.path(id)
	if err != nil {
		return err
	}
	if err := os.Rename(path+goneSuffix, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("file of app %s: %w", id, err)
	}
	return f.sync()
}

// Remove removes what was buried: the row is deleted.
func (f *Folder) Remove(id string) error {
	f.step()
	path, err := f.path(id)
	if err != nil {
		return err
	}
	if err := os.Remove(path + goneSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("file of app %s: %w", id, err)
	}
	return f.sync()
}

// Read opens the file of an app.
func (f *Folder) Read(id string) (*os.File, error) {
	path, err := f.path(id)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("app %s: %w", id, ErrNoFile)
	}
	if err != nil {
		return nil, fmt.Errorf("file of app %s: %w", id, err)
	}
	return file, nil
}

// Size returns the size of an app's file in bytes.
func (f *Folder) Size(id string) (int64, error) {
	path, err := f.path(id)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("file of app %s: %w", id, err)
	}
	return info.Size(), nil
}

// sync makes names last.
func (f *Folder) sync() error {
	f.step()
	d, err := os.Open(f.dir)
	if err != nil {
		return fmt.Errorf("folder of apps: %w", err)
	}
	err = errors.Join(d.Sync(), d.Close())
	f.step()
	return err
}

// A Reconciled is what [Folder.Reconcile] has done.
type Reconciled struct {
	Settled, Dropped, Revived, Removed []string // by id of the app
	// Strange are ids of files without a row: they were not touched.
	Strange []string
}

// Reconcile ends what a crash has left unfinished. version returns the version
// that the row of an app names; ok is false if there is no row. It is called
// before anybody else uses the folder.
func (f *Folder) Reconcile(ctx context.Context, version func(id string) (v string, ok bool, err error)) (Reconciled, error) {
	var done Reconciled
	files, err := os.ReadDir(f.dir)
	if err != nil {
		return done, fmt.Errorf("folder of apps: %w", err)
	}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		id, rest, ok := strings.Cut(file.Name(), f.suffix)
		if _, err := uuid.Parse(id); !ok || err != nil {
			continue
		}
		v, has, err := version(id)
		if err != nil {
			return done, err
		}
		if err := f.reconcile(&done, id, rest, v, has); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (f *Folder) reconcile(done *Reconciled, id, rest, version string, has bool) error {
	staged, isNew := strings.CutSuffix(strings.TrimPrefix(rest, "."), newSuffix)
	s := &Staged{AppID: id, Version: staged, Path: filepath.Join(f.dir, id+f.suffix+rest)}
	switch {
	case strings.Contains(rest, newSuffix+"."): // of who was rewriting a staged file
		done.Dropped = append(done.Dropped, id)
		f.Drop(s)
	case isNew && has && staged == version:
		done.Settled = append(done.Settled, id)
		return f.Settle(s)
	case isNew:
		done.Dropped = append(done.Dropped, id)
		f.Drop(s)
	case rest == goneSuffix && has:
		done.Revived = append(done.Revived, id)
		return f.Revive(id)
	case rest == goneSuffix:
		done.Removed = append(done.Removed, id)
		return f.Remove(id)
	case rest == "" && !has:
		done.Strange = append(done.Strange, id)
	}
	return nil
}
