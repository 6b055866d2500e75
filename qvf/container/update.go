package container

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// A File is what can be updated in place; *os.File is one.
type File interface {
	io.ReaderAt
	io.WriterAt
	// Sync returns when all that was written has reached the disk.
	Sync() error
}

// An Update changes single streams of a container in place, without writing
// the others again.
//
// Everything new goes behind the end of the file; no page that the file has is
// written but page 0, last, which makes the new root the valid one. Whenever
// the machine dies, the file opens as it was before the commit or after it.
// Streams that are mapped into memory stay where they are and what they are.
//
// It is for one goroutine. After an error of Put or Commit the update is over:
// the file is still what the last commit made it.
type Update struct {
	c   *Container
	f   File
	a   appender
	err error
}

// Append opens a container for changes. No other Update of the same file may
// be open.
func Append(name string, f File, size int64) (*Update, error) {
	c, err := Open(name, f, size)
	if err != nil {
		return nil, err
	}
	for _, n := range c.order {
		if n.Dir && n.Err != nil { // its entries would be lost
			return nil, fmt.Errorf("update: %w", n.Err)
		}
	}
	return &Update{c: c, f: f, a: appender{w: f, off: roundUp(size, pageBytes)}}, nil
}

// Put adds a stream or replaces the one of that path. It becomes valid with
// Commit.
func (u *Update) Put(path string, m Meta, write func(io.Writer) error) error {
	if u.err != nil {
		return u.err
	}
	path = "/" + strings.TrimPrefix(path, "/")
	n, err := u.c.root.place(path, m.Time)
	if err != nil {
		return fmt.Errorf("qvf: %s: %w", u.c.name, err)
	}
	err = u.recordForeign()
	if err == nil {
		err = u.a.stream(n, m, write)
	}
	if err != nil {
		u.err = fmt.Errorf("qvf: %s: write %s: %w", u.c.name, path, err)
		return u.err
	}
	return nil
}

// PutBytes is [Update.Put] of bytes.
func (u *Update) PutBytes(path string, m Meta, content []byte) error {
	return u.Put(path, m, bytesWriter(content))
}

// Remove removes a stream, and the directories that are left empty by that.
func (u *Update) Remove(path string) error {
	if u.err != nil {
		return u.err
	}
	names := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if !u.c.root.remove(names) {
		return fmt.Errorf("qvf: %s: %s: %w", u.c.name, path, ErrNotFound)
	}
	return nil
}

func (n *node) remove(names []string) bool {
	last := len(names) == 1
	child := n.child(names[0], !last)
	if child == nil || (!last && !child.remove(names[1:])) {
		return false
	}
	n.changed = true
	if last || len(child.children) == 0 {
		n.children = slices.DeleteFunc(n.children, func(o *node) bool { return o == child })
		delete(n.index, childKey{child.name, child.Dir})
	}
	return true
}

// Commit makes all changes valid at once and returns when they are on the
// disk. The update can go on with further changes afterwards. The file is
// then [Update.Size] long.
func (u *Update) Commit() error {
	if u.err != nil {
		return u.err
	}
	if err := u.commit(); err != nil {
		u.err = fmt.Errorf("qvf: %s: commit: %w", u.c.name, err)
		return u.err
	}
	return nil
}

func (u *Update) commit() error {
	if err := u.recordForeign(); err != nil {
		return err
	}
	if !u.c.root.changed {
		return nil
	}
	if err := u.a.directories(u.c.root); err != nil {
		return err
	}
	r, err := u.a.root(u.c.root, 0)
	if err != nil {
		return err
	}
	if err := u.f.Sync(); err != nil {
		return err
	}
	r.generation = u.c.generation + 1
	return u.makeValid(r, u.c.records[:1])
}

// recordForeign gives a file that has no root record one of the root it has,
// before anything else is written: from then on a torn page 0 has something to
// fall back to, and half a page at the end of the file means nothing.
func (u *Update) recordForeign() error {
	if len(u.c.records) > 0 {
		return nil
	}
	content, err := u.c.content("/", u.c.root.desc)
	if err != nil {
		return err
	}
	return u.makeValid(record{
		generation: u.c.generation + 1, root: u.c.root.desc.at, rootSum: xxhash.Sum64(content), size: u.a.off,
	}, nil)
}

// makeValid writes page 0 with a record and the former one.
func (u *Update) makeValid(r record, former []record) error {
	if _, err := u.f.WriteAt(pageZero(r, former), 0); err != nil {
		return err
	}
	if err := u.f.Sync(); err != nil {
		return err
	}
	u.c.generation = r.generation
	u.c.records = append([]record{r}, former...)
	return nil
}

// Container returns the container as it was opened: changes do not show. It is
// for looking up streams before Commit.
func (u *Update) Container() *Container { return u.c }

// Size returns the size of the file with what was written so far.
func (u *Update) Size() int64 { return u.a.off }

// LiveBytes returns the bytes that the root reaches, changes included.
func (u *Update) LiveBytes() int64 { return u.c.root.liveBytes(u.a.off) }

// GarbageBytes returns the bytes of stale pages. Once they outgrow the live
// ones, writing the file anew pays.
func (u *Update) GarbageBytes() int64 { return u.a.off - u.LiveBytes() }

// errClosed is what a closed update answers.
var errClosed = errors.New("qvf: update is closed")

// Close ends the update; changes that were not committed are void. The file
// stays open.
func (u *Update) Close() { u.err = errClosed }
