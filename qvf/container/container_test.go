package container

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if end := int(off) + len(p); end > len(m.b) {
		m.b = append(m.b, make([]byte, end-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.b).ReadAt(p, off)
}

func (m *memory) Sync() error { return nil }

func open(b []byte) (*Container, error) {
	return Open("test.qvf", bytes.NewReader(b), int64(len(b)))
}

func mustOpen(t *testing.T, b []byte) *Container {
	t.Helper()
	c, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// build makes a container of streams, in the order of their paths.
func build(t testing.TB, streams map[string][]byte) []byte {
	t.Helper()
	var m memory
	w := Create(&m)
	for _, path := range sortedPaths(streams) {
		if err := w.AddBytes(path, Meta{Attributes: Foreign("test", ""), Hash: true}, streams[path]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return m.b
}

func sortedPaths(streams map[string][]byte) []string {
	var paths []string
	for p := range streams {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

// streamsOf reads everything that a container has.
func streamsOf(c *Container) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, e := range c.Entries() {
		if e.Err != nil {
			return nil, e.Err
		}
		if e.Dir {
			continue
		}
		b, err := c.Read(e.Path)
		if err != nil {
			return nil, err
		}
		out[e.Path] = b
	}
	return out, nil
}

func same(a, b map[string][]byte) error {
	for p := range b {
		if _, ok := a[p]; !ok {
			return fmt.Errorf("%s is missing", p)
		}
	}
	for p := range a {
		if got, ok := b[p]; !ok || !bytes.Equal(a[p], got) {
			return fmt.Errorf("%s: got %d bytes, want %d", p, len(got), len(a[p]))
		}
	}
	return nil
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// randomPath makes paths of up to four names, some long enough for several
// cells.
func randomPath(rng *rand.Rand) string {
	var b strings.Builder
	for range 1 + rng.IntN(4) {
		n := 1 + rng.IntN(5)
		if rng.IntN(4) == 0 {
			n = 40 + rng.IntN(300)
		}
		b.WriteByte('/')
		for range n {
			b.WriteRune([]rune("abcdeåß漢")[rng.IntN(8)])
		}
	}
	return b.String()
}

func TestRoundTrip(t *testing.T) {
	sizes := []int{0, 1, 511, 512, 513, 4095, 4096, 4097, 100_000, 3 << 20}
	for seed := range uint64(15) {
		rng := rand.New(rand.NewPCG(seed, 1))
		want := map[string][]byte{}
		for range rng.IntN(30) {
			want[randomPath(rng)] = randomBytes(rng, sizes[rng.IntN(len(sizes)-rng.IntN(3))])
		}
		var m memory
		w := Create(&m)
		order := sortedPaths(want)
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for i, p := range order {
			meta := Meta{Attributes: Attributes{"Type": fmt.Sprint("t", i), "Long": strings.Repeat("x", rng.IntN(500))}, Time: float64(i), Hash: i%2 == 0}
			if i%3 == 0 {
				meta.Align = AlignMapped
			}
			if err := w.AddBytes(p, meta, want[p]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		c := mustOpen(t, m.b)
		got, err := streamsOf(c)
		if err == nil {
			err = same(want, got)
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		checkLayout(t, c, m.b, order)
	}
}

// checkLayout checks what the format promises beside the content.
func checkLayout(t *testing.T, c *Container, file []byte, order []string) {
	t.Helper()
	if len(file)%pageBytes != 0 {
		t.Errorf("size %d is not a multiple of a page", len(file))
	}
	for i, p := range order {
		e, _ := c.Entry(p)
		extents, length, err := c.Extents(p)
		if err != nil || length != e.Length {
			t.Fatal(err)
		}
		if length == 0 && len(extents) == 0 {
			continue
		}
		align := int64(AlignPage)
		if i%3 == 0 {
			align = AlignMapped
		}
		if len(extents) != 1 || extents[0].Off%align != 0 || extents[0].Len != length {
			t.Errorf("%s: extents %v, want one of %d bytes at a multiple of %d", p, extents, length, align)
		}
		if e.Time != float64(i) || e.Attributes.Text("Type") != fmt.Sprint("t", i) {
			t.Errorf("%s: entry %+v", p, e)
		}
		if _, ok := e.Attributes.Hash(); ok != (i%2 == 0) {
			t.Errorf("%s: has a hash: %v", p, ok)
		}
	}
}

func TestPageZeroIsTheFormats(t *testing.T) {
	want, err := os.ReadFile("../../../shared/data/qvf/02-ctrl00.qvf")
	if err != nil {
		t.Skip("real files are not there: ", err)
	}
	if got := build(t, map[string][]byte{"/a": nil}); !bytes.Equal(got[:recordsAt], want[:recordsAt]) {
		t.Errorf("page 0 begins\n% x, want\n% x", got[:recordsAt], want[:recordsAt])
	}
}

// TestRealFiles opens every real file with two readers.
func TestRealFiles(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/qvf/*.qv[fd]")
	if len(files) == 0 {
		t.Skip("real files are not there")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c := mustOpen(t, b)
		got, err := streamsOf(c)
		if err == nil {
			err = same(naiveStreams(b), got)
		}
		if err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if c.LiveBytes() > c.Size() || c.GarbageBytes() > c.Size()/2 {
			t.Errorf("%s: %d live, %d garbage", f, c.LiveBytes(), c.GarbageBytes())
		}
	}
}

func TestErrNotFound(t *testing.T) {
	c := mustOpen(t, build(t, map[string][]byte{"/a/b": nil}))
	for _, p := range []string{"/", "", "/a", "/b", "a/b"} {
		if _, err := c.Read(p); !errors.Is(err, ErrNotFound) {
			t.Errorf("Read(%q): %v", p, err)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	for _, tt := range []struct{ path, why string }{
		{"/a", "is there already"},
		{"/x/../y", "two dots lead out of a folder"},
		{"//y", "empty name"},
		{"/x/", "empty name"},
		{"/\xff", "not UTF-8"},
		{strings.Repeat("/a", 40), "too deep"},
	} {
		w := Create(&memory{})
		if err := w.AddBytes("/a", Meta{}, nil); err != nil {
			t.Fatal(err)
		}
		if err := w.AddBytes(tt.path, Meta{}, nil); err == nil {
			t.Errorf("%q was taken: %s", tt.path, tt.why)
		}
	}
	if err := Create(&memory{}).AddBytes("/a", Meta{Align: 1000}, nil); err == nil {
		t.Error("alignment 1000 was taken")
	}
	boom := errors.New("boom")
	w := Create(&memory{})
	if err := w.Add("/a", Meta{}, func(io.Writer) error { return boom }); !errors.Is(err, boom) {
		t.Error(err)
	}
	if err := w.Close(); !errors.Is(err, boom) {
		t.Errorf("Close after an error: %v", err)
	}
}

func TestWrap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, payload := range [][]byte{nil, {0}, []byte(`{"a":1}` + "\x00"), bytes.Repeat([]byte("a"), 1<<20), randomBytes(rng, 1<<20)} {
		raw := Wrap(FormatJSON, payload)
		got, err := Unwrap(append(raw, "stale"...), 1<<20)
		if err != nil || !bytes.Equal(got, payload) {
			t.Errorf("%d bytes: got %d, %v", len(payload), len(got), err)
		}
	}
}

func TestSerial(t *testing.T) {
	if got := Serial(time.Date(2019, 6, 4, 12, 0, 0, 0, time.UTC)); got != 43620.5 {
		t.Errorf("Serial = %v", got)
	}
}
