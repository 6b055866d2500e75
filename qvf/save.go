package qvf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/safefile"
)

// Content is what a file of ours holds.
type Content struct {
	App *App
	// State is what the app's owner keeps beside it; [File.State] gives it
	// back.
	State json.RawMessage
	// Data and Access are sealed catalogs; nil = none.
	Data, Access *storage.Catalog
}

// Save makes path a file of ours with this content. The former file stays
// until the new one has been read back and is on the disk.
func Save(path string, c Content, o SaveOptions) error {
	err := replace(path, func(w *container.Writer) error { return write(w, c, o) })
	if err != nil {
		return fmt.Errorf("save app: %w", err)
	}
	return nil
}

// Write writes a file of ours with this content.
func Write(out io.WriterAt, c Content, o SaveOptions) error {
	w := container.Create(out)
	if err := write(w, c, o); err != nil {
		return err
	}
	return w.Close()
}

func write(w *container.Writer, c Content, o SaveOptions) error {
	ow := newOwnWriter(freshFile{w}, o)
	d, err := ow.documentOf(&c)
	if err != nil {
		return err
	}
	if c.Access != nil { // first: there is no file with data and without its rules
		if err := ow.catalog(accessSection, c.Access); err != nil {
			return err
		}
	}
	if c.Data != nil {
		if err := ow.catalog(dataSection, c.Data); err != nil {
			return err
		}
	}
	for i := range d.streams {
		if err := ow.document(&d.streams[i]); err != nil {
			return err
		}
	}
	return ow.end()
}

// documentOf returns everything of the content but the data. What the data
// model shows of sealed data would tell about them: it is left out.
func (w *ownWriter) documentOf(c *Content) (*document, error) {
	d, err := documentOf(c.App)
	if err == nil && w.list == nil {
		err = d.model(c.App, c.Data)
	}
	if err == nil {
		err = d.state(c.State)
	}
	return d, err
}

// replace writes a container to a temporary file, reads it back and puts it in
// the place of path.
func replace(path string, write func(*container.Writer) error) error {
	return safefile.Replace(path, func(f *os.File) error {
		w := container.Create(f)
		if err := write(w); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		return readBack(f)
	})
}

// readBack checks that all streams of a file are what was written.
func readBack(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	c, err := container.Open(filepath.Base(f.Name()), f, info.Size())
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	for _, e := range c.Entries() {
		if e.Dir {
			continue
		}
		if err := sumOf(c, e); err != nil {
			return fmt.Errorf("read back: %w", err)
		}
	}
	return nil
}

// sumOf compares a stream with its checksum.
func sumOf(c *container.Container, e container.Entry) error {
	want, ok := e.Attributes.Hash()
	if !ok {
		return nil
	}
	r, err := c.Reader(e.Path)
	if err != nil {
		return err
	}
	h := xxhash.New()
	if _, err := io.CopyBuffer(h, r, make([]byte, 1<<20)); err != nil {
		return err
	}
	if h.Sum64() != want {
		return &container.FormatError{File: c.Name(), Stream: e.Path, Err: container.ErrChecksum}
	}
	return nil
}

// document writes a stream that is not data.
func (w *ownWriter) document(s *docStream) error {
	if strings.HasPrefix(s.path, ownFolder) && s.path != streamAppState {
		return fmt.Errorf("stream %s: the folder is for data", s.path)
	}
	m := container.Meta{Attributes: s.attrs, Time: w.opt.serial(), Hash: true}
	body := bytesTo(s.content)
	if !w.seals(s) {
		return w.w.add(s.path, m, body)
	}
	m.Attributes = maps.Clone(s.sealed)
	m.Attributes[attrSealed] = true
	return w.sealed(documentSection, s.path, s.path, m, plain, int64(len(s.content)), body)
}

// seals reports whether a stream that is not data is to be sealed.
func (w *ownWriter) seals(s *docStream) bool { return s.sealed != nil && w.list != nil }

func bytesTo(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}

