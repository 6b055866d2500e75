package qvd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/crypt"
)

// OpenOptions say how a file is opened. The zero value opens what is not
// encrypted.
type OpenOptions struct {
	// Keys opens encrypted files. Without it, what an encrypted file holds
	// cannot be read, but its header can.
	Keys crypt.Keys
	// Workers bounds the goroutines of one operation; 0 = all processors.
	Workers int
}

// A File is an open QVD. Opening reads and checks the header only. Any number
// of goroutines may use it.
type File struct {
	name    string
	header  *Header
	body    io.ReaderAt
	bodyLen int64
	workers int
	closer  io.Closer
	locked  *FormatError // why the body cannot be read; nil if it can
}

// Open opens the file path. Errors of its content are a *FormatError.
func Open(path string, o OpenOptions) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	var f *File
	if err == nil {
		f, err = NewFile(filepath.Base(path), file, info.Size(), o)
	}
	if err != nil {
		_ = file.Close() // the first error is the one to tell
		return nil, err
	}
	f.closer = file
	return f, nil
}

// NewFile opens the QVD that r holds in its first size bytes. name stands in
// errors.
func NewFile(name string, r io.ReaderAt, size int64, o OpenOptions) (*File, error) {
	f := &File{name: name, workers: o.Workers}
	if f.workers <= 0 {
		f.workers = runtime.GOMAXPROCS(0)
	}
	if err := f.open(r, size, o.Keys); err != nil {
		var bad *FormatError
		if errors.As(err, &bad) {
			bad.File = name
		}
		return nil, err
	}
	if f.locked != nil {
		f.locked.File = name
	}
	return f, nil
}

func (f *File) open(r io.ReaderAt, size int64, keys crypt.Keys) error {
	b, err := findHeader(r, size)
	if err != nil {
		return err
	}
	h, at, err := parseHeader(b)
	if err != nil {
		return err
	}
	f.header = h
	f.bodyLen = size - h.SizeBytes
	f.body = io.NewSectionReader(r, h.SizeBytes, f.bodyLen)
	if h.EncryptionInfo != "" {
		body, err := unseal(b, at, h.EncryptionInfo, r, f.bodyLen, keys)
		switch {
		case err == nil:
			f.body, f.bodyLen = body, body.Len()
		case keys == nil:
			var bad *FormatError
			errors.As(err, &bad)
			f.locked = bad // and the plain body is not longer than the sealed one
		default:
			return err
		}
	}
	return h.check(at, f.bodyLen)
}

// ready returns the error of a file whose body cannot be read.
func (f *File) ready() error {
	if f.locked != nil {
		return f.locked
	}
	return nil
}

// Close closes the file that Open opened.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Header returns the header, which is not to be changed.
func (f *File) Header() *Header { return f.header }

// Name returns the file's name as it stands in errors.
func (f *File) Name() string { return f.name }

// errorAt is an error at byte off of the body.
func (f *File) errorAt(off int64, what string, err error) error {
	return &FormatError{File: f.name, Offset: f.header.SizeBytes + off, What: what, Err: err}
}

// bits returns where field i stands in the records.
func (f *File) bits(i int) simd.Bits {
	h := &f.header.Fields[i]
	b := simd.Bits{RecordBytes: int(f.header.RecordBytes), Offset: int(h.BitOffset), Width: int(h.BitWidth)}
	if b.Width == 0 {
		b.Offset = 0 // says nothing, and may be anything
	}
	return b
}

// blockBytes is the size of the records that are unpacked while they are in
// the cache: 128 KiB to 512 KiB measure the same, more and less is slower.
const blockBytes = 256 << 10

// blockRows returns the rows of a block, a multiple of 64.
func (f *File) blockRows() int {
	return max(64, blockBytes/int(max(1, f.header.RecordBytes))&^63)
}

// records reads rows lo to lo+n into a buffer with slack, for which it takes
// buf where that is large enough.
func (f *File) records(buf []byte, lo int64, n int) ([]byte, error) {
	size := n * int(f.header.RecordBytes)
	if cap(buf) < size+simd.Slack {
		buf = make([]byte, size+simd.Slack)
	}
	buf = buf[:size+simd.Slack]
	off := f.header.Offset + lo*f.header.RecordBytes
	if got, err := f.body.ReadAt(buf[:size], off); got < size {
		return nil, f.errorAt(off+int64(got), fmt.Sprintf("record %d", lo+int64(got)/f.header.RecordBytes), readError(err))
	}
	return buf, nil
}

// eachBlock calls do for every block of rows, several at a time. lo is its
// first row, a multiple of 64.
func (f *File) eachBlock(ctx context.Context, workers int, do func(lo int64, n int, records []byte) error) error {
	step := int64(f.blockRows())
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(int64(workers), (f.header.Rows+step-1)/step) {
		g.Go(func() error {
			var buf []byte
			for {
				lo := (next.Add(1) - 1) * step
				if lo >= f.header.Rows {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				n := int(min(step, f.header.Rows-lo))
				var err error
				if buf, err = f.records(buf, lo, n); err != nil {
					return err
				}
				if err := do(lo, n, buf); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// eachField calls do for 0 to n-1, several at a time, those of the largest
// weight first.
func eachField(ctx context.Context, workers, n int, weight func(i int) int64, do func(i int) error) error {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weight(b), weight(a)) })
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for _, i := range order {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(i)
		})
	}
	return g.Wait()
}

// badIndex is the error of a record whose stored number leads to no symbol.
func (f *File) badIndex(i int, row int64, stored uint32) error {
	h := &f.header.Fields[i]
	off := f.header.Offset + row*f.header.RecordBytes + h.BitOffset/8
	return f.errorAt(off, fmt.Sprintf("record %d, field %s", row, quote(h.Name)),
		fmt.Errorf("index %d of %d symbols", int64(stored)+h.Bias, h.Symbols))
}

// storedLen returns the number of stored numbers that are valid: those below
// it lead to NULL or to a symbol. A field of width 0 without symbols, as some
// writers leave it, is NULL.
func (h *Field) storedLen() int {
	n := int(h.Symbols - h.Bias)
	if h.BitWidth == 0 {
		return 1
	}
	return n
}

// through returns what stored numbers lead to: null for those below -Bias and
// for a field without symbols, to(k) for symbol k.
func through[T any](h *Field, null T, to func(k int) T) []T {
	out := make([]T, h.storedLen())
	for s := range out {
		if k := int64(s) + h.Bias; k >= 0 && k < h.Symbols {
			out[s] = to(int(k))
		} else {
			out[s] = null
		}
	}
	return out
}
