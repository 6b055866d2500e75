package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A victim is a small foreign file, and where its parts lie.
type victim struct {
	b                []byte
	a, d, root, data int64 // descriptors of /a, /d/x, the root and /d
}

const victimBytes = 2000 // of /a

func newVictim(t *testing.T) *victim {
	t.Helper()
	b := build(t, map[string][]byte{"/a": bytes.Repeat([]byte("0123456789"), victimBytes/10), "/d/x": []byte("x"), "/d/y": nil})
	c := mustOpen(t, b)
	clear(b[recordsAt:pageBytes])
	for at := 0; at < len(b); at++ { // the checksums would find most variants
		if bytes.HasPrefix(b[at:], []byte(hashPrefix)) {
			b[at] = '-'
		}
	}
	return &victim{b: b, a: c.files["/a"].desc.at, d: c.files["/d/x"].desc.at, root: c.root.desc.at, data: c.root.child("d", true).desc.at}
}

func (v *victim) u64(at int64, x uint64) { binary.LittleEndian.PutUint64(v.b[at:], x) }
func (v *victim) u32(at int64, x uint32) { binary.LittleEndian.PutUint32(v.b[at:], x) }

// rootCells returns where the content of the root directory begins.
func (v *victim) rootCells() int64 {
	return int64(binary.LittleEndian.Uint64(v.b[v.root+listInDesc:]))
}

// page adds an empty page to the file.
func (v *victim) page() int64 {
	v.b = append(v.b, make([]byte, pageBytes)...)
	return int64(len(v.b) - pageBytes)
}

// nest makes the content of /a lie behind a number of lists.
func (v *victim) nest(depth int) {
	at := v.a + listInDesc
	off, size := binary.LittleEndian.Uint64(v.b[at:]), binary.LittleEndian.Uint64(v.b[at+8:])
	for range depth {
		list := v.page()
		v.u64(at, uint64(list))
		v.u64(at+8, pageBytes|indirect)
		at = list
	}
	v.u64(at, off)
	v.u64(at+8, size)
}