// State returns what the app's owner keeps in a file of ours, nil if there is
// nothing.
func (f *File) State() (json.RawMessage, error) {
	raw, err := f.stored(streamAppState)
	if errors.Is(err, container.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := container.Unwrap(raw, payloadMax)
	if err != nil {
		return nil, f.wrong(streamAppState, err)
	}
	if b = trimJSON(b); !json.Valid(b) {
		return nil, f.wrong(streamAppState, errors.New("not JSON"))
	}
	return b, nil
}

// ErrOtherSealing says that the data of a file are in clear and its objects
// are to be sealed, or the other way round: it has to be saved as a whole.
var ErrOtherSealing = errors.New("the data are not sealed as the objects are to be")

// ErrForeign says that a file has a data part, which is not ours to keep: it
// has to be saved as a whole.
var ErrForeign = errors.New("the file is not one of ours")

// SaveDocument changes everything but the data of a file of ours, in place:
// streams that are new or other go behind its end, the data are not touched.
// The file is whole at any moment, as it was or as it is to be.
//
// Once the bytes that nobody refers to any more outgrow the others, the file
// is copied without them.
func SaveDocument(path string, app *App, state json.RawMessage, o SaveOptions, keys crypt.Keys) error {
	d, err := documentOf(app)
	if err == nil {
		err = d.state(state)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", filepath.Base(path), err)
	}
	f, size, err := openLocked(path)
	if err != nil {
		return err
	}
	defer f.Close()
	u, err := container.Append(filepath.Base(path), f, size)
	if err != nil {
		return err
	}
	defer u.Close()
	if err := update(u, d, o, keys); err != nil {
		return fmt.Errorf("save %s: %w", filepath.Base(path), err)
	}
	if u.GarbageBytes() > max(u.LiveBytes(), garbageMin) {
		return copyStreams(path, f, u.Size(), (*container.Writer).Copy)
	}
	return nil
}

// openLocked opens a file to be changed, once nobody else changes it in place.
// Whoever waited may hold a file that was replaced meanwhile, and tries again.
func openLocked(path string) (f *os.File, size int64, err error) {
	for {
		if f, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
			return nil, 0, err
		}
		if err = lock(f); err == nil {
			held, err1 := f.Stat()
			there, err2 := os.Stat(path)
			if err = errors.Join(err1, err2); err == nil && os.SameFile(held, there) {
				return f, held.Size(), nil
			}
		}
		_ = f.Close() // nothing was written
		if err != nil {
			return nil, 0, err
		}
	}
}

// garbageMin is how many stale bytes a file may have in any case.
const garbageMin = 4 << 20

// update puts the streams of a document that differ, and removes those of
// objects that are gone.
func update(u *container.Update, d *document, o SaveOptions, keys crypt.Keys) error {
	ow := newOwnWriter(sameFile{u}, o)
	old := u.Container()
	if _, ok := old.Entry(streamData); ok {
		return ErrForeign
	}
	if err := ow.keepData(old, keys); err != nil {
		return err
	}
	keep := map[string]bool{streamMeta: true} // of the data
	for i := range d.streams {
		s := &d.streams[i]
		keep[s.path] = true
		if e, ok := old.Entry(s.path); ok && !ow.seals(s) && s.isIn(&e) {
			continue
		}
		if err := ow.document(s); err != nil {
			return err
		}
	}
	for _, e := range old.Entries() {
		if e.Dir || keep[e.Path] || strings.HasPrefix(e.Path, ownFolder) {
			continue
		}
		if err := u.Remove(e.Path); err != nil {
			return err
		}
	}
	if err := ow.end(); err != nil {
		return err
	}
	return u.Commit()
}

// isIn reports whether an entry is that of the stream, as it is to be in clear.
func (s *docStream) isIn(e *container.Entry) bool {
	if _, sealed := e.Attributes[attrSealed]; sealed {
		return false
	}
	for _, name := range []string{container.AttrType, container.AttrFormat, container.AttrSecurityMeta} {
		if e.Attributes.Text(name) != s.attrs.Text(name) {
			return false
		}
	}
	sum, ok := e.Attributes.Hash()
	return ok && sum == xxhash.Sum64(s.content)
}

