package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/arrowio"
	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/dual"
	"github.com/cognate-bi/cognate/storage/safefile"
)

// Formats of files.
const (
	formatQVD     = "qvd"
	formatCSV     = "csv"
	formatTSV     = "tsv"
	formatJSONL   = "jsonl"
	formatParquet = "parquet"
	formatArrow   = "arrow"
)

// formatOfName returns the format that a file's name tells, "" if none.
func formatOfName(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".qvd":
		return formatQVD
	case ".csv", ".txt":
		return formatCSV
	case ".tsv", ".tab":
		return formatTSV
	case ".jsonl", ".ndjson", ".json":
		return formatJSONL
	case ".parquet":
		return formatParquet
	case ".arrow", ".feather", ".ipc":
		return formatArrow
	}
	return ""
}

// qvdConvertCmd converts a file.
type qvdConvertCmd struct {
	sealFlags
	In   string `arg:"" help:"File to read."`
	Out  string `arg:"" help:"File to write. What it held is replaced once the new file is whole."`
	From string `help:"Format of IN: qvd, csv, tsv, jsonl, parquet or arrow. Default: by its name." enum:",qvd,csv,tsv,jsonl,parquet,arrow" default:""`
	To   string `help:"Format of OUT, as for --from. Default: by its name." enum:",qvd,csv,tsv,jsonl,parquet,arrow" default:""`

	Table       string   `help:"Name of the table in a QVD. Default: that of IN, or the name of OUT."`
	Fields      []string `help:"Fields to convert, in this order; the default is all." placeholder:"FIELD"`
	Delimiter   string   `help:"Delimiter of the text file IN, \\t for a tab. Default: found out." placeholder:"CHARACTER"`
	Charset     string   `help:"Character set of the text file IN. Default: found out."`
	Null        *string  `help:"Text in the text file IN that means NULL; --null= for empty cells. Default: none, empty cells are empty texts." placeholder:"TEXT"`
	Compression string   `help:"Compression of Parquet: snappy, gzip, zstd, brotli or none." enum:"snappy,gzip,zstd,brotli,none" default:"snappy"`

	Seal           *bool `help:"Seal a QVD; the default where --seal-for or COGNATE_SEAL_FOR names a certificate." negatable:""`
	LineageInClear bool  `help:"Keep lineage and comments in the header of a sealed QVD, where all can read them."`
}

// Help is shown with the flags.
func (c *qvdConvertCmd) Help() string {
	return `From QVD, the rows stream: memory is that of the distinct values. A QVD is written
when its whole table is there, as its symbols stand in front of the rows; so is
Parquet or Arrow that does not come from QVD, as all values decide the types of
the columns.

Numbers keep their formats: dates are date texts in CSV and JSON Lines, and
dates and timestamps in Parquet and Arrow. Without --seal or --seal-for, what
comes from a sealed QVD is in clear.

Examples:
  cognate qvd convert sales.csv sales.qvd
  cognate qvd convert sales.qvd sales.parquet --fields Region,Amount
  cognate qvd convert sales.qvd sealed.qvd --keys ./keys --seal-for 3f2a…`
}

// Run converts the file and says so.
func (c *qvdConvertCmd) Run(ctx context.Context, log *slog.Logger) error {
	conv, err := c.plan(log)
	if err != nil {
		return err
	}
	stat, err := os.Stat(c.In)
	if err != nil {
		return err
	}
	conv.meter = newMeter(os.Stderr, c.In, stat.Size())
	err = conv.run(ctx)
	conv.meter.stop()
	if err != nil {
		return explain(c.In, err, &c.keyFlags)
	}
	return c.report(conv.meter)
}

func (c *qvdConvertCmd) report(m *meter) error {
	stat, err := os.Stat(c.Out)
	if err != nil {
		return err
	}
	took := time.Since(m.start)
	rows := m.rows.Load()
	_, err = fmt.Fprintf(os.Stderr, "%s: %s, %s, in %.1f s\n", c.Out, plural(rows, "row"), byteCount(stat.Size()), took.Seconds())
	return err
}

// A conversion is what is to be done.
type conversion struct {
	*qvdConvertCmd
	from, to   string
	keys       crypt.Keys
	recipients []*crypt.Recipient
	loc        *number.Locale
	meter      *meter
}

