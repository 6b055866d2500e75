package qvf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A naive reader of files of ours, from the first byte to the last cell. It is
// written from FORMAT.md alone and shares no code with the real one but the
// helper type naive; it reads what writers of ours make, believes it where
// nothing has to be compared, and panics on the rest.
type naiveFile struct {
	b       []byte
	key     *rsa.PrivateKey
	streams map[string]naiveStream
	list    map[string]string // type 00 name → len and commit
}

type naiveStream struct {
	content []byte
	attrs   map[string]any
}

func must(ok bool, format string, args ...any) {
	if !ok {
		panic(fmt.Sprintf(format, args...))
	}
}

func u64At(b []byte, at int) int { return int(binary.LittleEndian.Uint64(b[at:])) }

// naiveOpen reads root records (1.5), descriptors (1.2) and directories (1.3).
func naiveOpen(b []byte, key *rsa.PrivateKey) *naiveFile {
	f := &naiveFile{b: b, key: key, streams: map[string]naiveStream{}}
	var root []byte
	for _, at := range []int{0x50, 0x90} {
		r := b[at:][:64]
		whole := string(r[:8]) == "COGNATE\x01" && xxhash.Sum64(r[:0x38]) == uint64(u64At(r, 0x38))
		if whole && (root == nil || u64At(r, 8) > u64At(root, 8)) {
			root = r
		}
	}
	content := f.content(u64At(root, 0x10))
	must(xxhash.Sum64(content) == uint64(u64At(root, 0x18)), "root directory")
	f.directory("", content)
	return f
}

// content returns the bytes of the one extent that a descriptor has.
func (f *naiveFile) content(descriptor int) []byte {
	d := f.b[descriptor:][:512]
	if length := u64At(d, 0); length > 0 {
		return f.b[u64At(d, 0x30):][:length]
	}
	return nil
}

func (f *naiveFile) directory(path string, cells []byte) {
	for len(cells) > 0 {
		kind := cells[0] & 7
		if kind != 3 && kind != 7 {
			cells = cells[64:]
			continue
		}
		var record []byte
		for range 1 + int(binary.LittleEndian.Uint32(cells[4:])) {
			record = append(record, cells[4:64]...)
			cells = cells[64:]
		}
		n := &naive{b: record}
		n.bytes(12)
		offset := u64At(n.bytes(16), 0)
		s, name := naiveStream{content: f.content(offset)}, path+"/"+string(n.bytes(n.u32()))
		if attrs := bytes.TrimRight(n.bytes(n.u32()), "\x00"); len(attrs) > 0 {
			if err := json.Unmarshal(attrs, &s.attrs); err != nil {
				panic(err)
			}
		}
		must(s.attrs["CognateHash"] == fmt.Sprintf("xxh64:%016x", xxhash.Sum64(s.content)), "checksum of %s", name)
		if kind == 7 {
			f.directory(name, s.content)
		} else {
			f.streams[name] = s
		}
	}
}

// unseal opens a blob (6.6).
func (f *naiveFile) unseal(blob []byte, kind, name string) []byte {
	b64 := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			panic(err)
		}
		return b
	}
	n := &naive{b: blob}
	magic := string(n.bytes(8))
	var head struct {
		Core           string
		Rcp            []string
		Mac            string
		Type, Name     string
		chunk, size, i int
	}
	if err := json.Unmarshal(n.bytes(n.u32()), &head); err != nil {
		panic(err)
	}
	must(magic == "OAENV1\r\n" && head.Type == kind && head.Name == name, "blob %s %s", head.Type, head.Name)
	core := map[string]string{}
	for _, part := range strings.Split(head.Core, ";") {
		key, value, _ := strings.Cut(part, "=")
		core[key] = value
	}
	dek, err := rsa.DecryptOAEP(sha256.New(), nil, f.key, b64(strings.Split(head.Rcp[0], ";")[3]), nil)
	if err != nil {
		panic(err)
	}
	salt, np := b64(core["salt"]), b64(core["np"])
	hb := sha256.Sum256([]byte(magic + kind + "\x00" + name + "\x00" + head.Core))
	derive := func(info string) []byte {
		k, err := hkdf.Key(sha256.New, dek, salt, info, 32)
		if err != nil {
			panic(err)
		}
		return k
	}
	sign := func(parts ...[]byte) string {
		h := hmac.New(sha256.New, derive("oae1 mac"))
		for _, p := range parts {
			h.Write(p)
		}
		return string(h.Sum(nil))
	}
	rcp := sha256.Sum256([]byte(strings.Join(head.Rcp, "\n")))
	must(sign(hb[:], rcp[:]) == string(b64(head.Mac)), "mac of %s", name)
	_, err = fmt.Sscan(core["chunk"], &head.chunk)
	must(err == nil, "chunk: %v", err)
	_, err = fmt.Sscan(core["len"], &head.size)
	must(err == nil, "len: %v", err)
	if kind != "list" {
		entry := string(binary.LittleEndian.AppendUint64(nil, uint64(head.size))) + sign([]byte("oae1 list\x00"), hb[:])
		must(f.list[kind+"\x00"+name] == entry, "%s is not that of the list", name)
	}
	block, err := aes.NewCipher(derive("oae1 body\x00" + string(hb[:])))
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	var out []byte
	for last := byte(0); last == 0; head.i++ {
		size := min(head.chunk, head.size-len(out))
		if len(out)+size == head.size {
			last = 1
		}
		nonce := append(binary.BigEndian.AppendUint32(bytes.Clone(np), uint32(head.i)), last)
		if out, err = gcm.Open(out, nonce, n.bytes(size+16), nil); err != nil {
			panic(err)
		}
	}
	must(n.at == len(blob), "bytes behind %s", name)
	return out
}

