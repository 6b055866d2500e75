package script

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A buffer is the prefix BUFFER: the rows of the load are kept in a QVD file
// that stands in for the source until the statement changes or the file is too
// old. An incremental one reads of a text file what was added to it since.
type buffer struct {
	text        string // of the statement from the prefix on
	incremental bool
	staleAfter  time.Duration // 0 = never
}

// prefixBuffer reads BUFFER [(option {, option})].
func prefixBuffer(sc *scanner, l *load, _ string) error {
	l.prefix.buffer = &buffer{text: sc.src[sc.pos:]}
	if !sc.mark('(') {
		return nil
	}
	for {
		if err := l.prefix.buffer.option(sc); err != nil {
			return err
		}
		if sc.mark(')') {
			return nil
		}
		if !sc.mark(',') {
			return sc.want(", or ) of BUFFER")
		}
	}
}

// option reads INCREMENTAL or STALE [AFTER] n [DAYS|HOURS].
func (b *buffer) option(sc *scanner) error {
	switch {
	case sc.accept("INCREMENTAL"):
		b.incremental = true
		return nil
	case sc.accept("STALE"):
		sc.accept("AFTER")
		n, err := strconv.ParseFloat(sc.word(), 64)
		if err != nil || !(n > 0 && n < 1e6) {
			return sc.want("a number of days or hours")
		}
		sc.pos += len(sc.word())
		unit := 24 * time.Hour
		if sc.acceptAny("HOURS", "HOUR") != "" {
			unit = time.Hour
		} else {
			sc.acceptAny("DAYS", "DAY")
		}
		b.staleAfter = time.Duration(n * float64(unit))
		return nil
	}
	return sc.want("INCREMENTAL or STALE AFTER")
}

// bufferName returns the name of the file that keeps the rows of the load
// statement text in an app.
func bufferName(appID, text string) string {
	return fmt.Sprintf("%s_%x.qvd", appID, sha256.Sum256([]byte(text)))
}

// loadBuffered runs a load from its buffer, which is made or completed before
// if that is needed.
func (r *runner) loadBuffered(l, bottom *load, label string) error {
	text := r.file.full + "\n" + l.prefix.buffer.text
	for x := l.below; x != nil; x = x.below {
		text += "\n" + x.stmt.text
	}
	path := filepath.Join(r.opt.BufferDir, bufferName(r.opt.AppID, text))
	r.buffers = append(r.buffers, filepath.Base(path))
	if err := r.fillBuffer(l, bottom, path); err != nil {
		return err
	}
	from := *l
	from.below, from.where, from.while, from.groupBy, from.orderBy = nil, nil, nil, nil, nil
	from.fields = []loadField{{star: true}}
	from.source = loadSource{kind: fromFile, spec: fileSpec{source.Spec{Format: "qvd"}}}
	from.prefix.buffer, from.prefix.transforms, from.prefix.first, from.prefix.sample = nil, nil, nil, nil
	file := r.file
	r.file = fileInfo{filepath.Base(path), path}
	defer func() { r.file = file }()
	return r.loadOne(&from, &from)
}

// fillBuffer brings a buffer up to date.
func (r *runner) fillBuffer(l, bottom *load, path string) error {
	b := l.prefix.buffer
	if b.incremental && (bottom.source.kind != fromFile || !source.IsText(r.file.full, bottom.source.spec.Spec)) {
		return errors.New("BUFFER (INCREMENTAL) needs a text file")
	}
	old, err := r.openBuffer(path, b)
	if err != nil {
		return err
	}
	if old != nil {
		defer func() { _ = old.Close() }() // only read from
	}
	size := int64(-1)
	if b.incremental {
		if size, err = fileSize(r.file.full); err != nil {
			return err
		}
	}
	if old != nil && (!b.incremental || sourceSize(old.Header()) == size) {
		return nil
	}
	scratch := storage.NewCatalog(r.show)
	t, err := r.addedTo(old, l, bottom, size, scratch)
	if err == nil && t == nil {
		t, err = r.readLoad(l, bottom, scratch, nil)
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.opt.BufferDir, 0o700); err != nil {
		return errorWithoutPath(err)
	}
	o := qvd.WriteOptions{Show: r.show, Created: r.opt.Now(), CreatorDoc: r.opt.AppID, TableName: t.Name, SourceFileSize: size, Recipients: r.opt.SealFor}
	if err := qvd.WriteFile(r.ctx, path, t, o); err != nil {
		return fmt.Errorf("write buffer: %w", errorWithoutPath(err))
	}
	return nil
}

