package source

import (
	"context"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/arrowio"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An arrowReader reads Parquet and Arrow IPC files.
//
// A goroutine reads batches ahead, so that all processors have something to do
// while those that use a batch wait for its slowest column.
type arrowReader struct {
	file    *arrowio.Reader
	batches chan *Batch // closed at the end or after an error
	err     error       // why it was closed, once it is
	cancel  context.CancelFunc
	done    chan struct{} // closed when the goroutine is gone
}

// arrowAhead is the number of batches that wait to be used.
const arrowAhead = 1

func openArrow(ctx context.Context, path string, s Spec, loc *number.Locale) (Reader, error) {
	file, err := arrowio.Open(path, arrowio.ReadOptions{
		Formats: arrowio.Formats{
			Date:      &dual.Format{Type: dual.Date, Pattern: loc.DateFormat},
			Time:      &dual.Format{Type: dual.Time, Pattern: loc.TimeFormat},
			Timestamp: &dual.Format{Type: dual.Timestamp, Pattern: loc.TimestampFormat},
			Interval:  &dual.Format{Type: dual.Interval, Pattern: "D " + loc.TimeFormat},
		},
		Needed:  s.needs,
		Workers: s.Workers,
	})
	if err != nil {
		return nil, err
	}
	r := &arrowReader{file: file, batches: make(chan *Batch, arrowAhead), done: make(chan struct{})}
	ctx, r.cancel = context.WithCancel(ctx)
	go r.readAhead(ctx)
	return r, nil
}

func (r *arrowReader) readAhead(ctx context.Context) {
	defer close(r.done)
	defer close(r.batches)
	for {
		b, err := r.read(ctx)
		if err != nil {
			r.err = err
			return
		}
		select {
		case r.batches <- b:
		case <-ctx.Done():
			r.err = ctx.Err()
			return
		}
	}
}

func (r *arrowReader) read(ctx context.Context) (b *Batch, err error) {
	defer recovered(&err)
	columns, size, err := r.file.Next(ctx)
	if err != nil {
		return nil, err
	}
	return &Batch{Rows: columns[0].N, Columns: columns, Bytes: size, Total: r.file.Size(), Free: func() { r.file.Free(columns) }}, nil
}

// Fields implements [Reader].
func (r *arrowReader) Fields() []string { return r.file.Fields() }

// Next implements [Reader].
func (r *arrowReader) Next(ctx context.Context) (*Batch, error) {
	select {
	case b, ok := <-r.batches:
		if !ok {
			return nil, r.err
		}
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close implements [Reader].
func (r *arrowReader) Close() error {
	r.cancel()
	<-r.done
	return r.file.Close()
}
