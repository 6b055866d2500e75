package crypt

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

const benchLen = 64 << 20

func benchEnvelope(b *testing.B, length int64, workers int) *Envelope {
	b.Helper()
	e, err := Seal([]byte("clear"), length, []*Recipient{testKey(b, 0).recipient}, Options{Workers: workers})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// BenchmarkSealChunk seals one chunk in place on one core. The bit that keeps
// a chunk from being sealed twice is cleared in between: the output is thrown
// away.
func BenchmarkSealChunk(b *testing.B) {
	for _, chunk := range []int{4 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("chunk=%d", chunk), func(b *testing.B) {
			e, err := Seal(nil, int64(chunk), []*Recipient{testKey(b, 0).recipient}, Options{Chunk: chunk})
			if err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, chunk, chunk+tagLen)
			b.SetBytes(int64(chunk))
			b.ReportAllocs()
			for b.Loop() {
				e.done[0].Store(0)
				if _, err := e.SealChunk(buf[:0], buf, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpenChunk(b *testing.B) {
	e := benchEnvelope(b, chunkDefault, 1)
	sealed, err := e.SealChunk(nil, make([]byte, chunkDefault), 0)
	if err != nil {
		b.Fatal(err)
	}
	e, err = Open([]byte("clear"), e.Params(), testKey(b, 0))
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, chunkDefault)
	b.SetBytes(chunkDefault)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.OpenChunk(dst, sealed, 0, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	plain := make([]byte, benchLen)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.SetBytes(benchLen)
			b.ReportAllocs()
			for b.Loop() {
				w := benchEnvelope(b, benchLen, workers).Writer(io.Discard)
				if _, err := w.Write(plain); err != nil {
					b.Fatal(err)
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadAt(b *testing.B) {
	e := benchEnvelope(b, benchLen, 2)
	var sealed bytes.Buffer
	w := e.Writer(&sealed)
	if _, err := w.Write(make([]byte, benchLen)); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			o, err := Open([]byte("clear"), e.Params(), testKey(b, 0))
			if err != nil {
				b.Fatal(err)
			}
			o.workers = workers
			body, err := o.Body(bytes.NewReader(sealed.Bytes()), 0, int64(sealed.Len()))
			if err != nil {
				b.Fatal(err)
			}
			dst := make([]byte, benchLen)
			b.SetBytes(benchLen)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := body.ReadAt(dst, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen is what each object costs beside its body: an RSA operation.
func BenchmarkOpen(b *testing.B) {
	e := benchEnvelope(b, 100, 1)
	for b.Loop() {
		if _, err := Open([]byte("clear"), e.Params(), testKey(b, 0)); err != nil {
			b.Fatal(err)
		}
	}
}
