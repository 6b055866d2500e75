package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A fixedReader reads records of fixed columns. The fields are those that the
// load names: @first:last, bytes of the record counted from 1, where last may
// be n, the end of the record.
type fixedReader struct {
	stream  *stream
	text    *bufio.Reader
	spec    Spec
	names   []string
	columns []fixedColumn
	in      *interner
	record  []byte
}

// A fixedColumn is bytes lo to hi (exclusive) of a record.
type fixedColumn struct{ lo, hi int }

// toEnd is the hi of a column that goes to the end of the record.
const toEnd = recordMax

func openFixed(path string, s Spec, loc *number.Locale) (Reader, error) {
	columns, err := fixedColumns(s.Needed)
	if err != nil {
		return nil, err
	}
	in, err := openStream(path)
	if err != nil {
		return nil, err
	}
	text, _, err := textStart(in, &s)
	if err != nil {
		in.Close()
		return nil, err
	}
	return &fixedReader{
		stream: in, text: text, spec: s, names: s.Needed, columns: columns,
		in: newInterner(reading{loc, s.NullInterpret, s.Verbatim}),
	}, nil
}

func fixedColumns(names []string) ([]fixedColumn, error) {
	if len(names) == 0 {
		return nil, errors.New("fixed records: name the fields as @first:last")
	}
	columns := make([]fixedColumn, len(names))
	for i, name := range names {
		first, last, ok := strings.Cut(strings.TrimPrefix(name, "@"), ":")
		lo, err := strconv.Atoi(first)
		hi := toEnd
		if err == nil && !strings.EqualFold(last, "n") {
			hi, err = strconv.Atoi(last)
		}
		if !ok || err != nil || name[0] != '@' || lo < 1 || hi < lo || hi > toEnd {
			return nil, fmt.Errorf("fixed records: field %q is not of the form @first:last", name)
		}
		columns[i] = fixedColumn{lo - 1, hi}
	}
	return columns, nil
}

// Fields implements [Reader].
func (r *fixedReader) Fields() []string { return r.names }

// Next implements [Reader].
func (r *fixedReader) Next(ctx context.Context) (*Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	cells := make([][]span, len(r.columns))
	rows := 0
	for rows < min(rowsMax, cellsMax/len(cells)) && text.Len() < chunkBytes {
		record, err := r.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		base := text.Len()
		text.Write(record)
		for i, c := range r.columns {
			lo, hi := min(c.lo, len(record)), min(c.hi, len(record))
			if !r.spec.Verbatim {
				hi -= len(record[lo:hi]) - len(bytes.TrimRight(record[lo:hi], " "))
				lo += len(record[lo:hi]) - len(bytes.TrimLeft(record[lo:hi], " "))
			}
			cells[i] = append(cells[i], span{uint32(base + lo), uint32(hi - lo)})
		}
		rows++
	}
	if rows == 0 {
		return nil, io.EOF
	}
	all := text.String()
	b := &Batch{Rows: rows, Columns: make([]dual.Vector, len(cells)), Bytes: r.stream.taken()}
	for i := range cells {
		b.Columns[i] = r.in.column(all, cells[i])
	}
	return b, nil
}

// next returns the next record: RecordLen bytes or a line that is not empty.
// It is good until the next call.
func (r *fixedReader) next() ([]byte, error) {
	if n := r.spec.RecordLen; n > 0 {
		if cap(r.record) < n {
			r.record = make([]byte, n)
		}
		got, err := io.ReadFull(r.text, r.record[:n])
		if err == io.ErrUnexpectedEOF {
			err = nil
		}
		return repair(r.record[:got]), err
	}
	for {
		r.record = r.record[:0]
		for {
			part, err := r.text.ReadSlice('\n')
			r.record = append(r.record, part...)
			if err == nil || err == io.EOF && len(r.record) > 0 {
				break
			}
			if err != bufio.ErrBufferFull {
				return nil, err
			}
			if len(r.record) > recordMax {
				return nil, fmt.Errorf("record of more than %d bytes: %w", recordMax, ErrFormat)
			}
		}
		line := bytes.TrimRight(r.record, "\r\n")
		if len(line) == 0 || r.spec.Comment != "" && bytes.HasPrefix(line, []byte(r.spec.Comment)) {
			continue
		}
		return repair(expandTabs(line, r.spec.TabWidth)), nil
	}
}

// expandTabs puts blanks for tabs up to the next multiple of width; 0 leaves
// them.
func expandTabs(line []byte, width int) []byte {
	if width == 0 || bytes.IndexByte(line, '\t') < 0 {
		return line
	}
	out := make([]byte, 0, len(line)+8*width)
	for _, c := range line {
		if c != '\t' {
			out = append(out, c)
			continue
		}
		for n := width - len(out)%width; n > 0; n-- {
			out = append(out, ' ')
		}
	}
	return out
}

// Close implements [Reader].
func (r *fixedReader) Close() error { return r.stream.Close() }
