package source

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// sniffBytes is how much of a text is looked at to find out its character set
// and delimiter.
const sniffBytes = 1 << 18

// inlineMax bounds INLINE data: places in it are 31 bits.
const inlineMax = 1 << 30

// A textReader reads delimited text.
//
//	stream -> decode -> chunker -> workers: split, intern -> Next
//
// One goroutine cuts the text into chunks and puts, for each, a promise of its
// batches into pending and the chunk into jobs. Workers keep the promises;
// Next takes them in order. The capacities of the channels bound what is read
// ahead.
type textReader struct {
	fields []string
	ready  []*Batch // batches of the last kept promise

	pending chan *promise
	group   *errgroup.Group
	cancel  context.CancelFunc
	stopped <-chan struct{} // closed by cancel and by the end of Open's context
	stream  io.Closer       // nil for INLINE
	size    int64           // of the file
}

// A promise is a chunk and, once done is closed, its batches.
type promise struct {
	text  string
	chunk []byte // that text is; nil for the first one
	bytes int64
	done  chan struct{}
	out   []*Batch
}

// A textParser turns chunks into batches.
type textParser struct {
	dialect *dialect
	reading
	fields []string
	needed []bool
	dense  []bool         // whole numbers may come as they are
	spare  chan []byte    // chunks that nothing refers to any more
	slabs  chan []float64 // numbers of batches that nobody uses any more
}

func openText(ctx context.Context, path string, s Spec, loc *number.Locale) (Reader, error) {
	in, err := openStream(path)
	if err != nil {
		return nil, err
	}
	if s.Quotes == QuotesDefault {
		s.Quotes = QuotesStandard
		if s.Format == "" {
			s.Quotes = QuotesMSQ
		}
	}
	r, err := newTextReader(ctx, in, s, loc)
	if err != nil {
		in.Close()
		return nil, err
	}
	return r, nil
}

func newTextReader(ctx context.Context, in *stream, s Spec, loc *number.Locale) (*textReader, error) {
	text, line, err := textStart(in, &s)
	if err != nil {
		return nil, err
	}
	sample, err := text.Peek(sniffBytes)
	if err != nil && err != io.EOF {
		return nil, err
	}
	d, err := dialectOf(sample, &s)
	if err != nil {
		return nil, err
	}
	spare := make(chan []byte, sparesMax)
	chunks := &chunker{r: text, d: d, noEOF: s.NoEOF, line: line, size: chunkBytes, spare: spare}
	first, err := chunks.first()
	if err != nil && err != io.EOF {
		return nil, err
	}
	p, rest, err := newTextParser(d, stringOf(first), &s, loc)
	if err != nil {
		return nil, err
	}
	p.spare, p.slabs = spare, make(chan []float64, sparesMax)
	r := &textReader{fields: p.fields, stream: in, size: in.size}
	if chunks.done && len(chunks.rest) == 0 {
		// All of it is here: goroutines would cost more than they gain.
		r.ready = p.worker().batches(rest)
		share(r.ready, in.taken())
		return r, nil
	}
	r.start(ctx, p, chunks, rest, in, s.Workers)
	return r, nil
}

// Inline reads the data of LOAD ... INLINE: what stands between the brackets.
//
// Empty lines are ignored everywhere. The first line has the names. Texts and
// names are trimmed, quotes removed where they are the first and the last
// character of a cell, a surplus delimiter at the end of the names makes no
// field.
func Inline(text string, s Spec, loc *number.Locale) (Reader, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("inline: %w", err)
	}
	if len(text) > inlineMax {
		return nil, fmt.Errorf("inline: more than %d bytes", inlineMax)
	}
	if s.Quotes == QuotesDefault {
		s.Quotes = QuotesStandard
	}
	if s.Delimiter == "" {
		s.Delimiter = ","
	}
	for range s.HeaderLines {
		_, text, _ = strings.Cut(text, "\n")
	}
	d, err := dialectOf([]byte(text), &s)
	if err != nil {
		return nil, fmt.Errorf("inline: %w", err)
	}
	d.tabs = true
	p, rest, err := newTextParser(d, text, &s, loc)
	if err != nil {
		return nil, fmt.Errorf("inline: %w", err)
	}
	r := &textReader{fields: p.fields, ready: p.worker().batches(rest)}
	share(r.ready, int64(len(text)))
	return r, nil
}