// TestHostile: every variant is refused with an error that names the file, the
// stream and an offset, in memory that the file's size pays for.
func TestHostile(t *testing.T) {
	for _, tt := range []struct {
		why    string
		stream string // that the error names; "" for page 0
		want   string
		change func(v *victim)
	}{
		{"extent points to its own descriptor's list", "/a", "nested deeper", func(v *victim) {
			v.u64(v.a+listInDesc, uint64(v.a+listInDesc))
			v.u64(v.a+listInDesc+8, 0x1D0|indirect)
		}},
		{"29 entries that all point back", "/a", "nested deeper", func(v *victim) {
			for i := range int64(29) {
				v.u64(v.a+listInDesc+16*i, uint64(v.a+listInDesc))
				v.u64(v.a+listInDesc+16*i+8, 0x1D0|indirect)
			}
		}},
		{"seven lists of 32 entries that point to the next: 32^7 ways", "/a", "loop", func(v *victim) {
			at, n := v.a+listInDesc, int64(29)
			for range 7 {
				next := v.page()
				for i := range n {
					v.u64(at+16*i, uint64(next))
					v.u64(at+16*i+8, pageBytes|indirect)
				}
				at, n = next, 32
			}
		}},
		{"two lists that point to each other", "/a", "", func(v *victim) {
			p, q := v.page(), v.page()
			v.u64(v.a+listInDesc, uint64(p))
			v.u64(v.a+listInDesc+8, pageBytes|indirect)
			v.u64(p, uint64(q))
			v.u64(p+8, pageBytes|indirect)
			v.u64(q, uint64(p))
			v.u64(q+8, pageBytes|indirect)
		}},
		{"lists nested nine deep", "/a", "nested deeper", func(v *victim) { v.nest(9) }},
		{"extent behind the end", "/a", "outside the file", func(v *victim) { v.u64(v.a+listInDesc, uint64(len(v.b))) }},
		{"extent longer than the file", "/a", "outside the file", func(v *victim) { v.u64(v.a+listInDesc+8, 1<<40) }},
		{"offset and size overflow together", "/a", "outside the file", func(v *victim) { v.u64(v.a+listInDesc, math.MaxInt64-100) }},
		{"offset with the top bit", "/a", "outside the file", func(v *victim) { v.u64(v.a+listInDesc, 1<<63+4096) }},
		{"extent in page 0", "/a", "outside the file", func(v *victim) { v.u64(v.a+listInDesc, 0) }},
		{"no extents at all", "/a", "length is 2000", func(v *victim) { v.u64(v.a+listInDesc+8, 0) }},
		{"fewer bytes than the length", "/a", "length is 2000", func(v *victim) { v.u64(v.a+listInDesc+8, 512) }},
		{"a length of terabytes", "/a", "bytes of pages", func(v *victim) { v.u64(v.a, 1<<42) }},
		{"length and pages of terabytes", "/a", "in a file of", func(v *victim) { v.u64(v.a, 1<<42); v.u64(v.a+8, 1<<42) }},
		{"a negative length", "/a", "bytes of pages", func(v *victim) { v.u64(v.a, math.MaxUint64) }},
		{"list of extents larger than the file", "/a", "outside the file", func(v *victim) { v.u64(v.a+0x28, math.MaxUint64) }},
		{"descriptor behind the end", "/a", "outside the file", func(v *victim) { v.u64(v.rootCells()+16, uint64(len(v.b)-100)) }},
		{"continuation cells behind the end", "/", "goes on for", func(v *victim) { v.u32(v.rootCells()+4, 1000) }},
		{"2^32-1 continuation cells", "/", "goes on for", func(v *victim) { v.u32(v.rootCells()+4, math.MaxUint32) }},
		{"continuation cell that is none", "/", "after its start has kind", func(v *victim) { v.b[v.rootCells()+64] = 3 }},
		{"name longer than the cells", "/", "name of 1000 bytes", func(v *victim) { v.u32(v.rootCells()+32, 1000) }},
		{"name of 4 GB", "/", "name of 4294967295 bytes", func(v *victim) { v.u32(v.rootCells()+32, math.MaxUint32) }},
		{"attributes longer than the cells", "/", "attributes of", func(v *victim) { v.u32(v.rootCells()+37, 1<<30) }},
		{"empty name", "/", "name \"\"", func(v *victim) { v.u32(v.rootCells()+32, 0) }},
		{"name with a slash", "/", "slash", func(v *victim) { v.b[v.rootCells()+36] = '/' }},
		{"name that leads out of a folder", "/", "name \".\"", func(v *victim) { v.b[v.rootCells()+36] = '.' }},
		{"name that is not UTF-8", "/", "UTF-8", func(v *victim) { v.b[v.rootCells()+36] = 0xFF }},
		{"two entries of one name", "/d", "two entries", func(v *victim) {
			at := int64(binary.LittleEndian.Uint64(v.b[v.data+listInDesc:]))
			i := bytes.Index(v.b[at:], []byte("\x01\x00\x00\x00y"))
			v.b[at+int64(i)+4] = 'x'
		}},
		{"directory that contains itself", "/d/x", "reached twice", func(v *victim) {
			i := bytes.Index(v.b[v.rootCells():], []byte("\x01\x00\x00\x00d"))
			v.u64(v.rootCells()+int64(i)+4-20, uint64(v.data))
			inner := int64(binary.LittleEndian.Uint64(v.b[v.data+listInDesc:]))
			v.b[inner] = cellDir
			v.u64(inner+16, uint64(v.data))
		}},
		{"root descriptor outside", "/", "outside the file", func(v *victim) { v.u64(rootAt, 1<<50) }},
		{"root descriptor is page 0", "/", "outside the file", func(v *victim) { v.u64(rootAt, 0) }},
		{"other page size", "", "page size", func(v *victim) { v.u32(0x0C, 4096) }},
		{"a ZIP archive", "", "ZIP", func(v *victim) { copy(v.b, "PK\x03\x04") }},
		{"something else", "", "FF FF 01 00", func(v *victim) { v.b[0] = 'x' }},
		{"nothing", "", "FF FF 01 00", func(v *victim) { v.b = nil }},
		{"line ends converted: LF became CR LF", "", "line ends", func(v *victim) {
			v.b = bytes.Replace(v.b, []byte{0}, []byte("\r\n"), 1)[:len(v.b)+1]
			copy(v.b, "\xFF\xFF\x01\x00")
			v.u32(0x0C, 512)
		}},
		{"last byte is missing", "", "not a multiple", func(v *victim) { v.b = v.b[:len(v.b)-1] }},
		{"half a page 0", "", "cut off", func(v *victim) { v.b = v.b[:100] }},
	} {
		t.Run(tt.why, func(t *testing.T) {
			v := newVictim(t)
			tt.change(v)
			err := readBounded(t, v.b)
			if err == nil {
				t.Fatal("was read")
			}
			checkError(t, err, tt.stream, tt.want)
		})
	}
}

// readBounded reads everything and fails if that took more memory than the
// file's size pays for.
func readBounded(t *testing.T, b []byte) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c, err := open(b)
	if err == nil {
		_, err = streamsOf(c)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<10+uint64(64*len(b)) {
		t.Errorf("took %d bytes of memory for a file of %d", took, len(b))
	}
	return err
}

func checkError(t *testing.T, err error, stream, want string) {
	t.Helper()
	var f *FormatError
	if !errors.As(err, &f) || f.Stream != stream || f.File != "test.qvf" {
		t.Errorf("%v: want a FormatError of %q", err, stream)
	}
	if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "qvf: test.qvf: ") || !strings.Contains(err.Error(), ": byte ") {
		t.Errorf("%q does not say %q", err, want)
	}
}

// A directory that cannot be read does not take the rest along.
func TestHostileDirectoryLeavesTheRest(t *testing.T) {
	v := newVictim(t)
	v.u64(v.data, 1<<42)
	c := mustOpen(t, v.b)
	if b, err := c.Read("/a"); err != nil || len(b) != victimBytes {
		t.Error(len(b), err)
	}
	if _, err := Append("test.qvf", &memory{v.b}, int64(len(v.b))); err == nil {
		t.Error("an update would lose the directory's entries")
	}
}

