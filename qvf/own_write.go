package qvf

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
)

// SaveOptions say how a file of ours is written. The zero value is useful.
type SaveOptions struct {
	Seal    []*crypt.Recipient // who can open data and bookmarks; none = in clear
	Compact bool               // small rather than quick to open
	Now     time.Time          // zero = the current time
}

func (o *SaveOptions) serial() float64 {
	if o.Now.IsZero() {
		return container.Serial(time.Now())
	}
	return container.Serial(o.Now)
}

// An ownWriter adds our streams to a container.
type ownWriter struct {
	w    adder
	opt  SaveOptions
	list *crypt.List // of the sealed streams; nil = in clear
	enc  encoder
}

// An adder is a [container.Writer] or a [container.Update].
type adder interface {
	add(path string, m container.Meta, write func(io.Writer) error) error
}

func newOwnWriter(w adder, o SaveOptions) *ownWriter {
	ow := &ownWriter{w: w, opt: o}
	if len(o.Seal) > 0 {
		ow.list = &crypt.List{}
	}
	return ow
}

// catalog writes a section.
func (w *ownWriter) catalog(section string, c *storage.Catalog) error {
	directory, parts, err := c.AtRest()
	if err != nil {
		return err
	}
	err = w.stream(section, directoryName, int64(len(directory)), func(out io.Writer) error {
		_, err := out.Write(directory)
		return err
	})
	for i := 0; i < len(parts) && err == nil; i++ {
		p := &parts[i]
		err = w.stream(section, p.Stream, p.Bytes, func(out io.Writer) error {
			_, err := p.WriteTo(out)
			return err
		})
	}
	return err
}

// stream writes one stream of a section in the encoding that suits it.
func (w *ownWriter) stream(section, name string, n int64, write func(io.Writer) error) error {
	s := &sampler{bytes: n}
	if err := write(s); err != nil {
		return err
	}
	e, err := w.enc.choose(s.sample, n, w.opt.Compact)
	if err != nil {
		return err
	}
	m := container.Meta{Time: w.opt.serial(), Hash: true, Attributes: container.Attributes{
		container.AttrType: typeOwn, container.AttrVersion: ownVersion, attrBytes: n,
	}}
	if e != plain {
		m.Attributes[attrEncoding] = string(e)
	}
	if n >= mappedMin {
		m.Align = container.AlignMapped
	}
	body := func(out io.Writer) error { return w.enc.encode(e, out, n, write) }
	if w.list == nil {
		return w.w.add(ownPath(section, name), m, body)
	}
	m.Attributes[attrSealed] = true
	return w.sealed(section, name, ownPath(section, name), m, e, n, body)
}

// sealed writes what body writes as a blob, whose length has to be known
// before: an encoded stream is held in memory.
func (w *ownWriter) sealed(kind, name, path string, m container.Meta, e encoding, n int64, body func(io.Writer) error) error {
	if e != plain {
		var b bytes.Buffer
		if err := body(&b); err != nil {
			return err
		}
		n, body = int64(b.Len()), func(out io.Writer) error {
			_, err := out.Write(b.Bytes())
			return err
		}
	}
	head, env, err := crypt.NewBlob(kind, name, n, w.opt.Seal, crypt.Options{})
	if err != nil {
		return err
	}
	if err := w.list.Add(kind, name, env); err != nil {
		return err
	}
	return w.w.add(path, m, func(out io.Writer) error {
		if _, err := out.Write(head); err != nil {
			return err
		}
		sealer := env.Writer(out)
		if err := body(sealer); err != nil {
			return err
		}
		return sealer.Close()
	})
}

// end writes the list of the sealed streams, if there are any.
func (w *ownWriter) end() error {
	if w.list == nil {
		return nil
	}
	b, err := crypt.SealList(w.list, sealedList, w.opt.Seal, crypt.Options{})
	if err != nil {
		return fmt.Errorf("seal the list of streams: %w", err)
	}
	m := container.Meta{Time: w.opt.serial(), Hash: true, Attributes: container.Attributes{container.AttrType: typeOwn, container.AttrVersion: ownVersion}}
	return w.w.add(sealedList, m, func(out io.Writer) error {
		_, err := out.Write(b)
		return err
	})
}

// A fresh container, and one that is changed in place.
type (
	freshFile struct{ *container.Writer }
	sameFile  struct{ *container.Update }
)

func (f freshFile) add(path string, m container.Meta, write func(io.Writer) error) error {
	return f.Add(path, m, write)
}

func (f sameFile) add(path string, m container.Meta, write func(io.Writer) error) error {
	return f.Put(path, m, write)
}
