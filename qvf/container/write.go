package container

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Alignments of a stream's content in the file.
const (
	AlignPage   = pageBytes // every stream has at least this one
	AlignMapped = 4096      // a page of memory, for streams that are mapped
)

const writeBufferBytes = 256 << 10

// Meta is what an entry says about its stream.
type Meta struct {
	Attributes Attributes
	Time       float64 // days since 1899-12-30; see Serial
	Align      int     // power of two, multiple of 512; 0 = AlignPage
	Hash       bool    // store the content's checksum as AttrHash
}

// An appender writes streams one behind the other.
type appender struct {
	w   io.WriterAt
	off int64         // end of what is written
	buf *bufio.Writer // used again for each stream
}

// offsetWriter writes at growing offsets.
type offsetWriter struct {
	w   io.WriterAt
	off int64
}

func (o *offsetWriter) Write(p []byte) (int, error) {
	n, err := o.w.WriteAt(p, o.off)
	o.off += int64(n)
	return n, err
}

func roundUp(x, to int64) int64 { return (x + to - 1) / to * to }

// content writes a stream's content, padded to whole pages. It is one extent.
func (a *appender) content(align int, write func(io.Writer) error) (e Extent, sum uint64, err error) {
	if align == 0 {
		align = AlignPage
	}
	if align < AlignPage || align&(align-1) != 0 {
		return e, 0, fmt.Errorf("alignment %d is not a power of two from %d", align, AlignPage)
	}
	out := &offsetWriter{w: a.w, off: roundUp(a.off, int64(align))}
	e.Off = out.off
	if a.buf == nil {
		a.buf = bufio.NewWriterSize(nil, writeBufferBytes)
	}
	buf := a.buf
	buf.Reset(out)
	hash := xxhash.New()
	if err := write(io.MultiWriter(buf, hash)); err != nil {
		return e, 0, err
	}
	e.Len = out.off + int64(buf.Buffered()) - e.Off
	pad := roundUp(e.Len, pageBytes) - e.Len
	if _, err := buf.Write(make([]byte, pad)); err != nil {
		return e, 0, err
	}
	if err := buf.Flush(); err != nil {
		return e, 0, err
	}
	if e.Len > 0 { // an empty stream needs no gap
		a.off = out.off
	}
	return e, hash.Sum64(), nil
}

// describe writes the descriptor of a stream at an offset.
func (a *appender) describe(at int64, e Extent, filler byte) (descriptor, error) {
	d := descriptor{at: at, length: e.Len, allocated: roundUp(e.Len, pageBytes)}
	page := make([]byte, pageBytes)
	put := func(off int, xs ...uint64) {
		for i, x := range xs {
			binary.LittleEndian.PutUint64(page[off+8*i:], x)
		}
	}
	put(0, uint64(d.length), uint64(d.allocated))
	copy(page[0x10:0x20], bytes.Repeat([]byte{filler}, 16))
	put(0x20, uint64(at+listInDesc), (pageBytes-listInDesc)|indirect)
	if e.Len > 0 {
		put(listInDesc, uint64(e.Off), uint64(d.allocated))
	}
	d.entry = [extentBytes]byte(page[0x20:])
	_, err := a.w.WriteAt(page, at)
	return d, err
}

// Fillers of a descriptor's unknown bytes.
const (
	fillRoot  = 0x00
	fillOther = 0x11
)

// stream writes a stream and its descriptor into n.
func (a *appender) stream(n *node, m Meta, write func(io.Writer) error) error {
	e, sum, err := a.content(m.Align, write)
	if err != nil {
		return err
	}
	attrs := m.Attributes
	if m.Hash {
		attrs = attrs.withHash(sum)
	}
	raw, err := attrs.encode()
	if err != nil {
		return err
	}
	desc, err := a.describe(a.off, e, fillOther)
	if err != nil {
		return err
	}
	a.off += pageBytes
	n.setDesc(desc)
	n.Time, n.Attributes, n.RawAttrs = m.Time, attrs, raw
	return nil
}

// directories writes the directories below n that changed, deepest first.
func (a *appender) directories(n *node) error {
	for _, child := range n.children {
		if !child.Dir || !child.changed {
			continue
		}
		if err := a.directories(child); err != nil {
			return err
		}
		m := Meta{Time: child.Time, Attributes: child.Attributes, Hash: true}
		if err := a.stream(child, m, child.writeCells); err != nil {
			return err
		}
		child.changed = false
	}
	return nil
}

// root writes the root directory, its descriptor at an offset (0: behind it).
func (a *appender) root(n *node, at int64) (record, error) {
	e, sum, err := a.content(0, n.writeCells)
	if err != nil {
		return record{}, err
	}
	if at == 0 {
		at = a.off
		a.off += pageBytes
	}
	desc, err := a.describe(at, e, fillRoot)
	n.setDesc(desc)
	n.changed = false
	return record{root: at, rootSum: sum, size: a.off}, err
}

