package qvf

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/dual"
)

// OpenOptions say how a file is opened. The zero value is useful.
type OpenOptions struct {
	Keys     crypt.Keys // for sealed streams; nil = none
	BytesMax int64      // see [storage.RestoreOptions]
}

// A File is an app file, ours or foreign, mapped into memory. There is nothing
// to close: it goes when nothing that came out of it is reachable.
type File struct {
	*container.Container
	opt  OpenOptions
	m    *mapping
	list func() (*crypt.List, error)
}

// OpenFile opens an app file. Only the container's directories are read.
func OpenFile(path string, o OpenOptions) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := mapFile(f)
	if err != nil {
		return nil, fmt.Errorf("qvf: %s: %w", filepath.Base(path), err)
	}
	c, err := container.Open(filepath.Base(path), &mappedReader{bytes.NewReader(m.data), m}, int64(len(m.data)))
	if err != nil {
		return nil, err
	}
	return newFile(c, m, o), nil
}

// A mappedReader reads a mapping and keeps it in memory.
type mappedReader struct {
	*bytes.Reader
	m *mapping
}

// OpenBytes opens an app file that is in memory.
func OpenBytes(name string, b []byte, o OpenOptions) (*File, error) {
	c, err := container.Open(name, bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	return newFile(c, &mapping{b}, o), nil
}

func newFile(c *container.Container, m *mapping, o OpenOptions) *File {
	f := &File{Container: c, opt: o, m: m}
	f.list = sync.OnceValues(f.openList)
	return f
}

// Own reports whether the file was written by this program.
func (f *File) Own() bool {
	_, ok := f.Entry(ownPath(dataSection, directoryName))
	return ok
}

// Data returns the data of a file of ours, nil if there are none. Symbols and
// codes are read, and checked, when they are first used.
func (f *File) Data(show func(dual.Value) string) (*storage.Catalog, error) {
	return f.catalog(dataSection, show)
}

// Access returns the access section of a file of ours, nil if there is none.
func (f *File) Access(show func(dual.Value) string) (*storage.Catalog, error) {
	return f.catalog(accessSection, show)
}

func (f *File) catalog(section string, show func(dual.Value) string) (*storage.Catalog, error) {
	s := &source{f, section}
	if _, ok := f.Entry(ownPath(section, directoryName)); !ok {
		return nil, nil
	}
	if err := f.complete(section); err != nil {
		return nil, err
	}
	directory, err := s.Load(directoryName)
	if err != nil {
		return nil, err
	}
	c, err := storage.Restore(directory, s, storage.RestoreOptions{Show: show, Mapped: inPlace, BytesMax: f.opt.BytesMax})
	if err != nil {
		return nil, fmt.Errorf("qvf: %s: /cognate/%s: %w", f.Name(), section, err)
	}
	return c, nil
}

// complete checks that no sealed stream of a section was taken out or in.
func (f *File) complete(section string) error {
	list, err := f.list()
	if err != nil || list == nil {
		return err
	}
	for _, o := range list.Objects() {
		if o.Kind != section {
			continue
		}
		if e, ok := f.Entry(ownPath(section, o.Name)); !ok || e.Attributes[attrSealed] != true {
			return fmt.Errorf("qvf: %s: %w: %s is missing", f.Name(), crypt.ErrList, ownPath(section, o.Name))
		}
	}
	return nil
}

// Sealed reports whether the file has sealed streams.
func (f *File) Sealed() bool {
	_, ok := f.Entry(sealedList)
	return ok
}

// openList returns the list of sealed streams, nil in a file without.
func (f *File) openList() (*crypt.List, error) {
	if !f.Sealed() {
		return nil, nil
	}
	if f.opt.Keys == nil {
		return nil, fmt.Errorf("qvf: %s: the data are encrypted: %w", f.Name(), crypt.ErrNoKey)
	}
	b, err := f.Read(sealedList)
	if err != nil {
		return nil, err
	}
	list, err := crypt.OpenList(b, sealedList, f.opt.Keys)
	if err != nil {
		return nil, fmt.Errorf("qvf: %s: %w", f.Name(), err)
	}
	return list, nil
}

// A source is a section of a file as a [storage.Source].
type source struct {
	file    *File
	section string
}

var _ storage.Source = (*source)(nil)

// Size implements [storage.Source].
func (s *source) Size(stream string) (int64, error) {
	e, ok := s.file.Entry(ownPath(s.section, stream))
	switch {
	case !ok:
		return 0, fmt.Errorf("%w: stream %s", container.ErrNotFound, stream)
	case e.Err != nil:
		return 0, e.Err
	}
	n, err := decodedBytes(&e)
	if err == nil && !provable(e.Length, n) {
		err = fmt.Errorf("stream %s of %d bytes is said to hold %d", stream, e.Length, n)
	}
	return n, err
}

func decodedBytes(e *container.Entry) (int64, error) {
	if v := e.Attributes[container.AttrVersion]; v != float64(ownVersion) {
		return 0, fmt.Errorf("stream %s has version %v, this program reads %d", e.Path, v, ownVersion)
	}
	n, ok := e.Attributes[attrBytes].(float64)
	if !ok || n < 0 || n > 1<<52 || n != float64(int64(n)) {
		return 0, fmt.Errorf("stream %s has %s %v", e.Path, attrBytes, e.Attributes[attrBytes])
	}
	return int64(n), nil
}

// Load implements [storage.Source].
func (s *source) Load(stream string) ([]byte, error) {
	n, err := s.Size(stream)
	if err != nil {
		return nil, err
	}
	path := ownPath(s.section, stream)
	b, err := s.file.stored(path)
	if err != nil {
		return nil, err
	}
	e, _ := s.file.Entry(path)
	list, err := s.file.list()
	if err != nil {
		return nil, err
	}
	if sealed := e.Attributes[attrSealed] == true; sealed != (list != nil) {
		return nil, fmt.Errorf("qvf: %s: %s: sealed is %v, the list of sealed streams says otherwise", s.file.Name(), path, sealed)
	}
	if list != nil {
		if b, err = s.file.unseal(b, s.section, stream, list); err != nil {
			return nil, fmt.Errorf("qvf: %s: %s: %w", s.file.Name(), path, err)
		}
	}
	if b, err = encoding(e.Attributes.Text(attrEncoding)).decode(b, n); err != nil {
		return nil, fmt.Errorf("qvf: %s: %s: %w", s.file.Name(), path, err)
	}
	return b, nil
}

// stored returns the bytes of a stream as they lie in the file, if they are
// what their checksum says.
func (f *File) stored(path string) ([]byte, error) {
	extents, n, err := f.Extents(path)
	if err != nil {
		return nil, err
	}
	if len(extents) != 1 {
		return f.Read(path)
	}
	b := f.m.data[extents[0].Off:][:n:n] // the container checked that it is there
	e, _ := f.Entry(path)
	if sum, ok := e.Attributes.Hash(); !ok || xxhash.Sum64(b) != sum {
		return nil, &container.FormatError{File: f.Name(), Stream: path, Offset: extents[0].Off, Err: container.ErrChecksum}
	}
	return b, nil
}

func (f *File) unseal(b []byte, kind, name string, list *crypt.List) ([]byte, error) {
	body, err := crypt.OpenBlobAt(bytes.NewReader(b), 0, int64(len(b)), kind, name, f.opt.Keys)
	if err != nil {
		return nil, err
	}
	if err := list.Check(kind, name, body.Envelope()); err != nil {
		return nil, err
	}
	return body.All(nil)
}

// Verify reads every stream of the file against its checksum, and unseals and
// decodes those of ours. Keys are needed for sealed ones.
func (f *File) Verify() error {
	var all []error
	for _, e := range f.Entries() {
		if e.Err != nil {
			all = append(all, e.Err)
			continue
		}
		if !e.Dir {
			_, err := f.Read(e.Path)
			all = append(all, err)
		}
	}
	for _, section := range []string{dataSection, accessSection} {
		c, err := f.catalog(section, nil)
		if err != nil || c == nil {
			all = append(all, err)
			continue
		}
		all = append(all, c.Verify())
	}
	return errors.Join(all...)
}