// openBuffer opens a buffer, nil if there is none that can be used.
func (r *runner) openBuffer(path string, b *buffer) (*qvd.File, error) {
	f, err := r.openQVD(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("buffer: %w", err)
	}
	made, err := time.Parse(time.DateTime, f.Header().CreateUTCTime)
	if err == nil && (b.staleAfter == 0 || r.opt.Now().UTC().Sub(made) < b.staleAfter) {
		return f, nil
	}
	return nil, f.Close()
}

// readLoad runs a load into a catalog of its own. in is what it reads, nil for
// its source.
func (r *runner) readLoad(l, bottom *load, c *storage.Catalog, in reader) (*storage.Table, error) {
	if in == nil {
		var err error
		if in, err = r.open(bottom, false); err != nil {
			return nil, err
		}
	}
	defer func() { _ = in.Close() }() // what was read is what counts
	out, err := (&pipeline{r: r}).all(l, in)
	if err != nil {
		return nil, err
	}
	return source.ReadAll(r.ctx, c, "Buffer", out)
}

// addedTo returns the rows of an old buffer and those that were added to the
// text file since; nil if the file did not just grow.
func (r *runner) addedTo(old *qvd.File, l, bottom *load, size int64, c *storage.Catalog) (*storage.Table, error) {
	if old == nil || !l.prefix.buffer.incremental {
		return nil, nil
	}
	seen := sourceSize(old.Header())
	if seen <= 0 || seen > size || size > math.MaxInt {
		return nil, nil
	}
	if ok, err := endsLine(r.file.full, seen); !ok || err != nil {
		return nil, err
	}
	in, err := r.openAdded(bottom, seen)
	if err != nil {
		return nil, err
	}
	t, err := old.Table(r.ctx, c, qvd.Projection{Name: "Buffer"})
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	added, err := r.readLoad(l, bottom, c, in)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(t.FieldNames(), added.FieldNames()) {
		return nil, nil
	}
	b := c.NewBuilder("Buffer", t.FieldNames())
	for _, part := range []*storage.Table{t, added} {
		if err := b.AppendTable(part); err != nil {
			return nil, err
		}
	}
	return b.Table(), nil
}

// openAdded opens a text file behind the bytes that were read before, with the
// names that its first line has.
func (r *runner) openAdded(bottom *load, seen int64) (reader, error) {
	whole, err := r.open(bottom, false)
	if err != nil {
		return nil, err
	}
	names := whole.Fields()
	if err := whole.Close(); err != nil {
		return nil, err
	}
	rest := *bottom
	rest.fields = []loadField{{star: true}} // no field is known by name
	rest.source.spec.Labels = source.LabelsNone
	rest.source.spec.HeaderBytes, rest.source.spec.HeaderLines = int(seen), 0
	in, err := r.open(&rest, false)
	if err != nil {
		return nil, err
	}
	return &namedColumns{reader: in, names: names}, nil
}

// namedColumns gives other names to the columns of a reader; missing ones are
// NULL.
type namedColumns struct {
	reader
	names []string
}

// Fields implements [source.Reader].
func (n *namedColumns) Fields() []string { return n.names }

// Next implements [source.Reader].
func (n *namedColumns) Next(ctx context.Context) (*source.Batch, error) {
	b, err := n.reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	columns := append([]dual.Vector(nil), b.Columns[:min(len(b.Columns), len(n.names))]...)
	for len(columns) < len(n.names) {
		columns = append(columns, nullVector(b.Rows))
	}
	return &source.Batch{Rows: b.Rows, Bytes: b.Bytes, Columns: columns}, nil
}

// sourceSize returns the size of the file that a buffer stands in for, as it
// was then; -1 if the buffer does not tell.
func sourceSize(h *qvd.Header) int64 {
	n, err := strconv.ParseInt(h.SourceFileSize, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, errorWithoutPath(err)
	}
	return info.Size(), nil
}

// endsLine reports whether a line of an ordinary text ends at a byte of the
// file: behind it, the file can be read as if it began there.
func endsLine(path string, at int64) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, errorWithoutPath(err)
	}
	defer f.Close()
	var head [2]byte
	var last [1]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return false, nil
	}
	if _, err := f.ReadAt(last[:], at-1); err != nil {
		return false, nil
	}
	wide := strings.Contains("\xff\xfe\xff", string(head[:])) // UTF-16
	packed := string(head[:]) == "\x1f\x8b" || string(head[:]) == "\x28\xb5"
	return last[0] == '\n' && !wide && !packed, nil
}