// plan finds out formats and keys.
func (c *qvdConvertCmd) plan(log *slog.Logger) (*conversion, error) {
	conv := &conversion{qvdConvertCmd: c, from: c.From, to: c.To, loc: number.Default()}
	if conv.from == "" {
		conv.from = formatOfName(c.In) // "" = by its content
	}
	if conv.to == "" {
		conv.to = formatOfName(c.Out)
	}
	if conv.to == "" {
		return nil, fmt.Errorf("%s: the name tells no format; say --to qvd, csv, tsv, jsonl, parquet or arrow", c.Out)
	}
	return conv, conv.planKeys(log)
}

func (c *conversion) planKeys(log *slog.Logger) (err error) {
	seal := len(c.SealFor) > 0
	if c.Seal != nil {
		seal = *c.Seal
	}
	switch {
	case !seal:
		c.keys, err = c.open(log)
		return err
	case c.to != formatQVD && (c.Seal != nil || os.Getenv("COGNATE_SEAL_FOR") == ""):
		return fmt.Errorf("%s files cannot be sealed, only QVD files can", c.to)
	case len(c.SealFor) == 0:
		return errors.New("no certificate to seal for: name it by --seal-for THUMBPRINT or in COGNATE_SEAL_FOR")
	}
	ring, err := c.ring(c.SealFor, c.AllowExpired, log)
	if err != nil {
		return err
	}
	c.keys = ring
	if c.to == formatQVD {
		c.recipients = ring.Recipients()
	}
	return nil
}

// run writes the file.
func (c *conversion) run(ctx context.Context) error {
	if c.from == formatQVD {
		return c.fromQVD(ctx)
	}
	r, err := source.Open(ctx, c.In, c.spec(), c.loc)
	if err != nil {
		return err
	}
	defer r.Close()
	if r, err = pickFields(r, c.Fields); err != nil {
		return fmt.Errorf("%s: %w", c.In, err)
	}
	if c.isText() {
		return c.writeText(ctx, r)
	}
	t, err := c.load(ctx, r)
	if err != nil {
		return err
	}
	for _, col := range t.Columns {
		findFormat(col.Field, c.loc)
	}
	return c.writeTable(ctx, t, qvd.WriteOptions{})
}

// spec says how the file is read. Text is taken as it is, with its blanks.
func (c *conversion) spec() source.Spec {
	s := source.Spec{
		Delimiter: c.Delimiter, Quotes: source.QuotesMSQ, Charset: c.Charset, NullInterpret: c.Null, NoEOF: true, Verbatim: true, Needed: c.Fields,
	}
	switch c.from {
	case formatCSV:
		s.Format = "txt"
	case formatTSV:
		s.Format = "txt"
		if s.Delimiter == "" {
			s.Delimiter = `\t`
		}
	case formatJSONL:
		s.Format = "json"
	case formatParquet, formatArrow:
		s.Format = c.from
	}
	return s
}

func (c *conversion) isText() bool {
	return c.to == formatCSV || c.to == formatTSV || c.to == formatJSONL
}

// fromQVD converts a QVD.
func (c *conversion) fromQVD(ctx context.Context) error {
	f, err := openRows(ctx, c.In, c.keys)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.table != nil || c.to == formatQVD {
		return c.fromTable(ctx, f)
	}
	r, err := f.rows(ctx, c.Fields, false)
	if err != nil {
		return err
	}
	if c.isText() {
		return c.writeText(ctx, r)
	}
	if f.Header().Rows == 0 {
		return c.fromTable(ctx, f)
	}
	return c.streamArrow(ctx, f.Header(), r)
}

// fromTable converts a QVD whose table is, or comes, into memory.
func (c *conversion) fromTable(ctx context.Context, f *rowsFile) error {
	t, o := f.table, qvd.WriteOptions{}
	if t == nil {
		var err error
		if t, err = c.table(ctx, f.File); err != nil {
			return err
		}
		o = qvd.WriteOptions{CreatorDoc: f.Header().CreatorDoc, Lineage: f.Header().Lineage}
	}
	if c.isText() {
		r, err := newTableRows(t, c.Fields, false)
		if err != nil {
			return err
		}
		return c.writeText(ctx, r)
	}
	c.meter.rows.Store(int64(t.Rows))
	return c.writeTable(ctx, t, o)
}

