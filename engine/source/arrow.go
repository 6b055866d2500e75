package source

import (
	"context"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/arrowio"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An arrowReader reads Parquet and Arrow IPC files.
type arrowReader struct{ *arrowio.Reader }

func openArrow(path string, s Spec, loc *number.Locale) (Reader, error) {
	r, err := arrowio.Open(path, arrowio.ReadOptions{
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
	return arrowReader{r}, nil
}

// Next implements [Reader].
func (r arrowReader) Next(ctx context.Context) (*Batch, error) {
	columns, size, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	return &Batch{Rows: columns[0].N, Columns: columns, Bytes: size}, nil
}