// writeCells writes the content of a directory.
func (n *node) writeCells(w io.Writer) error {
	var b []byte
	for _, child := range n.children {
		b = appendCells(b[:0], cellEntry{
			dir: child.Dir, name: child.name, time: child.Time, offset: child.desc.at, attrs: child.RawAttrs,
		})
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// place returns a new node for a stream, instead of the one that may be there,
// and marks the directories that lead to it, made where missing, as changed at
// a time.
func (n *node) place(path string, time float64) (*node, error) {
	names := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for _, name := range names {
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("path %q: %w", path, err)
		}
	}
	if len(names) > dirDepthMax {
		return nil, fmt.Errorf("path %q: deeper than %d directories", path, dirDepthMax)
	}
	last := len(names) - 1
	for _, name := range names[:last] {
		n.changed, n.Time = true, time
		dir := n.child(name, true)
		if dir == nil {
			dir = n.put(name, true)
		}
		n = dir
	}
	n.changed, n.Time = true, time
	return n.put(names[last], false), nil
}

// A childKey names an entry of a directory. A directory and a stream may share
// a name: old QVD containers have that.
type childKey struct {
	name string
	dir  bool
}

// child returns an entry of the directory, nil if there is none.
func (n *node) child(name string, dir bool) *node {
	if n.index == nil {
		n.index = make(map[childKey]*node, len(n.children))
		for _, c := range n.children {
			n.index[childKey{c.name, c.Dir}] = c
		}
	}
	return n.index[childKey{name, dir}]
}

// put adds a new entry to the directory, or replaces the one of that name.
func (n *node) put(name string, dir bool) *node {
	c := &node{name: name, Entry: Entry{Path: n.Path + "/" + name, Dir: dir}}
	if old := n.child(name, dir); old != nil {
		n.children[slices.Index(n.children, old)] = c
	} else {
		n.children = append(n.children, c)
	}
	n.index[childKey{name, dir}] = c
	return c
}

// A Writer makes a new container. It is for one goroutine.
type Writer struct {
	a     appender
	root  *node
	paths map[string]bool
	err   error
}

// Create begins a container in an empty file. Nothing can read it before
// [Writer.Close], which writes page 0.
func Create(w io.WriterAt) *Writer {
	return &Writer{
		a:     appender{w: w, off: 2 * pageBytes}, // page 0, and the root's descriptor as in foreign files
		root:  &node{Entry: Entry{Dir: true}, changed: true},
		paths: map[string]bool{},
	}
}

// Add writes a stream. Its content is what write writes, as one run of bytes
// in the file; its length need not be known before. Directories that lead to
// path are made. The first error stays.
func (w *Writer) Add(path string, m Meta, write func(io.Writer) error) error {
	if w.err != nil {
		return w.err
	}
	w.err = w.add(path, m, write)
	return w.err
}

func (w *Writer) add(path string, m Meta, write func(io.Writer) error) error {
	if path = "/" + strings.TrimPrefix(path, "/"); w.paths[path] {
		return fmt.Errorf("qvf: stream %s is there already", path)
	}
	w.paths[path] = true
	n, err := w.root.place(path, m.Time)
	if err != nil {
		return fmt.Errorf("qvf: %w", err)
	}
	if err := w.a.stream(n, m, write); err != nil {
		return fmt.Errorf("qvf: write %s: %w", path, err)
	}
	return nil
}

// AddBytes is [Writer.Add] of bytes.
func (w *Writer) AddBytes(path string, m Meta, content []byte) error {
	return w.Add(path, m, bytesWriter(content))
}

func bytesWriter(content []byte) func(io.Writer) error {
	return func(out io.Writer) error {
		_, err := out.Write(content)
		return err
	}
}

// Copy adds a stream of another container as it is, its attributes unread.
func (w *Writer) Copy(c *Container, path string, m Meta) error {
	r, err := c.Reader(path)
	if err != nil {
		return err
	}
	return w.Add(path, m, func(out io.Writer) error {
		_, err := io.Copy(out, r)
		return err
	})
}

// Close writes the directories and, last, page 0. It does not bring the file
// to the disk: that is the owner's.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	w.err = errors.New("qvf: writer is closed")
	if err := w.a.directories(w.root); err != nil {
		return fmt.Errorf("qvf: write directories: %w", err)
	}
	r, err := w.a.root(w.root, pageBytes)
	if err != nil {
		return fmt.Errorf("qvf: write root directory: %w", err)
	}
	r.generation = 1
	if _, err := w.a.w.WriteAt(pageZero(r, nil), 0); err != nil {
		return fmt.Errorf("qvf: write page 0: %w", err)
	}
	return nil
}