// openList reads the list of an encrypted file; others have none.
func (f *naiveFile) openList() {
	s, ok := f.streams["/cognate/sealed"]
	if !ok {
		return
	}
	f.list = map[string]string{}
	for plain := f.unseal(s.content, "list", "/cognate/sealed"); len(plain) > 0; {
		kind, rest, _ := bytes.Cut(plain, []byte{0})
		name, rest, _ := bytes.Cut(rest, []byte{0})
		f.list[string(kind)+"\x00"+string(name)] = string(rest[:40])
		plain = rest[40:]
	}
}

// array returns a decoded stream (6.1, 6.2).
func (f *naiveFile) array(section, name string) []byte {
	s, ok := f.streams["/cognate/"+section+"/"+name]
	must(ok && s.attrs["CognateVersion"] == 1.0, "stream %s", name)
	b := s.content
	if s.attrs["CognateSealed"] == true {
		b = f.unseal(b, section, name)
	}
	n := int(s.attrs["CognateBytes"].(float64))
	for _, stored := range []int{len(s.content), len(b)} {
		must(n <= 65536 || (n-65536)/256 <= stored, "%d bytes for %d", stored, n)
	}
	var r io.Reader
	switch s.attrs["CognateEncoding"] {
	case nil:
		r = bytes.NewReader(b)
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(b))
		if err != nil {
			panic(err)
		}
		defer z.Close()
		r = z
	case "s2":
		r = s2.NewReader(bytes.NewReader(b), s2.ReaderMaxBlockSize(1<<20))
	}
	out, err := io.ReadAll(r)
	must(err == nil && len(out) == n, "%s: %d bytes of %d, %v", name, len(out), n, err)
	return out
}

func (n *naive) string4() string { return string(n.bytes(n.u32())) }

func (n *naive) strings4() {
	for range n.u32() {
		n.string4()
	}
}

// symbols reads a field's part of the directory and its symbols (6.3, 6.4), as
// cell writes them; entry 0 is NULL.
func (f *naiveFile) symbols(d *naive, section string, i int) (name string, out []string) {
	name = d.string4()
	d.string4()
	d.strings4()
	if d.bytes(1)[0] == 1 {
		d.bytes(1)
		for range 3 {
			d.string4()
		}
	}
	d.strings4()
	n, traits, textBytes := d.u32(), d.bytes(1)[0], d.u32()
	out = []string{"-"}
	if n == 0 {
		return name, out
	}
	s := &naive{b: f.array(section, fmt.Sprint("field_", i))}
	next := func(size int) []byte {
		s.at = (s.at + 63) / 64 * 64
		return s.bytes(size)
	}
	var numbers, ends, texted, text []byte
	if traits&1 != 0 {
		numbers = next([]int{8 * (n + 1), 4 * (n + 1), 4 * (n + 1), 16}[traits>>6])
	}
	if traits&2 != 0 {
		ends, texted = next(4*n), next((n+63)/64*8)
		if textBytes > 0 {
			text = next(textBytes)
		}
	}
	must(s.at == len(s.b), "bytes behind the symbols of %s", name)
	lo := 0
	for c := 1; c <= n; c++ {
		v := "|"
		if numbers != nil {
			if x := naiveNumber(numbers, traits>>6, c); !math.IsNaN(x) {
				v = fmt.Sprint(x) + "|"
			}
		}
		if ends != nil {
			hi := int(binary.LittleEndian.Uint32(ends[4*(c-1):]))
			if texted[(c-1)/8]>>((c-1)%8)&1 != 0 {
				v += string(text[lo:hi])
			}
			lo = hi
		}
		out = append(out, v)
	}
	return name, out
}

// naiveNumber returns the number of a code in one of the four forms.
func naiveNumber(b []byte, form byte, c int) float64 {
	switch form {
	case 0:
		return math.Float64frombits(binary.LittleEndian.Uint64(b[8*c:]))
	case 1:
		if x := int32(binary.LittleEndian.Uint32(b[4*c:])); x != -1<<31 {
			return float64(x)
		}
		return math.NaN()
	case 2:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*c:])))
	default:
		first, step := int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))
		return float64(first + int64(c-1)*step)
	}
}

