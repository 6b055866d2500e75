package qvf

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	BytesMax int64      // see [storage.RestoreOptions]; 0 = by the size of the file
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

// Own reports whether the file was written by this program and has what only
// such files have.
func (f *File) Own() bool {
	for _, path := range []string{ownPath(dataSection, directoryName), streamAppState, sealedList, ownPath(accessSection, directoryName)} {
		if _, ok := f.Entry(path); ok {
			return true
		}
	}
	return false
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

// rowsFree is what rows may take of which the file has no bytes, as all of
// them have one value: a bit for each.
const rowsFree = 512 << 20

func (f *File) catalog(section string, show func(dual.Value) string) (*storage.Catalog, error) {
	if _, err := f.list(); err != nil {
		return nil, err
	}
	s := &source{f, section}
	if _, ok := f.Entry(ownPath(section, directoryName)); !ok {
		return nil, nil
	}
	directory, err := s.Load(directoryName)
	if err != nil {
		return nil, err
	}
	o := storage.RestoreOptions{Name: f.Name() + ": /cognate/" + section, Show: show, Mapped: inPlace, BytesMax: f.opt.BytesMax}
	if o.BytesMax <= 0 {
		o.BytesMax = rowsFree + packMax*f.Size()
	}
	c, err := storage.Restore(directory, s, o)
	if err != nil {
		return nil, f.wrong(ownPath(section, directoryName), err)
	}
	return c, nil
}

// wrong says that a stream is not what it should be; nil stays nil.
func (f *File) wrong(path string, err error) error {
	if err == nil {
		return nil
	}
	return &FormatError{File: f.Name(), Stream: path, Err: err}
}

// Sealed reports whether the file has sealed streams.
func (f *File) Sealed() bool {
	_, ok := f.Entry(sealedList)
	return ok
}

// openList returns the list of sealed streams, nil in a file without. The file
// has the streams of the list and no others: the data cannot be had without
// the access section that they were saved with.
func (f *File) openList() (*crypt.List, error) {
	if !f.Sealed() {
		return nil, nil
	}
	b, err := f.stored(sealedList)
	if err != nil {
		return nil, err
	}
	list, err := crypt.OpenList(b, sealedList, f.opt.Keys)
	if err != nil {
		return nil, f.wrong(sealedList, err)
	}
	if err := list.CheckNames(f.sealable()); err != nil {
		return nil, f.wrong(sealedList, err)
	}
	return list, nil
}

// sealable returns the streams that the list of an encrypted file has to name.
func (f *File) sealable() (have []crypt.Object) {
	for _, e := range f.Entries() {
		if e.Dir {
			continue
		}
		kind, name := documentSection, e.Path
		for _, section := range []string{dataSection, accessSection} {
			if rest, ok := strings.CutPrefix(e.Path, ownPath(section, "")); ok {
				kind, name = section, rest
			}
		}
		if kind != documentSection || e.Attributes[attrSealed] == true {
			have = append(have, crypt.Object{Kind: kind, Name: name})
		}
	}
	return have
}

// A source is a section of a file as a [storage.Source].
type source struct {
	file    *File
	section string
}

var _ storage.Source = (*source)(nil)

// Size implements [storage.Source].
func (s *source) Size(stream string) (int64, error) {
	path := ownPath(s.section, stream)
	e, ok := s.file.Entry(path)
	switch {
	case !ok:
		return 0, s.file.wrong(path, container.ErrNotFound)
	case e.Err != nil:
		return 0, e.Err
	}
	n, err := decodedBytes(&e)
	if err == nil && !provable(e.Length, n) {
		err = fmt.Errorf("%d bytes are said to hold %d", e.Length, n)
	}
	return n, s.file.wrong(path, err)
}

func decodedBytes(e *container.Entry) (int64, error) {
	if v := e.Attributes[container.AttrVersion]; v != float64(ownVersion) {
		return 0, fmt.Errorf("%s is %v, this program reads %d", container.AttrVersion, v, ownVersion)
	}
	n, ok := e.Attributes[attrBytes].(float64)
	if !ok || n < 0 || n > 1<<52 || n != float64(int64(n)) {
		return 0, fmt.Errorf("%s is %v, want a length", attrBytes, e.Attributes[attrBytes])
	}
	return int64(n), nil
}

// Load implements [storage.Source].
func (s *source) Load(stream string) ([]byte, error) {
	n, err := s.Size(stream)
	if err != nil {
		return nil, err
	}
	list, err := s.file.list()
	if err != nil {
		return nil, err
	}
	path := ownPath(s.section, stream)
	b, err := s.file.stored(path)
	if err != nil {
		return nil, err
	}
	e, _ := s.file.Entry(path)
	b, err = s.decode(stream, b, n, e.Attributes, list)
	return b, s.file.wrong(path, err)
}

// decode returns the n bytes that a stream holds out of what lies in the file.
func (s *source) decode(stream string, b []byte, n int64, a container.Attributes, list *crypt.List) ([]byte, error) {
	e, err := encodingOf(a)
	if err != nil {
		return nil, err
	}
	if sealed := a[attrSealed]; (sealed == true) != (list != nil) || sealed != nil && sealed != true {
		return nil, fmt.Errorf("%s is %v, the list of sealed streams says otherwise", attrSealed, sealed)
	}
	if list != nil {
		if b, err = s.file.unseal(b, s.section, stream, list); err != nil {
			return nil, err
		}
	}
	return e.decode(b, n)
}

// stored returns the bytes of a stream as they lie in the file, if they are
// what their checksum says. In our files there is none without.
func (f *File) stored(path string) ([]byte, error) {
	extents, n, err := f.Extents(path)
	if err != nil {
		return nil, err
	}
	e, _ := f.Entry(path)
	sum, ok := e.Attributes.Hash()
	switch {
	case !ok:
		return nil, f.wrong(path, fmt.Errorf("no checksum: %w", container.ErrChecksum))
	case len(extents) != 1 || f.m == nil:
		return f.Read(path)
	}
	b := f.m.data[extents[0].Off:][:n:n] // the container checked that it is there
	if xxhash.Sum64(b) != sum {
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

// Verify reads every stream of the file against its checksum, and reads all of
// a file of ours. Keys are needed for sealed streams.
func (f *File) Verify() error {
	read := f.Read
	var all []error
	if f.Own() {
		read = f.stored
		_, err := f.State()
		all = append(all, err)
		app, err := f.App()
		all = append(all, err)
		if err == nil {
			for _, p := range app.Problems {
				all = append(all, p)
			}
		}
	}
	for _, e := range f.Entries() {
		if e.Err != nil {
			all = append(all, e.Err)
			continue
		}
		if !e.Dir {
			_, err := read(e.Path)
			all = append(all, err)
		}
	}
	for _, section := range []string{dataSection, accessSection} {
		c, err := f.catalog(section, nil)
		if err == nil && c != nil {
			err = f.wrong(ownPath(section, directoryName), c.Verify())
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}
