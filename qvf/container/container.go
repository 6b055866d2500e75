package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cespare/xxhash/v2"
)

// A Container is an open file. It is not changed by reading: any number of
// goroutines may use it.
type Container struct {
	name string
	r    io.ReaderAt
	size int64

	root       *node
	generation uint64 // 0: no root record
	records    []record
	damaged    []string
	files      map[string]*node
	order      []*node // files and directories, parents first
}

// An Entry is a stream or a directory.
type Entry struct {
	Path       string // "/data/field_0"
	Dir        bool
	Time       float64 // days since 1899-12-30
	Attributes Attributes
	RawAttrs   []byte // as stored; the JSON ends with a NUL
	Length     int64  // bytes of content
	Allocated  int64  // bytes of pages, descriptor and lists of extents not included
	Err        error  // why the stream or directory cannot be read, else nil
}

// A node is an entry in its tree.
type node struct {
	Entry
	name     string
	desc     descriptor
	children []*node
	index    map[childKey]*node // made at first use
	changed  bool               // the directory's content is to be written
}

// Open reads the directories of a container. r must stay readable for as long
// as the container is used; name is for messages.
//
// An error means that the root directory cannot be read. A stream or a
// sub-directory that cannot be read says so in its entry, and the rest opens.
//
// Memory is a small multiple of the bytes of the directories that are really
// there: page lists that loop or overlap are refused.
func Open(name string, r io.ReaderAt, size int64) (*Container, error) {
	c := &Container{name: name, r: r, size: size, files: map[string]*node{}}
	page, err := c.pageZero()
	if err != nil {
		return nil, err
	}
	if err := c.openRoot(page); err != nil {
		return nil, err
	}
	return c, nil
}

// pageZero reads page 0 and tells what is no container.
func (c *Container) pageZero() ([]byte, error) {
	page := make([]byte, pageBytes)
	n, err := c.r.ReadAt(page, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, c.errorf("", 0, "read: %w", err)
	}
	switch {
	case n >= 4 && bytes.Equal(page[:4], []byte("PK\x03\x04")):
		return nil, c.errorf("", 0, "%w: a ZIP archive", ErrNotContainer)
	case n < 4 || !bytes.Equal(page[:4], []byte{0xFF, 0xFF, 0x01, 0x00}):
		return nil, c.errorf("", 0, "%w: does not begin with FF FF 01 00", ErrNotContainer)
	case n < pageBytes:
		return nil, c.errorf("", int64(n), "cut off: page 0 has %d of %d bytes", n, pageBytes)
	}
	if x := binary.LittleEndian.Uint32(page[0x0C:]); x != pageBytes {
		return nil, c.errorf("", 0x0C, "page size %d, want %d", x, pageBytes)
	}
	return page, nil
}

// openRoot finds the root directory that is valid, and reads the tree.
func (c *Container) openRoot(page []byte) error {
	valid, broken := recordsOf(page)
	if broken > 0 {
		c.damaged = append(c.damaged, fmt.Sprintf("%d of the root records in page 0 is damaged", broken))
	}
	var first error
	for i, r := range valid {
		err := c.openTree(r.root, &r.rootSum)
		if err == nil {
			c.generation, c.records = r.generation, valid[i:]
			return nil
		}
		if first == nil {
			first = err
		}
		c.damaged = append(c.damaged, fmt.Sprintf("generation %d: %v", r.generation, err))
	}
	if first != nil {
		return first
	}
	if c.size%pageBytes != 0 {
		return c.errorf("", c.size, "size %d is not a multiple of %d: cut off, or its line ends were converted", c.size, pageBytes)
	}
	return c.openTree(int64(binary.LittleEndian.Uint64(page[rootAt:])), nil)
}

// openTree reads the tree under the root whose descriptor is at an offset. sum
// is the checksum that the root's content must have, if that is known.
func (c *Container) openTree(at int64, sum *uint64) error {
	clear(c.files)
	c.order = nil
	c.root = &node{Entry: Entry{Path: "", Dir: true}}
	t := treeReader{c: c, seen: map[int64]bool{}}
	desc, err := c.descriptorAt("/", at)
	if err != nil {
		return err
	}
	c.root.setDesc(desc)
	return t.directory(c.root, sum, 0)
}

// setDesc takes the descriptor into the entry.
func (n *node) setDesc(d descriptor) { n.desc, n.Length, n.Allocated = d, d.length, d.allocated }

// A treeReader reads directories, each once and all together no more bytes
// than the file has.
type treeReader struct {
	c     *Container
	seen  map[int64]bool // offsets of the descriptors of directories
	bytes int64
}

// directory reads the content of directory n and what is below.
func (t *treeReader) directory(n *node, sum *uint64, depth int) error {
	path := n.label()
	switch {
	case depth > dirDepthMax:
		return t.c.errorf(path, n.desc.at, "directories are nested deeper than %d", dirDepthMax)
	case t.seen[n.desc.at]:
		return t.c.errorf(path, n.desc.at, "directory is reached twice")
	}
	t.seen[n.desc.at] = true
	if t.bytes += n.desc.length; t.bytes > t.c.size {
		return t.c.errorf(path, n.desc.at, "directories are larger than the file")
	}
	content, err := t.c.content(path, n.desc)
	if err != nil {
		return err
	}
	if sum != nil && xxhash.Sum64(content) != *sum {
		return t.c.errorf(path, n.desc.at, "%w", ErrChecksum)
	}
	cells, at, err := parseCells(content)
	if err != nil {
		return t.c.errorf(path, n.desc.at, "cell %d: %w", at, err)
	}
	return t.entries(n, cells, depth)
}

