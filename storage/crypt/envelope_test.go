package crypt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

var testClear = []byte("<QvdTableHeader>clear</QvdTableHeader>\r\n\x00")

// testBody returns n bytes that differ from chunk to chunk.
func testBody(n int) []byte {
	rng := rand.New(rand.NewPCG(uint64(n), 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// sealBody seals with chunks of 4 KiB.
func sealBody(t testing.TB, plain []byte, workers int, to ...*Recipient) (Params, []byte) {
	t.Helper()
	e, err := Seal(testClear, int64(len(plain)), to, Options{Chunk: chunkMin, Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w := e.Writer(&sealed)
	for rest := plain; len(rest) > 0; { // odd steps cross every boundary
		n := min(len(rest), 1777)
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if int64(sealed.Len()) != e.SealedLen() {
		t.Fatalf("%d bytes sealed, SealedLen = %d", sealed.Len(), e.SealedLen())
	}
	return e.Params(), sealed.Bytes()
}

// openBody is the whole way of a reader.
func openBody(clearPart []byte, p Params, sealed []byte, keys Keys) ([]byte, error) {
	e, err := Open(clearPart, p, keys)
	if err != nil {
		return nil, err
	}
	b, err := e.Body(bytes.NewReader(sealed), 0, int64(len(sealed)))
	if err != nil {
		return nil, err
	}
	return b.All(nil)
}

func TestRoundTrip(t *testing.T) {
	id := testKey(t, 0)
	for _, n := range []int{0, 1, 15, 16, chunkMin - 1, chunkMin, chunkMin + 1, 2 * chunkMin, 9*chunkMin + 5, batchBytes, batchBytes + 1, 3*batchBytes + 17} {
		for _, workers := range []int{1, 3} {
			plain := testBody(n)
			p, sealed := sealBody(t, plain, workers, id.recipient)
			got, err := openBody(testClear, p, sealed, id)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes, %d workers: %d bytes came back, %v", n, workers, len(got), err)
			}
		}
	}
}

func TestSealFresh(t *testing.T) {
	id := testKey(t, 0)
	plain := testBody(100)
	seen := make(map[string]bool)
	for range 20 {
		p, sealed := sealBody(t, plain, 1, id.recipient)
		c, stanzas, err := p.parse()
		if err != nil {
			t.Fatal(err)
		}
		dek, _, ok, err := unwrapFirst(stanzas, id)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		for _, b := range [][]byte{dek[:], c.salt[:], c.prefix[:], sealed} {
			if seen[string(b)] {
				t.Fatal("a key, salt, nonce prefix or ciphertext came twice")
			}
			seen[string(b)] = true
		}
	}
}

func TestManyRecipients(t *testing.T) {
	a, b, c := testKey(t, 0), testKey(t, 1), testKey(t, 2)
	plain := testBody(10)
	p, sealed := sealBody(t, plain, 1, a.recipient, b.recipient)
	for _, id := range []*identity{a, b} {
		if got, err := openBody(testClear, p, sealed, id); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%x, %v", got, err)
		}
	}
	_, err := openBody(testClear, p, sealed, c)
	if !errors.Is(err, ErrNoKey) {
		t.Fatalf("error = %v, want ErrNoKey", err)
	}
	for _, want := range []string{a.recipient.X5T(), a.recipient.X5TS256(), b.recipient.X5T()} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestUnknownRecipientSkipped(t *testing.T) {
	id := testKey(t, 0)
	m, err := drawMaterial(bytes.NewReader(testBody(dekLen + saltLen + prefixLen)))
	if err != nil {
		t.Fatal(err)
	}
	rcp, err := wrapFor([]*Recipient{id.recipient}, m.dek[:], rngReader{rand.NewChaCha8([32]byte{})}, id.cert.NotBefore)
	if err != nil {
		t.Fatal(err)
	}
	e, err := sealWith(testClear, geometry{chunkMin, 3}, &m, append([]string{"ML-KEM-1024;some;thing", "solo"}, rcp...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(testClear, e.Params(), id); err != nil {
		t.Errorf("recipient behind unknown ones: %v", err)
	}
	p := e.Params()
	p.Rcp = p.Rcp[:2]
	if _, err := Open(testClear, p, id); !errors.Is(err, ErrNoKey) {
		t.Errorf("only unknown recipients: %v, want ErrNoKey", err)
	}
}

type rngReader struct{ *rand.ChaCha8 }

func TestReadAt(t *testing.T) {
	id := testKey(t, 0)
	plain := testBody(10*chunkMin + 77)
	p, sealed := sealBody(t, plain, 2, id.recipient)
	e, err := Open(testClear, p, id)
	if err != nil {
		t.Fatal(err)
	}
	if e.OpenedBy() != id.recipient.X5T() {
		t.Errorf("OpenedBy = %s", e.OpenedBy())
	}
	file := append(append([]byte("lead"), sealed...), "trail"...)
	b, err := e.Body(bytes.NewReader(file), 4, int64(len(sealed)))
	if err != nil {
		t.Fatal(err)
	}
	oracle := bytes.NewReader(plain)
	rng := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		off := rng.Int64N(int64(len(plain)) + 10)
		p, want := make([]byte, rng.IntN(3*chunkMin)), make([]byte, 3*chunkMin)
		if rng.IntN(2) == 0 {
			p = p[:len(p)%50]
		}
		want = want[:len(p)]
		n, err := b.ReadAt(p, off)
		wantN, wantErr := oracle.ReadAt(want, off)
		if n != wantN || len(p) > 0 && !errors.Is(err, wantErr) || !bytes.Equal(p[:n], want[:n]) {
			t.Fatalf("ReadAt(%d bytes, %d) = %d, %v; want %d, %v", len(p), off, n, err, wantN, wantErr)
		}
	}
}

// countingReader counts the bytes asked for.
type countingReader struct {
	io.ReaderAt
	n int
}

func (r *countingReader) ReadAt(p []byte, off int64) (int, error) {
	r.n += len(p)
	return r.ReaderAt.ReadAt(p, off)
}

func TestReadAtTouchesOnlyItsChunks(t *testing.T) {
	id := testKey(t, 0)
	p, sealed := sealBody(t, testBody(100*chunkMin), 2, id.recipient)
	sealed[50*(chunkMin+tagLen)] ^= 1 // what is not read is not verified
	e, err := Open(testClear, p, id)
	if err != nil {
		t.Fatal(err)
	}
	r := &countingReader{ReaderAt: bytes.NewReader(sealed)}
	b, err := e.Body(r, 0, int64(len(sealed)))
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	for range 5 {
		if _, err := b.ReadAt(buf, 7*chunkMin-5); err != nil {
			t.Fatal(err)
		}
	}
	if want := 2 * (chunkMin + tagLen); r.n != want {
		t.Errorf("%d bytes read, want %d: two chunks, once", r.n, want)
	}
	_, err = b.ReadAt(buf, 50*chunkMin)
	var broken *ChunkError
	if !errors.As(err, &broken) || broken.Chunk != 50 || broken.Offset != 50*(chunkMin+tagLen) {
		t.Errorf("error = %v, want chunk 50", err)
	}
	if !bytes.Equal(buf, testBody(100 * chunkMin)[7*chunkMin-5:][:10]) {
		t.Error("a broken chunk left something behind")
	}
}

func TestBrokenChunkLeavesNothing(t *testing.T) {
	id := testKey(t, 0)
	plain := bytes.Repeat([]byte("secret!!"), 2*chunkMin/8)
	p, sealed := sealBody(t, plain, 1, id.recipient)
	sealed[chunkMin+tagLen+5] ^= 1
	e, err := Open(testClear, p, id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Body(bytes.NewReader(sealed), 0, int64(len(sealed)))
	if err != nil {
		t.Fatal(err)
	}
	for _, lo := range []int64{chunkMin, chunkMin + 1} { // a whole chunk, a part
		dst := make([]byte, chunkMin)
		if n, err := b.ReadAt(dst[:2*chunkMin-lo], lo); n != 0 || !errors.Is(err, ErrBroken) {
			t.Fatalf("ReadAt = %d, %v", n, err)
		}
		if !bytes.Equal(dst, make([]byte, chunkMin)) {
			t.Error("bytes of a broken chunk came out")
		}
	}
}

// cutChunks returns the sealed chunks of a body of 4 KiB chunks.
func cutChunks(sealed []byte) (chunks [][]byte) {
	for len(sealed) > 0 {
		n := min(len(sealed), chunkMin+tagLen)
		chunks, sealed = append(chunks, sealed[:n]), sealed[n:]
	}
	return chunks
}

func TestAlteredBody(t *testing.T) {
	id := testKey(t, 0)
	plain := testBody(3*chunkMin + 100)
	p, sealed := sealBody(t, plain, 1, id.recipient)
	_, twin := sealBody(t, plain, 1, id.recipient) // the same body, sealed anew
	long, longSealed := sealBody(t, testBody(4*chunkMin), 1, id.recipient)
	none, noneSealed := sealBody(t, nil, 1, id.recipient)
	noneSealed[3] ^= 1
	join := func(chunks ...[]byte) []byte { return bytes.Join(chunks, nil) }
	c, o, l := cutChunks(sealed), cutChunks(twin), cutChunks(longSealed)
	for _, tt := range []struct {
		why    string
		p      Params
		sealed []byte
	}{
		{"last chunk removed", p, join(c[:3]...)},
		{"first chunk removed", p, join(c[1:]...)},
		{"middle chunk removed", p, join(c[0], c[1], c[3])},
		{"chunks swapped", p, join(c[1], c[0], c[2], c[3])},
		{"chunk doubled in place of another", p, join(c[0], c[0], c[2], c[3])},
		{"chunk doubled", p, join(c[0], c[0], c[1], c[2], c[3])},
		{"chunk of another object with the same body", p, join(c[0], o[1], c[2], c[3])},
		{"whole body of another object", p, twin},
		{"chunk of a longer object", p, join(l[0], c[1], c[2], c[3])},
		{"cut in a tag", p, sealed[:len(sealed)-1]},
		{"cut in a chunk", p, sealed[:5000]},
		{"empty", p, nil},
		{"tag of an empty body", none, noneSealed},
		{"a byte appended", p, append(bytes.Clone(sealed), 0)},
		{"a chunk appended", p, join(c[0], c[1], c[2], c[3], c[3])},
		{"last chunk takes the place of a full one", long, join(l[0], l[1], l[3], l[3])},
		{"full chunk takes the place of the last", long, join(l[0], l[1], l[2], l[2])},
	} {
		if got, err := openBody(testClear, tt.p, tt.sealed, id); !errors.Is(err, ErrBroken) || got != nil {
			t.Errorf("%s: %d bytes, %v; want ErrBroken", tt.why, len(got), err)
		}
	}
}

func TestAlteredHeader(t *testing.T) {
	a, b := testKey(t, 0), testKey(t, 1)
	p, sealed := sealBody(t, testBody(100), 1, a.recipient, b.recipient)
	q, _ := sealBody(t, testBody(100), 1, a.recipient, b.recipient)
	edit := func(f func(*Params)) Params {
		e := Params{p.Core, append([]string(nil), p.Rcp...), p.Mac}
		f(&e)
		return e
	}
	for _, tt := range []struct {
		why   string
		clear []byte
		p     Params
		want  error
	}{
		{"clear part edited", append([]byte("x"), testClear...), p, ErrKey},
		{"clear part cut", testClear[1:], p, ErrKey},
		{"shorter len", testClear, edit(func(p *Params) { p.Core = strings.Replace(p.Core, "len=100", "len=99", 1) }), ErrKey},
		{"other chunk", testClear, edit(func(p *Params) { p.Core = strings.Replace(p.Core, "4096", "8192", 1) }), ErrKey},
		{"core of another object", testClear, edit(func(p *Params) { p.Core = q.Core }), ErrKey},
		{"mac of another object", testClear, edit(func(p *Params) { p.Mac = q.Mac }), ErrKey},
		{"core and mac of another object", testClear, edit(func(p *Params) { p.Core, p.Mac = q.Core, q.Mac }), ErrKey},
		{"recipients of another object", testClear, edit(func(p *Params) { p.Rcp = q.Rcp }), ErrKey},
		{"recipient removed", testClear, edit(func(p *Params) { p.Rcp = p.Rcp[:1] }), ErrKey},
		{"recipient doubled", testClear, edit(func(p *Params) { p.Rcp = append(p.Rcp, p.Rcp[1]) }), ErrKey},
		{"recipients swapped", testClear, edit(func(p *Params) { p.Rcp[0], p.Rcp[1] = p.Rcp[1], p.Rcp[0] }), ErrKey},
		{"unknown recipient added", testClear, edit(func(p *Params) { p.Rcp = append(p.Rcp, "X") }), ErrKey},
		{"wrapped key of the other", testClear, edit(func(p *Params) {
			p.Rcp[0] = p.Rcp[0][:strings.LastIndexByte(p.Rcp[0], ';')] + p.Rcp[1][strings.LastIndexByte(p.Rcp[1], ';'):]
		}), ErrKey},
		{"wrapped key cut", testClear, edit(func(p *Params) { p.Rcp[0] = p.Rcp[0][:len(p.Rcp[0])-6] }), ErrKey},
		{"no mac", testClear, edit(func(p *Params) { p.Mac = "" }), ErrKey},
		{"short mac", testClear, edit(func(p *Params) { p.Mac = p.Mac[:40] }), ErrKey},
		{"mac with stray bits", testClear, edit(func(p *Params) { p.Mac = p.Mac[:42] + "_" }), ErrFormat},
		{"mac with a line end", testClear, edit(func(p *Params) { p.Mac = p.Mac[:20] + "\n" + p.Mac[20:] }), ErrFormat},
		{"recipients joined by a line end", testClear, edit(func(p *Params) { p.Rcp = []string{p.Rcp[0] + "\n" + p.Rcp[1]} }), ErrFormat},
		{"no recipients", testClear, edit(func(p *Params) { p.Rcp = nil }), ErrFormat},
	} {
		_, err := openBody(tt.clear, tt.p, sealed, a)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.why, err, tt.want)
		}
		if tt.want == ErrKey && err.Error() != ErrKey.Error() {
			t.Errorf("%s: %q tells more than %q", tt.why, err, ErrKey)
		}
	}
}

// TestRewrap also holds that a rotated object takes nothing but new parameters.
func TestRewrap(t *testing.T) {
	old, now := testKey(t, 0), testKey(t, 1)
	plain := testBody(2*chunkMin + 1)
	p, sealed := sealBody(t, plain, 1, old.recipient)
	q, err := Rewrap(testClear, p, old, []*Recipient{now.recipient})
	if err != nil {
		t.Fatal(err)
	}
	if q.Core != p.Core || q.Mac == p.Mac {
		t.Errorf("core %v, mac %v", q.Core != p.Core, q.Mac)
	}
	if got, err := openBody(testClear, q, sealed, now); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("new key: %d bytes, %v", len(got), err)
	}
	if _, err := openBody(testClear, q, sealed, old); !errors.Is(err, ErrNoKey) {
		t.Errorf("old key: %v, want ErrNoKey", err)
	}
	if _, err := Rewrap(testClear, p, now, []*Recipient{now.recipient}); !errors.Is(err, ErrNoKey) {
		t.Errorf("rewrap without the key: %v, want ErrNoKey", err)
	}
	if _, err := Rewrap(testClear[1:], p, old, []*Recipient{now.recipient}); !errors.Is(err, ErrKey) {
		t.Errorf("rewrap of an altered object: %v, want ErrKey", err)
	}
	if _, err := Rewrap(testClear, p, old, nil); err == nil {
		t.Error("rewrap for nobody")
	}
}

func TestSealChunkOnce(t *testing.T) {
	e, err := Seal(nil, chunkMin+1, []*Recipient{testKey(t, 0).recipient}, Options{Chunk: chunkMin})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		n    int
		i    uint64
		ok   bool
		why  string
		open bool
	}{
		{n: chunkMin, i: 0, ok: true, why: "a full chunk"},
		{n: chunkMin, i: 0, why: "its nonce again"},
		{n: chunkMin, i: 1, why: "the last chunk is shorter"},
		{n: 1, i: 1, ok: true, why: "the last chunk"},
		{n: 1, i: 2, why: "beyond the end"},
		{n: 1, i: 1<<32 + 1, why: "a counter that would wrap"},
	} {
		if _, err := e.SealChunk(nil, make([]byte, tt.n), tt.i); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.why, err)
		}
	}
	if _, err := e.OpenChunk(nil, make([]byte, 17), 1, 0); err == nil {
		t.Error("an envelope for sealing opens")
	}
	if _, err := e.Body(bytes.NewReader(nil), 0, 0); err == nil {
		t.Error("an envelope for sealing opens a body")
	}
}

func TestWriterLength(t *testing.T) {
	for _, tt := range []struct {
		announced, written int
		want               error
	}{
		{10, 9, ErrLength},
		{10, 11, ErrLength},
		{0, 1, ErrLength},
		{10, 0, ErrLength},
		{2 * batchBytes, batchBytes, ErrLength},
		{10, 10, nil},
		{0, 0, nil},
	} {
		e, err := Seal(nil, int64(tt.announced), []*Recipient{testKey(t, 0).recipient}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := e.Writer(io.Discard)
		_, _ = w.Write(make([]byte, tt.written)) // Close tells
		if err := w.Close(); !errors.Is(err, tt.want) {
			t.Errorf("%d of %d bytes: %v, want %v", tt.written, tt.announced, err, tt.want)
		}
		if _, err := w.Write(nil); err == nil {
			t.Error("Write after Close")
		}
	}
}

// failingWriter takes a number of writes.
type failingWriter struct{ left int }

var errDisk = errors.New("disk full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

func TestWriterDiskFull(t *testing.T) {
	for taken := range 5 {
		e, err := Seal(nil, 20*batchBytes, []*Recipient{testKey(t, 0).recipient}, Options{Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		w := e.Writer(&failingWriter{left: taken})
		for range 20 {
			if _, err = w.Write(make([]byte, batchBytes)); err != nil {
				break
			}
		}
		if cerr := w.Close(); !errors.Is(cerr, errDisk) || err != nil && !errors.Is(err, errDisk) {
			t.Errorf("after %d writes: %v, Close: %v", taken, err, cerr)
		}
	}
}

// brokenReader fails at one place and ends early at another.
type brokenReader struct{ *bytes.Reader }

var errIO = errors.New("i/o error")

func (r brokenReader) ReadAt(p []byte, off int64) (int, error) {
	if off == 0 {
		return 0, errIO
	}
	n, _ := r.Reader.ReadAt(p[:len(p)-1], off)
	return n, io.EOF
}

func TestSourceFails(t *testing.T) {
	id := testKey(t, 0)
	p, sealed := sealBody(t, testBody(2*chunkMin), 1, id.recipient)
	e, err := Open(testClear, p, id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Body(brokenReader{bytes.NewReader(sealed)}, 0, int64(len(sealed)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadAt(make([]byte, 1), 0); !errors.Is(err, errIO) || errors.Is(err, ErrBroken) {
		t.Errorf("failing disk: %v", err)
	}
	if _, err := b.ReadAt(make([]byte, 1), chunkMin); !errors.Is(err, ErrBroken) {
		t.Errorf("file that shrank: %v", err)
	}
	for _, at := range [][2]int64{{-1, 5}, {5, -1}, {1<<63 - 1, 2}} {
		if _, err := e.Body(bytes.NewReader(sealed), at[0], at[1]); err == nil {
			t.Errorf("Body at %d", at)
		}
	}
}

// TestParallelLowestError lets the error of call 3 come after and before that
// of call 4.
func TestParallelLowestError(t *testing.T) {
	for _, lowFirst := range []bool{false, true} {
		first := make(chan struct{})
		err := parallel(2, 5, func(i uint64) error {
			if i < 3 {
				return nil
			}
			if (i == 3) == lowFirst {
				close(first)
			} else {
				<-first
			}
			return fmt.Errorf("%d", i)
		})
		if err == nil || err.Error() != "3" {
			t.Errorf("low first %v: %v", lowFirst, err)
		}
	}
	for n := range uint64(5) {
		if err := parallel(3, n, func(uint64) error { return nil }); err != nil {
			t.Error(err)
		}
	}
}

// uselessKey claims every key and gives bytes of its length.
type uselessKey int

func (k uselessKey) Find(_, _ string) (Unwrapper, error) { return k, nil }

func (k uselessKey) Unwrap([]byte) ([]byte, error) {
	if k < 0 {
		return nil, errors.New("decryption error")
	}
	return make([]byte, k), nil
}

// TestUnwrapFailureIsNoKey: an object whose MAC is right for the bytes that
// stand in for a key that does not unwrap is not opened.
func TestUnwrapFailureIsNoKey(t *testing.T) {
	m := material{} // the zero key
	e, err := sealWith(testClear, geometry{chunkMin, 3}, &m, []string{okRcp})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uselessKey{-1, 0, 16, 31, 33, 64} {
		if _, err := Open(testClear, e.Params(), n); !errors.Is(err, ErrKey) {
			t.Errorf("unwrapped to %d bytes: %v, want ErrKey", n, err)
		}
	}
	if _, err := Open(testClear, e.Params(), uselessKey(dekLen)); err != nil {
		t.Errorf("with the key: %v", err)
	}
}