// textStart returns the text of a file as UTF-8, from behind its header, and
// the number of the line it is at.
func textStart(in io.Reader, s *Spec) (text *bufio.Reader, line int, err error) {
	raw := bufio.NewReaderSize(in, sniffBytes)
	if _, err := raw.Discard(s.HeaderBytes); err != nil && err != io.EOF {
		return nil, 0, err
	}
	if text, err = decode(raw, s.Charset); err != nil {
		return nil, 0, err
	}
	for line = 1; line <= s.HeaderLines; line++ {
		for {
			_, err := text.ReadSlice('\n')
			if err == nil || err == io.EOF {
				break
			}
			if err != bufio.ErrBufferFull {
				return nil, 0, err
			}
		}
	}
	return text, line, nil
}

// dialectOf completes what the specification leaves open from the first bytes
// of the text.
func dialectOf(sample []byte, s *Spec) (*dialect, error) {
	newline := byte('\n')
	if bytes.IndexByte(sample, '\n') < 0 && bytes.IndexByte(sample, '\r') >= 0 {
		newline = '\r'
	}
	delimiter := s.Delimiter
	if delimiter == "" {
		delimiter = detectDelimiter(sample, newline)
	}
	delimiter, err := delimiterOf(delimiter)
	if err != nil {
		return nil, err
	}
	return newDialect(s, delimiter, newline)
}

// newTextParser reads the names of the fields and returns the text behind
// them.
func newTextParser(d *dialect, text string, s *Spec, loc *number.Locale) (p *textParser, rest string, err error) {
	p = &textParser{dialect: d, reading: reading{loc, s.NullInterpret, s.Verbatim}}
	if s.Labels == LabelsNone {
		width, err := d.width(text)
		if err != nil {
			return nil, "", err
		}
		p.fields, rest = fieldNames(make([]string, width)), text
	} else {
		cells, next, err := d.record(text, 0)
		if err != nil {
			return nil, "", err
		}
		labels := make([]string, len(cells))
		for i, c := range cells {
			labels[i] = strings.TrimSpace(c.text(text))
		}
		p.fields, rest = fieldNames(trimLabels(labels)), text[next:]
	}
	p.needed, p.dense = make([]bool, len(p.fields)), make([]bool, len(p.fields))
	dense := s.Dense
	if s.NullInterpret != nil { // unless NULL is such a number
		_, number := longWhole(*s.NullInterpret, span{0, uint32(min(len(*s.NullInterpret), 1<<20))})
		dense = dense && !number
	}
	for i, f := range p.fields {
		p.needed[i] = s.needs(f)
		p.dense[i] = dense && !slices.Contains(s.Coded, f)
	}
	return p, rest, nil
}

// width returns the largest number of cells of the first records.
func (d *dialect) width(text string) (int, error) {
	const records = 100
	width := 0
	for range records {
		cells, next, err := d.record(text, 0)
		if err != nil {
			return 0, err
		}
		if n := len(cells); n > 1 && cells[n-1].n == 0 {
			cells = cells[:n-1] // a surplus delimiter
		}
		width = max(width, len(cells))
		text = text[next:]
	}
	return width, nil
}

// trimLabels cuts off the empty label behind a surplus delimiter.
func trimLabels(labels []string) []string {
	if n := len(labels); n > 1 && labels[n-1] == "" {
		return labels[:n-1]
	}
	return labels
}

// fieldNames makes labels usable as names: an empty one is @ and its number, a
// repeated one gets a number behind it.
func fieldNames(labels []string) []string {
	names := make([]string, len(labels))
	used := make(map[string]bool, len(labels))
	for _, l := range labels {
		used[l] = true
	}
	seen := make(map[string]bool, len(labels))
	for i, name := range labels {
		if name == "" {
			name = fmt.Sprintf("@%d", i+1)
		}
		base := name
		for n := 1; seen[name]; n++ {
			if next := fmt.Sprintf("%s%d", base, n); !used[next] {
				name = next
			}
		}
		seen[name] = true
		names[i] = name
	}
	return names
}

// sparesMax bounds the memory that is kept for the next chunks and batches.
const sparesMax = 8

// A textWorker parses chunks one after the other, with memory that it keeps.
type textWorker struct {
	*textParser
	in    *interner
	split splitter
	g     grid
}

func (p *textParser) worker() *textWorker {
	return &textWorker{
		textParser: p, in: newInterner(p.reading), split: splitter{dialect: p.dialect}, g: grid{columns: make([][]span, len(p.fields))},
	}
}