// entries makes the nodes of a directory's entries.
func (t *treeReader) entries(parent *node, cells []cellEntry, depth int) error {
	names := map[childKey]bool{}
	for _, e := range cells {
		key := childKey{e.name, e.dir}
		if names[key] {
			return t.c.errorf(parent.label(), parent.desc.at, "two entries named %q", e.name)
		}
		names[key] = true
		n := &node{name: e.name, Entry: Entry{
			Path: parent.Path + "/" + e.name, Dir: e.dir, Time: e.time,
			RawAttrs: e.attrs, Attributes: parseAttributes(e.attrs),
		}}
		parent.children = append(parent.children, n)
		t.c.order = append(t.c.order, n)
		n.Err = t.open(n, e.offset, depth)
		if !e.dir {
			t.c.files[n.Path] = n
		}
	}
	return nil
}

// open reads the descriptor of an entry and, of a directory, what is below.
func (t *treeReader) open(n *node, at int64, depth int) error {
	desc, err := t.c.descriptorAt(n.Path, at)
	desc.at = at
	n.setDesc(desc)
	if err != nil || !n.Dir {
		return err
	}
	if sum, ok := n.Attributes.Hash(); ok {
		return t.directory(n, &sum, depth+1)
	}
	return t.directory(n, nil, depth+1)
}

// label is the path as messages give it.
func (n *node) label() string {
	if n.Path == "" {
		return "/"
	}
	return n.Path
}

// content reads the bytes of a stream.
func (c *Container) content(stream string, d descriptor) ([]byte, error) {
	extents, err := c.extents(stream, d)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, d.length) // no more than the file has
	for _, e := range extents {
		n := len(b)
		b = b[:n+int(e.Len)]
		if k, err := c.r.ReadAt(b[n:], e.Off); k < int(e.Len) {
			return nil, c.errorf(stream, e.Off+int64(k), "read: %w", err)
		}
	}
	return b, nil
}

// Name returns the name that the container was opened with.
func (c *Container) Name() string { return c.name }

// Size returns the size of the file in bytes.
func (c *Container) Size() int64 { return c.size }

// Generation counts the updates in place; 0 means a foreign file.
func (c *Container) Generation() uint64 { return c.generation }

// Damaged tells what Open had to pass over: a torn page 0, a newer generation
// that does not hold what it should. Empty in a sound file.
func (c *Container) Damaged() []string { return c.damaged }

// Entries returns all streams and directories, a directory before what is in
// it, otherwise in the order of the directories.
func (c *Container) Entries() []Entry {
	out := make([]Entry, len(c.order))
	for i, n := range c.order {
		out[i] = n.Entry
	}
	return out
}

// Entry returns a stream's entry.
func (c *Container) Entry(path string) (Entry, bool) {
	n := c.files[path]
	if n == nil {
		return Entry{}, false
	}
	return n.Entry, true
}

func (c *Container) stream(path string) (*node, error) {
	n := c.files[path]
	if n == nil {
		return nil, fmt.Errorf("qvf: %s: %s: %w", c.name, path, ErrNotFound)
	}
	return n, n.Err
}

// Extents returns where the content of a stream lies, and its length. In a
// file of ours it is one extent (none for length 0), which may be mapped.
func (c *Container) Extents(path string) ([]Extent, int64, error) {
	n, err := c.stream(path)
	if err != nil {
		return nil, 0, err
	}
	extents, err := c.extents(path, n.desc)
	if err != nil {
		return nil, 0, err
	}
	return extents, n.desc.length, nil
}

// Read returns the content of a stream, checked against its checksum if it has
// one. It allocates the stream's length, which is below the file's.
func (c *Container) Read(path string) ([]byte, error) {
	n, err := c.stream(path)
	if err != nil {
		return nil, err
	}
	b, err := c.content(path, n.desc)
	if err != nil {
		return nil, err
	}
	if sum, ok := n.Attributes.Hash(); ok && xxhash.Sum64(b) != sum {
		return nil, c.errorf(path, n.desc.at, "%w", ErrChecksum)
	}
	return b, nil
}

// Reader returns the content of a stream from its begin, without a check.
func (c *Container) Reader(path string) (io.Reader, error) {
	extents, _, err := c.Extents(path)
	if err != nil {
		return nil, err
	}
	parts := make([]io.Reader, len(extents))
	for i, e := range extents {
		parts[i] = io.NewSectionReader(c.r, e.Off, e.Len)
	}
	return io.MultiReader(parts...), nil
}

// LiveBytes returns the bytes that the current root reaches; lists of extents
// outside of descriptors, which only foreign files have, are not counted.
func (c *Container) LiveBytes() int64 { return c.root.liveBytes(c.size) }

func (n *node) liveBytes(size int64) int64 {
	live := int64(pageBytes) // page 0
	n.walk(func(n *node) { live += pageBytes + n.Allocated })
	return min(live, size)
}

// walk visits n and all that is below.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, child := range n.children {
		child.walk(visit)
	}
}

// GarbageBytes returns the bytes of stale pages. Once they outgrow the live
// ones, writing the file anew pays.
func (c *Container) GarbageBytes() int64 { return c.size - c.LiveBytes() }

// Serial returns a time as days since 1899-12-30, in its own time zone.
func Serial(t time.Time) float64 {
	_, offsetSec := t.Zone()
	return float64(t.Unix()+int64(offsetSec))/86400 + 25569
}