// table loads a QVD.
func (c *conversion) table(ctx context.Context, f *qvd.File) (*storage.Table, error) {
	var picks []qvd.Pick
	for _, name := range c.Fields {
		picks = append(picks, qvd.Pick{From: name})
	}
	t, err := f.Table(ctx, storage.NewCatalog(c.loc.Text), qvd.Projection{Fields: picks})
	if err == nil {
		c.meter.done.Store(c.meter.total)
	}
	return t, err
}

// load reads all rows into a table.
func (c *conversion) load(ctx context.Context, r source.Reader) (*storage.Table, error) {
	name := filepath.Base(c.Out)
	b := storage.NewCatalog(c.loc.Text).NewBuilder(strings.TrimSuffix(name, filepath.Ext(name)), r.Fields())
	for {
		batch, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return b.Table(), nil
		}
		if err != nil {
			return nil, err
		}
		if err := b.Append(batch.Columns); err != nil {
			return nil, err
		}
		c.count(batch)
	}
}

func (c *conversion) count(b *source.Batch) {
	c.meter.done.Add(b.Bytes)
	c.meter.rows.Add(int64(b.Rows))
}

// output replaces the file by what write writes.
func (c *conversion) output(write func(io.Writer) error) error {
	return safefile.Write(c.Out, func(w io.Writer) error { return write(&countingWriter{w, &c.meter.out}) })
}

// writeTable writes a table as a QVD, Parquet or Arrow file.
func (c *conversion) writeTable(ctx context.Context, t *storage.Table, o qvd.WriteOptions) error {
	return c.output(func(w io.Writer) error {
		arrow := arrowio.WriteOptions{Show: c.loc.Text, Compression: c.Compression}
		switch c.to {
		case formatParquet:
			return arrowio.WriteParquet(ctx, w, t, arrow)
		case formatArrow:
			return arrowio.WriteIPC(ctx, w, t, arrow)
		}
		o.Show, o.Created, o.TableName = c.loc.Text, time.Now(), c.Table
		o.Recipients, o.LineageInClear = c.recipients, c.LineageInClear
		return qvd.Write(ctx, w, t, o)
	})
}

// writeText writes the rows as they come.
func (c *conversion) writeText(ctx context.Context, r source.Reader) error {
	format, err := newTextFormat(c.to, false, r.Fields(), c.loc)
	if err != nil {
		return err
	}
	return c.output(func(w io.Writer) error { return writeRows(ctx, w, r, format, c.count) })
}

// streamArrow writes the rows of a QVD as they come. The symbols of its fields
// are all values that there will be.
func (c *conversion) streamArrow(ctx context.Context, h *qvd.Header, r source.Reader) error {
	batch, err := r.Next(ctx)
	if err != nil {
		return err
	}
	o := arrowio.WriteOptions{Show: c.loc.Text, Compression: c.Compression, Formats: map[string]*dual.Format{}}
	for i := range h.Fields {
		o.Formats[h.Fields[i].Name] = h.Fields[i].NumberFormat.Format()
	}
	layout := arrowio.Parquet
	if c.to == formatArrow {
		layout = arrowio.IPC
	}
	return c.output(func(w io.Writer) error {
		out, err := arrowio.NewBatchWriter(w, layout, r.Fields(), batch.Columns, o)
		if err != nil {
			return err
		}
		for err == nil {
			if err = out.Write(batch.Columns); err == nil {
				c.count(batch)
				batch, err = r.Next(ctx)
			}
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return errors.Join(err, out.Close())
	})
}

// pickFields returns a reader of some fields of another, in the given order;
// nil fields are all.
func pickFields(r source.Reader, fields []string) (source.Reader, error) {
	if fields == nil {
		return r, nil
	}
	p := &picked{Reader: r, fields: fields}
	at := map[string]int{}
	for i, name := range r.Fields() {
		at[name] = i
	}
	for _, name := range fields {
		i, ok := at[name]
		if !ok {
			return nil, fmt.Errorf("no field %q; there are %s", name, oneLine(strings.Join(r.Fields(), ", "), 200))
		}
		p.at = append(p.at, i)
	}
	return p, nil
}

type picked struct {
	source.Reader
	fields []string
	at     []int
}

// Fields implements [source.Reader].
func (p *picked) Fields() []string { return p.fields }

// Next implements [source.Reader].
func (p *picked) Next(ctx context.Context) (*source.Batch, error) {
	b, err := p.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	columns := make([]dual.Vector, len(p.at))
	for i, at := range p.at {
		columns[i] = b.Columns[at]
	}
	b.Columns = columns
	return b, nil
}