// batches parses a chunk. Afterwards in.shares says whether they refer to it.
func (p *textWorker) batches(text string) []*Batch {
	limit := rowsMax
	if n := len(p.fields); n > cellsMax/rowsMax {
		limit = cellsMax / n
	}
	p.in.shares = false
	p.split.start(text)
	var out []*Batch
	for pos := 0; pos < len(text) && len(p.fields) > 0; {
		pos = p.split.split(pos, limit, &p.g)
		if p.g.rows == 0 {
			break
		}
		out = append(out, p.batch(text))
	}
	return out
}

// batch makes columns of the cells of the grid.
func (p *textWorker) batch(text string) *Batch {
	n := p.g.rows
	b := &Batch{Rows: n, Columns: make([]dual.Vector, len(p.fields))}
	var slab, room []float64 // of all columns of numbers together
	for i, cells := range p.g.columns {
		cells = cells[:n]
		if !p.needed[i] {
			b.Columns[i] = dual.Constant(dual.Value{}, n)
			continue
		}
		if p.dense[i] {
			if len(room) < n {
				slab = p.slab(n)
				room = slab
			}
			if wholeNumbers(room, text, cells) == n {
				b.Columns[i] = dual.Texts(room[:n:n])
				room = room[n:]
				continue
			}
		}
		b.Columns[i] = p.in.column(text, cells)
	}
	if slab != nil {
		b.Free = func() { give(p.slabs, slab) }
	}
	return b
}

// slab returns room for a column of numbers of each field.
func (p *textWorker) slab(rows int) []float64 {
	want := rows * len(p.fields)
	select {
	case s := <-p.slabs:
		if cap(s) >= want {
			return s[:want]
		}
	default:
	}
	return make([]float64, want, want+want/16)
}

// give keeps something for later use, unless there is enough of it.
func give[T any](spares chan<- T, x T) {
	select {
	case spares <- x:
	default:
	}
}

// share says that the batches consumed n bytes together.
func share(batches []*Batch, n int64) {
	if len(batches) > 0 {
		batches[len(batches)-1].Bytes = n
	}
}

// start runs the goroutines that read ahead.
func (r *textReader) start(ctx context.Context, p *textParser, chunks *chunker, first string, in *stream, workers int) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, r.cancel = context.WithCancel(ctx)
	r.stopped = ctx.Done()
	r.group, ctx = errgroup.WithContext(ctx)
	jobs := make(chan *promise)
	r.pending = make(chan *promise, workers+1)
	r.group.Go(func() error {
		defer close(jobs)
		defer close(r.pending)
		text, chunk := first, []byte(nil)
		for {
			job := &promise{text: text, chunk: chunk, bytes: in.taken(), done: make(chan struct{})}
			select {
			case r.pending <- job:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case jobs <- job:
			case <-ctx.Done():
				return ctx.Err()
			}
			var err error
			if chunk, err = chunks.next(); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			text = stringOf(chunk)
		}
	})
	for range workers {
		r.group.Go(func() error {
			worker := p.worker()
			for job := range jobs {
				job.out = worker.batches(job.text)
				job.text, worker.split.s = "", ""
				if job.chunk != nil && !worker.in.shares {
					give(p.spare, job.chunk)
				}
				job.chunk = nil
				close(job.done)
			}
			return nil
		})
	}
}

// Fields implements [Reader].
func (r *textReader) Fields() []string { return r.fields }

// Next implements [Reader].
func (r *textReader) Next(ctx context.Context) (*Batch, error) {
	for len(r.ready) == 0 {
		if err := r.advance(ctx); err != nil {
			return nil, err
		}
	}
	b := r.ready[0]
	r.ready = r.ready[1:]
	b.Total = r.size
	return b, nil
}

// advance waits for the next promise.
func (r *textReader) advance(ctx context.Context) error {
	if r.pending == nil {
		return io.EOF
	}
	var job *promise
	select {
	case job = <-r.pending:
	case <-ctx.Done():
		return ctx.Err()
	}
	if job == nil { // the end, or an error of the goroutine that reads
		if err := r.group.Wait(); err != nil {
			return err
		}
		return io.EOF
	}
	select {
	case <-job.done:
	case <-r.stopped: // no worker may have got the chunk
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
	share(job.out, job.bytes)
	r.ready = job.out
	return nil
}

// Close implements [Reader].
func (r *textReader) Close() error {
	if r.group != nil {
		r.cancel()
		_ = r.group.Wait() // its error is Next's, or that it was cancelled
	}
	if r.stream != nil {
		return r.stream.Close()
	}
	return nil
}