func TestNestedListsAreRead(t *testing.T) {
	v := newVictim(t)
	want, err := mustOpen(t, v.b).Read("/a")
	if err != nil {
		t.Fatal(err)
	}
	v.nest(7)
	if got, err := mustOpen(t, v.b).Read("/a"); err != nil || !bytes.Equal(got, want) {
		t.Error(len(got), err)
	}
}

// TestStalePages: what nobody refers to is not there.
func TestStalePages(t *testing.T) {
	v := newVictim(t)
	stale := bytes.Clone(v.b[v.a:])
	v.b = append(v.b, stale...)
	c := mustOpen(t, v.b)
	if n := len(c.Entries()); n != 4 {
		t.Errorf("%d entries", n)
	}
}

func TestChecksums(t *testing.T) {
	b := build(t, map[string][]byte{"/a": []byte("content"), "/d/x": []byte("other")})
	c := mustOpen(t, b)
	flip := func(at int64) []byte {
		damaged := bytes.Clone(b)
		damaged[at] ^= 1
		return damaged
	}
	at := func(path string) int64 {
		e, _, err := c.Extents(path)
		if err != nil {
			t.Fatal(err)
		}
		return e[0].Off
	}
	for _, path := range []string{"/a", "/d/x"} {
		d := mustOpen(t, flip(at(path)+1))
		_, err := d.Read(path)
		if !errors.Is(err, ErrChecksum) {
			t.Errorf("%s: %v", path, err)
		}
		checkError(t, err, path, "checksum")
	}
	rootContent := int64(binary.LittleEndian.Uint64(b[c.root.desc.at+listInDesc:]))
	if _, err := open(flip(rootContent + 20)); !errors.Is(err, ErrChecksum) {
		t.Errorf("root directory: %v", err)
	}
	dir := c.root.child("d", true).desc
	d := mustOpen(t, flip(int64(binary.LittleEndian.Uint64(b[dir.at+listInDesc:]))+8))
	if _, err := streamsOf(d); !errors.Is(err, ErrChecksum) {
		t.Errorf("directory: %v", err)
	}
}

// TestTruncated cuts own, foreign and real files everywhere.
func TestTruncated(t *testing.T) {
	v := newVictim(t)
	own := build(t, map[string][]byte{"/a": []byte("content"), "/d/x": []byte("other")})
	for _, b := range [][]byte{v.b, own} {
		for n := range len(b) {
			if err := readBounded(t, b[:n]); err == nil {
				t.Fatalf("%d of %d bytes were read", n, len(b))
			}
		}
	}
}

// TestFlipped changes single bytes of real files: whatever happens, it is no
// panic.
func TestFlipped(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/qvf/0[19]*.qvf")
	if len(files) == 0 {
		t.Skip("real files are not there")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 7))
		for range 60 {
			at := rng.IntN(len(b))
			for b[at] == 0 && rng.IntN(20) > 0 { // most of a file is empty
				at = rng.IntN(len(b))
			}
			old := b[at]
			b[at] = byte(rng.Uint32())
			_ = readBounded(t, b)
			b[at] = old
		}
	}
}

func TestHostileWraps(t *testing.T) {
	good := Wrap(FormatJSON, bytes.Repeat([]byte("abc"), 1000))
	const sizes = 24
	bomb := Wrap(FormatJSON, make([]byte, 64<<20))
	for _, tt := range []struct {
		why  string
		raw  []byte
		want string
	}{
		{"not wrapped", []byte("plain"), "not wrapped"},
		{"header longer than the stream", patch(good, 0, 1<<31), "header of"},
		{"header of 4 GB", patch(good, 0, math.MaxUint32), "header of"},
		{"claims fewer bytes", patch(good, sizes, 2999), "declared"},
		{"claims more bytes", patch(good, sizes, 3001), "declared"},
		{"claims 4 GB", patch(good, sizes, math.MaxUint32), "limit"},
		{"claims more than zlib can", patch(good, sizes, 1<<20), "cannot hold"},
		{"zlib stream longer than the stream", patch(good, sizes+4, 1<<30), "zlib stream of"},
		{"zlib stream cut off", patch(good, sizes+4, 10), "byte 32"},
		{"no zlib", append(bytes.Clone(good[:sizes+8]), make([]byte, len(good)-sizes-8)...), "zlib"},
		{"64 MB of zeros", bomb, "limit"},
		{"64 MB of zeros that claims 1 MB", patch(bomb, sizes, 1<<20), "declared"},
		{"cut off", good[:20], "header of"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b, err := Unwrap(tt.raw, 1<<20)
		runtime.ReadMemStats(&after)
		if err == nil || b != nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "byte ") {
			t.Errorf("%s: %d bytes, %v; want %q", tt.why, len(b), err, tt.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
			t.Errorf("%s: took %d bytes of memory", tt.why, took)
		}
	}
}

// patch returns a copy with a u32 written into it.
func patch(b []byte, at int, x uint32) []byte {
	b = bytes.Clone(b)
	binary.LittleEndian.PutUint32(b[at:], x)
	return b
}
