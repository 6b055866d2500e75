package container

import "encoding/binary"

// An Extent is a run of bytes of the file.
type Extent struct{ Off, Len int64 }

const indirect = 1 << 63

// A descriptor is the page that locates a stream.
type descriptor struct {
	at        int64
	length    int64             // bytes of content
	allocated int64             // bytes of pages
	entry     [extentBytes]byte // the extent that stands in it
}

// descriptorAt reads the page at an offset. length and allocated are within
// the size of the file.
func (c *Container) descriptorAt(stream string, at int64) (descriptor, error) {
	page, err := c.bytesAt(stream, Extent{at, pageBytes})
	if err != nil {
		return descriptor{}, err
	}
	length, allocated := binary.LittleEndian.Uint64(page), binary.LittleEndian.Uint64(page[8:])
	if allocated > uint64(c.size) {
		return descriptor{}, c.errorf(stream, at+8, "stream of %d bytes in a file of %d", allocated, c.size)
	}
	if length > allocated {
		return descriptor{}, c.errorf(stream, at, "length %d, but %d bytes of pages", length, allocated)
	}
	return descriptor{at: at, length: int64(length), allocated: int64(allocated), entry: [extentBytes]byte(page[0x20:])}, nil
}

// extents returns where the content lies: extents that follow each other are
// one, and the last is cut at the length.
func (c *Container) extents(stream string, d descriptor) ([]Extent, error) {
	w := extentWalk{c: c, stream: stream, want: d.length}
	if err := w.list(d.entry[:], d.at+0x20, 0); err != nil {
		return nil, err
	}
	if w.have < d.length {
		return nil, c.errorf(stream, d.at, "extents of %d bytes, length is %d", w.have, d.length)
	}
	return w.out, nil
}

// An extentWalk collects data extents until there are enough of them.
type extentWalk struct {
	c          *Container
	stream     string
	want, have int64
	listBytes  int64 // lists read so far: no more than the file has, so that loops end
	out        []Extent
}

// list walks a list of extents, which lies at an offset of the file.
func (w *extentWalk) list(list []byte, at int64, depth int) error {
	if depth > listDepthMax {
		return w.c.errorf(w.stream, at, "extents are nested deeper than %d", listDepthMax)
	}
	for ; len(list) >= extentBytes && w.have < w.want; list, at = list[extentBytes:], at+extentBytes {
		off, size := binary.LittleEndian.Uint64(list), binary.LittleEndian.Uint64(list[8:])
		if size == 0 {
			return nil
		}
		e := Extent{int64(off), int64(size &^ indirect)}
		if err := w.c.inside(w.stream, e, at); err != nil {
			return err
		}
		if size&indirect == 0 {
			w.data(e)
			continue
		}
		if w.listBytes += e.Len; w.listBytes > w.c.size {
			return w.c.errorf(w.stream, at, "lists of extents larger than the file: they loop")
		}
		inner, err := w.c.bytesAt(w.stream, e)
		if err != nil {
			return err
		}
		if err := w.list(inner, e.Off, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *extentWalk) data(e Extent) {
	e.Len = min(e.Len, w.want-w.have)
	w.have += e.Len
	if n := len(w.out); n > 0 && w.out[n-1].Off+w.out[n-1].Len == e.Off {
		w.out[n-1].Len += e.Len
		return
	}
	w.out = append(w.out, e)
}

// inside checks that an extent, which stands at offset at, lies in the file.
func (c *Container) inside(stream string, e Extent, at int64) error {
	if e.Off < pageBytes || e.Len < 0 || e.Off > c.size || e.Len > c.size-e.Off {
		return c.errorf(stream, at, "extent of %d bytes at %d is outside the file of %d bytes", uint64(e.Len), uint64(e.Off), c.size)
	}
	return nil
}

// bytesAt reads an extent of the file.
func (c *Container) bytesAt(stream string, e Extent) ([]byte, error) {
	if err := c.inside(stream, e, e.Off); err != nil {
		return nil, err
	}
	b := make([]byte, e.Len)
	if n, err := c.r.ReadAt(b, e.Off); n < len(b) {
		return nil, c.errorf(stream, e.Off+int64(n), "read: %w", err)
	}
	return b, nil
}