// keepData takes over the list entries of the sealed data streams.
func (w *ownWriter) keepData(old *container.Container, keys crypt.Keys) error {
	f := newFile(old, nil, OpenOptions{Keys: keys})
	sealed := f.Sealed()
	if sealed != (w.list != nil) {
		return ErrOtherSealing
	}
	if !sealed {
		return nil
	}
	list, err := f.list()
	if err != nil {
		return err
	}
	for _, o := range list.Objects() {
		if o.Kind != documentSection {
			if err := w.list.Take(list, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// Compact writes a file anew without the bytes that nobody refers to.
func Compact(path string) error { return rewrite(path, (*container.Writer).Copy) }

// Rekey gives the keys of all sealed streams of a file to other recipients.
// What is sealed is copied as it is, which does not help where a key has
// leaked: then the app has to be saved anew.
func Rekey(path string, keys crypt.Keys, to []*crypt.Recipient) error {
	sealed := false
	err := rewrite(path, func(w *container.Writer, c *container.Container, stream string, m container.Meta) error {
		if m.Attributes[attrSealed] != true && stream != sealedList {
			return w.Copy(c, stream, m)
		}
		sealed = true
		b, err := c.Read(stream)
		if err != nil {
			return err
		}
		head, body, err := crypt.RewrapBlob(bytes.NewReader(b), 0, int64(len(b)), keys, to)
		if err != nil {
			return fmt.Errorf("%s: %w", stream, err)
		}
		return w.Add(stream, m, func(out io.Writer) error {
			if _, err := out.Write(head); err != nil {
				return err
			}
			_, err := out.Write(b[body:])
			return err
		})
	})
	if err == nil && !sealed {
		err = errors.New("nothing in it is sealed")
	}
	if err != nil {
		return fmt.Errorf("rekey %s: %w", filepath.Base(path), err)
	}
	return nil
}

// A streamCopy adds a stream of a container to another one.
type streamCopy func(w *container.Writer, from *container.Container, path string, m container.Meta) error

// rewrite writes a file anew, stream by stream.
func rewrite(path string, stream streamCopy) error {
	f, size, err := openLocked(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return copyStreams(path, f, size, stream)
}

// copyStreams is [rewrite] of a file that is open and locked.
func copyStreams(path string, f *os.File, size int64, stream streamCopy) error {
	c, err := container.Open(filepath.Base(path), f, size)
	if err != nil {
		return err
	}
	return replace(path, func(w *container.Writer) error {
		for _, e := range c.Entries() {
			if e.Dir {
				continue
			}
			m := container.Meta{Attributes: e.Attributes, Time: e.Time, Hash: true}
			if e.Length >= mappedMin {
				m.Align = container.AlignMapped
			}
			if err := stream(w, c, e.Path, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// App returns everything of the file but its data.
func (f *File) App() (*App, error) {
	r := f.reader()
	app, err := r.readApp()
	if err != nil {
		return nil, err
	}
	if _, err := f.list(); err != nil && !errors.Is(err, crypt.ErrNoKey) { // bookmarks may be missing
		r.problem(sealedList, err)
	}
	return app, nil
}

func (f *File) reader() *reader {
	r := newReader(f.Container)
	if f.Own() {
		r.read = f.stored
	}
	r.unseal = func(e container.Entry, b []byte) ([]byte, error) {
		list, err := f.list()
		if err != nil {
			return nil, err
		}
		if list == nil {
			return nil, errors.New("sealed, in a file without a list of sealed streams")
		}
		return f.unseal(b, documentSection, e.Path, list)
	}
	return r
}

// Properties returns the app's properties alone, for lists of apps; nil if it
// has none.
func (f *File) Properties() (json.RawMessage, error) {
	r := f.reader()
	b := r.optionalJSON(streamProperties)
	for _, p := range r.app.Problems {
		return nil, p
	}
	return b, nil
}

// SaveCompat makes path a file in the documented layout, see [WriteCompat].
func SaveCompat(path string, c Content) error {
	return safefile.Replace(path, func(f *os.File) error {
		return WriteCompat(f, c.App, c.Data, CompatOptions{Time: container.Serial(time.Now())})
	})
}