// cells returns the cells of all tables of a section, by "table.field".
func (f *naiveFile) cells(section string) map[string][]string {
	d, out := &naive{b: f.array(section, "catalog")}, map[string][]string{}
	must(d.u32() == 4, "version of the directory")
	names, symbols := []string{}, [][]string{}
	for i := range d.u32() {
		name, s := f.symbols(d, section, i)
		names, symbols = append(names, name), append(symbols, s)
	}
	for t := range d.u32() {
		table := d.string4()
		d.string4()
		d.strings4()
		rows := d.u32()
		d.bytes(1)
		for c := range d.u32() {
			field, width, code := d.u32(), int(d.bytes(1)[0]), d.u32()
			var codes []byte
			if width > 0 {
				codes = f.array(section, fmt.Sprintf("column_%d_%d", t, c))
			}
			cells := make([]string, 0, rows)
			for row := range rows {
				switch {
				case width > 4: // bits
					code = 0
					for i := range width {
						bit := row*width + i
						code |= int(codes[bit/8]>>(bit%8)&1) << i
					}
				case width > 0:
					code = 0
					for i := range width {
						code |= int(codes[row*width+i]) << (8 * i)
					}
				}
				cells = append(cells, symbols[field][code])
			}
			out[table+"."+names[field]] = cells
		}
	}
	must(d.at == len(d.b), "bytes behind the directory")
	return out
}

// TestNaiveReaderOfOwnFiles proves FORMAT.md: every cell that was saved is read
// by somebody who knows only that.
func TestNaiveReaderOfOwnFiles(t *testing.T) {
	ring := keyRing(t, 0)
	catalogs := []*storage.Catalog{model(t, 35_000), repetitive(t, 270_000), model(t, 0)}
	for seed := range uint64(3) {
		catalogs = append(catalogs, randomCatalog(t, rand.New(rand.NewPCG(seed, 5))))
	}
	encodings := map[any]bool{}
	for i, want := range catalogs {
		for _, o := range []SaveOptions{{}, {Compact: true}, {Seal: ring.Recipients()}} {
			var m memory
			if err := Write(&m, Content{App: sampleApp(), Data: want, Access: smallModel(t)}, o); err != nil {
				t.Fatal(err)
			}
			f := naiveOpen(m.b, ring.key)
			f.openList()
			if (f.list != nil) != (o.Seal != nil) {
				t.Fatal("encrypted or not")
			}
			checkCells(t, f.cells("data"), want)
			checkCells(t, f.cells("access"), smallModel(t))
			if o.Seal != nil && !bytes.Contains(f.unseal(f.streams["/b"].content, "document", "/b"), []byte(`{"format":"gzjson"}`)) {
				t.Error("bookmark")
			}
			for _, s := range f.streams {
				encodings[s.attrs["CognateEncoding"]] = true
			}
			if t.Failed() {
				t.Fatalf("catalog %d, %+v", i, o)
			}
		}
	}
	if !encodings["zstd"] || !encodings["s2"] || !encodings[nil] {
		t.Errorf("encodings %v: want all", encodings)
	}
}

// repetitive returns a table whose codes compress to next to nothing, so that
// they need padding, or well enough for S2.
func repetitive(t testing.TB, rows int) *storage.Catalog {
	t.Helper()
	long, short := make([]float64, rows), make([]float64, rows)
	for i := range long {
		long[i], short[i] = float64(i/(rows/2)), float64(i/64%100)
	}
	c := storage.NewCatalog(nil)
	b := c.NewBuilder("R", []string{"long", "short"})
	if err := b.Append([]dual.Vector{dual.Nums(long, nil), dual.Nums(short, nil)}); err != nil {
		t.Fatal(err)
	}
	c.Put(b.Table())
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	return c
}

func checkCells(t *testing.T, cells map[string][]string, catalog *storage.Catalog) {
	t.Helper()
	for _, table := range catalog.Tables() {
		for _, col := range table.Columns {
			got := cells[table.Name+"."+col.Field.Name]
			if len(got) != table.Rows {
				t.Fatalf("%s.%s: %d rows, want %d", table.Name, col.Field.Name, len(got), table.Rows)
			}
			symbols := make([]string, col.Field.Symbols.Len()+1)
			for code := range symbols {
				symbols[code] = cell(col.Field.Symbols.Value(uint32(code)))
			}
			for row := range table.Rows {
				if want := symbols[col.Code(row)]; got[row] != want {
					t.Fatalf("%s.%s row %d: %s, want %s", table.Name, col.Field.Name, row, got[row], want)
				}
			}
		}
	}
}
