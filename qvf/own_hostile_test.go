package qvf

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An ownPart is a stream of a file that is taken apart. Its checksum is made
// anew unless forged is set, so that what is hostile gets past it.
type ownPart struct {
	attrs   container.Attributes
	content []byte
	forged  bool
}

type ownParts map[string]*ownPart

func takeApart(t testing.TB, file []byte) ownParts {
	t.Helper()
	c, parts := mustOpen(t, file), ownParts{}
	for _, e := range c.Entries() {
		if e.Dir {
			continue
		}
		b, err := c.Read(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		parts[e.Path] = &ownPart{attrs: e.Attributes, content: b}
	}
	return parts
}

func (p ownParts) file(t testing.TB) []byte {
	t.Helper()
	var m memory
	w := container.Create(&m)
	for _, path := range slices.Sorted(maps.Keys(p)) {
		if err := w.AddBytes(path, container.Meta{Attributes: p[path].attrs, Hash: !p[path].forged}, p[path].content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return m.b
}

func (p ownParts) clone() ownParts {
	out := ownParts{}
	for path, x := range p {
		out[path] = &ownPart{attrs: maps.Clone(x.attrs), content: bytes.Clone(x.content)}
	}
	return out
}

// plain stores a stream decoded.
func (x *ownPart) plain(t testing.TB) {
	t.Helper()
	e, err := encodingOf(x.attrs)
	if err == nil {
		x.content, err = e.decode(x.content, int64(x.attrs[attrBytes].(float64)))
	}
	if err != nil {
		t.Fatal(err)
	}
	delete(x.attrs, attrEncoding)
}

// packed stores a stream in an encoding.
func (x *ownPart) packed(t testing.TB, e encoding) {
	t.Helper()
	x.plain(t)
	var b bytes.Buffer
	if err := new(encoder).encode(e, &b, int64(len(x.content)), bytesTo(x.content)); err != nil {
		t.Fatal(err)
	}
	x.content, x.attrs[attrEncoding] = b.Bytes(), string(e)
}

// smallModel returns a catalog of one column.
func smallModel(t testing.TB) *storage.Catalog {
	t.Helper()
	c := storage.NewCatalog(nil)
	b := c.NewBuilder("Section", []string{"USERID"})
	if err := b.Append([]dual.Vector{dual.Vals([]dual.Value{dual.String("ANNE"), dual.String("BO")})}); err != nil {
		t.Fatal(err)
	}
	c.Put(b.Table())
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	return c
}

// ownBase returns a small file of ours and what is in it.
func ownBase(t testing.TB, o SaveOptions, seed int) (ownParts, Content) {
	t.Helper()
	app := sampleApp()
	app.Objects[2].JSON = json.RawMessage(fmt.Sprintf(`{"qInfo":{"qId":"b","qType":"bookmark"},"secret":%d}`, seed))
	c := Content{App: app, State: json.RawMessage(`{"version":1}`), Data: model(t, 300), Access: smallModel(t)}
	var m memory
	if err := Write(&m, c, o); err != nil {
		t.Fatal(err)
	}
	return takeApart(t, m.b), c
}

// Streams of ownBase: its fields are few, many, text, id and one.
const (
	ownCatalog = "/cognate/data/catalog"
	ownFew     = "/cognate/data/field_0"
	ownMany    = "/cognate/data/field_1"
	ownText    = "/cognate/data/field_2"
	codesFew   = "/cognate/data/column_0_0"
	codesMany  = "/cognate/data/column_0_1"
	codesID    = "/cognate/data/column_0_3"
	ownAccess  = "/cognate/access/catalog"
)

// openAll opens a file and everything in it, and returns what was wrong. What
// can be read is what was saved, and memory stays within what the file pays for.
func openAll(t *testing.T, b []byte, want Content, keys crypt.Keys) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := OpenBytes("a.qvf", b, OpenOptions{Keys: keys})
	if err != nil {
		return err
	}
	var all []error
	for _, section := range []struct {
		open func(func(dual.Value) string) (*storage.Catalog, error)
		want *storage.Catalog
	}{{f.Data, want.Data}, {f.Access, want.Access}} {
		c, err := section.open(nil)
		all = append(all, err)
		if err != nil && c != nil {
			t.Error("data beside an error")
		}
		if err != nil || c == nil {
			continue
		}
		if err := c.Verify(); err != nil {
			all = append(all, fmt.Errorf("qvf: a.qvf: /cognate/data: %w", err))
		} else if err := sameData(section.want, c); err != nil {
			t.Errorf("wrong values: %v", err)
		}
	}
	app, err := f.App()
	all = append(all, err)
	if err == nil {
		for _, p := range app.Problems {
			all = append(all, p)
		}
	}
	_, err = f.State()
	all = append(all, err)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 12<<20+uint64(64*len(b)) {
		t.Errorf("took %d bytes of memory for a file of %d", took, len(b))
	}
	err = errors.Join(all...)
	if verify := f.Verify(); verify == nil && err != nil && app != nil && len(app.Problems) == 0 {
		t.Errorf("Verify finds nothing, but: %v", err)
	} else if err == nil {
		err = verify
	}
	return err
}

// bomb is 16 MB of zeros in an encoding, without the padding that proves them.
func bomb(t testing.TB, e encoding) []byte {
	t.Helper()
	var out bytes.Buffer
	enc, err := new(encoder).writer(e, &out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := enc.Write(make([]byte, 16<<20)); err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestHostileOwnFiles(t *testing.T) {
	base, content := ownBase(t, SaveOptions{}, 0)
	attr := func(path, name string, v any) func(*testing.T, ownParts) {
		return func(_ *testing.T, p ownParts) { p[path].attrs[name] = v }
	}
	without := func(path, name string) func(*testing.T, ownParts) {
		return func(_ *testing.T, p ownParts) { delete(p[path].attrs, name) }
	}
	// patched changes a stream as it is decoded.
	patched := func(path string, change func([]byte) []byte) func(*testing.T, ownParts) {
		return func(t *testing.T, p ownParts) {
			p[path].plain(t)
			p[path].content = change(p[path].content)
			p[path].attrs[attrBytes] = float64(len(p[path].content))
		}
	}
	at := func(i int, b ...byte) func([]byte) []byte {
		return func(x []byte) []byte { copy(x[i:], b); return x }
	}
	for _, tt := range []struct {
		why, stream, want string // want "" = opens whole
		change            func(*testing.T, ownParts)
	}{
		{"nothing wrong", "", "", func(*testing.T, ownParts) {}},
		{"bytes beyond what is provable", ownMany, "said to hold", attr(ownMany, attrBytes, 1e15)},
		{"bytes beyond all integers", ownMany, "want a length", attr(ownMany, attrBytes, 1e300)},
		{"bytes negative", ownMany, "want a length", attr(ownMany, attrBytes, -1)},
		{"bytes a fraction", ownMany, "want a length", attr(ownMany, attrBytes, 1.5)},
		{"bytes a text", ownMany, "want a length", attr(ownMany, attrBytes, "400")},
		{"bytes a list", ownMany, "want a length", attr(ownMany, attrBytes, []int{1})},
		{"bytes missing", ownMany, "want a length", without(ownMany, attrBytes)},
		{"one byte more than there is", "field_1", "want", attr(ownMany, attrBytes, 2417)},
		{"bytes of the directory", ownCatalog, "zstd", attr(ownCatalog, attrBytes, 20)},
		{"another version", ownMany, "CognateVersion is 2", attr(ownMany, container.AttrVersion, 2)},
		{"version a text", ownMany, "CognateVersion is 1", attr(ownMany, container.AttrVersion, "1")},
		{"version missing", ownCatalog, "CognateVersion is <nil>", without(ownCatalog, container.AttrVersion)},
		{"unknown encoding", ownMany, `"lz4", unknown`, attr(ownMany, attrEncoding, "lz4")},
		{"encoding a number", ownMany, `"7", unknown`, attr(ownMany, attrEncoding, 7)},
		{"encoding empty", ownMany, `"", unknown`, attr(ownMany, attrEncoding, "")},
		{"encoding forgotten", ownCatalog, "want", without(ownCatalog, attrEncoding)},
		{"encoding of a plain stream", ownMany, "zstd", func(t *testing.T, p ownParts) { p[ownMany].plain(t); p[ownMany].attrs[attrEncoding] = "zstd" }},
		{"zstd bomb", ownMany, "zstd", func(t *testing.T, p ownParts) {
			p[ownMany].content, p[ownMany].attrs[attrEncoding] = bomb(t, encodedZS), "zstd"
		}},
		{"zstd bomb that is honest", ownMany, "said to hold", func(t *testing.T, p ownParts) {
			p[ownMany].content, p[ownMany].attrs[attrEncoding], p[ownMany].attrs[attrBytes] = bomb(t, encodedZS), "zstd", 16<<20
		}},
		{"S2 bomb", ownMany, "goes on", func(t *testing.T, p ownParts) {
			p[ownMany].content, p[ownMany].attrs[attrEncoding] = bomb(t, encodedS2), "s2"
		}},
		{"zstd frame of a window of 64 MB", ownMany, "0 bytes, want", func(_ *testing.T, p ownParts) {
			p[ownMany].content, p[ownMany].attrs[attrEncoding] = []byte("\x28\xB5\x2F\xFD\x00\x80\x01\x00\x00"), "zstd"
		}},
		{"zstd cut off", codesMany, "zstd", func(t *testing.T, p ownParts) {
			p[codesMany].packed(t, encodedZS)
			p[codesMany].content = p[codesMany].content[:len(p[codesMany].content)-5]
		}},
		{"S2 cut off", codesMany, "s2", func(t *testing.T, p ownParts) {
			p[codesMany].packed(t, encodedS2)
			p[codesMany].content = p[codesMany].content[:len(p[codesMany].content)-5]
		}},
		{"zstd twice", codesMany, "zstd", func(t *testing.T, p ownParts) {
			p[codesMany].packed(t, encodedZS)
			p[codesMany].content = bytes.Repeat(p[codesMany].content, 2)
		}},
		{"S2 twice", codesMany, "goes on", func(t *testing.T, p ownParts) {
			p[codesMany].packed(t, encodedS2)
			p[codesMany].content = bytes.Repeat(p[codesMany].content, 2)
		}},
		{"garbage behind zstd", codesMany, "zstd", func(t *testing.T, p ownParts) {
			p[codesMany].packed(t, encodedZS)
			p[codesMany].content = append(p[codesMany].content, "garbage"...)
		}},
		{"frames to be skipped behind zstd", "", "", func(t *testing.T, p ownParts) {
			p[codesMany].packed(t, encodedZS)
			p[codesMany].content = append(p[codesMany].content, "\x50\x2A\x4D\x18\x03\x00\x00\x00abc"...)
		}},
		{"wrong checksum", codesMany, "checksum", func(_ *testing.T, p ownParts) {
			p[codesMany].forged = true
			p[codesMany].attrs[container.AttrHash] = "xxh64:0123456789abcdef"
		}},
		{"checksum missing", codesMany, "no checksum", func(_ *testing.T, p ownParts) {
			p[codesMany].forged = true
			delete(p[codesMany].attrs, container.AttrHash)
		}},
		{"checksum of another kind", codesMany, "no checksum", func(_ *testing.T, p ownParts) {
			p[codesMany].forged = true
			p[codesMany].attrs[container.AttrHash] = "crc32:01234567"
		}},
		{"checksum of the script missing", streamScript, "no checksum", func(_ *testing.T, p ownParts) {
			p[streamScript].forged = true
			delete(p[streamScript].attrs, container.AttrHash)
		}},
		{"symbols missing", ownMany, "no such stream", func(_ *testing.T, p ownParts) { delete(p, ownMany) }},
		{"codes missing", codesMany, "no such stream", func(_ *testing.T, p ownParts) { delete(p, codesMany) }},
		{"codes renamed", codesMany, "no such stream", func(_ *testing.T, p ownParts) {
			p["/cognate/data/column_1_1"] = p[codesMany]
			delete(p, codesMany)
		}},
		{"a directory where a stream should be", codesMany, "no such stream", func(_ *testing.T, p ownParts) {
			p[codesMany+"/x"] = p[codesMany]
			delete(p, codesMany)
		}},
		{"symbols of two fields swapped", "field_", "want", func(_ *testing.T, p ownParts) { p[ownMany], p[ownText] = p[ownText], p[ownMany] }},
		{"codes of other width swapped", "column_", "want", func(_ *testing.T, p ownParts) { p[codesMany], p[codesFew] = p[codesFew], p[codesMany] }},
		{"sealed by a flag", codesMany, "says otherwise", attr(codesMany, attrSealed, true)},
		{"sealed by a text", codesMany, "says otherwise", attr(codesMany, attrSealed, "true")},
		{"sealed is false", codesMany, "says otherwise", attr(codesMany, attrSealed, false)},
		{"bookmark sealed by a flag", "/b", "without a list", attr("/b", attrSealed, true)},
		{"list of sealed streams that is none", sealedList, "begins with", func(_ *testing.T, p ownParts) {
			p[sealedList] = &ownPart{attrs: container.Attributes{}, content: []byte("OAENV0\r\n-------")}
		}},
		{"empty directory", ownCatalog, "need 4 bytes", patched(ownCatalog, func([]byte) []byte { return nil })},
		{"directory of another version", ownCatalog, "version", patched(ownCatalog, at(0, 9))},
		{"directory of 2^32-1 fields", ownCatalog, "number of fields", patched(ownCatalog, at(4, 255, 255, 255, 255))},
		{"directory cut off", ownCatalog, "columns of table 0", patched(ownCatalog, func(b []byte) []byte { return b[:len(b)-3] })},
		{"directory that goes on", ownCatalog, "behind the last table", patched(ownCatalog, func(b []byte) []byte { return append(b, 0) })},
		{"two fields of one name", ownCatalog, "twice", patched(ownCatalog, func(b []byte) []byte { return bytes.Replace(b, []byte("many"), []byte("text"), 1) })},
		{"table of 2^31-1 rows", "column_0_0", "want", patched(ownCatalog, func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[bytes.LastIndex(b, []byte{44, 1, 0, 0}):], 1<<31-1) // of 300 rows
			return b
		})},
		{"code above the symbols", `codes of "few"`, "of 16 symbols", patched(codesFew, at(7, 17))},
		{"text that ends before it begins", `symbols of "text"`, "before it starts", patched(ownText, at(4, 0, 0, 0, 0))},
		{"text beyond the arena", `symbols of "text"`, "of ", patched(ownText, func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[(bytes.IndexByte(b, 0)&^3)+4:], 1<<31)
			return b
		})},
		{"NULL with a number", `symbols of "few"`, "NULL has a number", patched(ownFew, at(0, make([]byte, 8)...))},
		{"two symbols that are one", `symbols of "few"`, "same value", patched(ownFew, func(b []byte) []byte { copy(b[8:12], b[4:8]); return b })},
		{"symbol without a value", `symbols of "few"`, "neither number nor text", patched(ownFew, at(4, 0, 0, 0, 0x80))},
		{"state not JSON", streamAppState, "not JSON", func(_ *testing.T, p ownParts) { p[streamAppState].content = container.Wrap("gzjson", []byte("{")) }},
		{"state not wrapped", streamAppState, "not wrapped", func(_ *testing.T, p ownParts) { p[streamAppState].content = []byte(`{"version":2}`) }},
		{"state that claims 4 GB", streamAppState, "limit", func(_ *testing.T, p ownParts) {
			copy(p[streamAppState].content[24:], []byte{255, 255, 255, 255})
		}},
		{"access section without its codes", "/cognate/access/column_0_0", "no such stream", func(_ *testing.T, p ownParts) { delete(p, "/cognate/access/column_0_0") }},
		{"access section taken out: in clear nothing can tell", "", "", func(_ *testing.T, p ownParts) {
			maps.DeleteFunc(p, func(path string, _ *ownPart) bool { return strings.HasPrefix(path, "/cognate/access/") })
		}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			p := base.clone()
			tt.change(t, p)
			checkTold(t, openAll(t, p.file(t), content, &crypt.Folder{}), tt.stream, tt.want)
		})
	}
}

// checkTold checks that an error names file, stream and reason.
func checkTold(t *testing.T, err error, stream, want string) {
	t.Helper()
	switch {
	case err == nil && want == "":
		return
	case err == nil:
		t.Fatal("was read")
	case want == "":
		t.Fatal(err)
	}
	if msg := err.Error(); !strings.Contains(msg, want) || !strings.Contains(msg, stream) || !strings.Contains(msg, "a.qvf") || !strings.Contains(msg, "byte ") {
		t.Errorf("%q does not name %s and %q", msg, stream, want)
	}
}

// TestHostileSealedFiles: nobody without the keys can take something out of an
// encrypted app, or put back what it was.
func TestHostileSealedFiles(t *testing.T) {
	ring := keyRing(t, 0)
	o := SaveOptions{Seal: ring.Recipients()}
	base, content := ownBase(t, o, 0)
	older, _ := ownBase(t, o, 1) // the same app at another time, or another app
	open, _ := ownBase(t, SaveOptions{}, 0)
	from := func(other ownParts, paths ...string) func(ownParts) {
		return func(p ownParts) {
			for _, path := range paths {
				p[path] = other[path]
			}
		}
	}
	section := func(other ownParts, prefix string) func(ownParts) {
		return func(p ownParts) {
			maps.DeleteFunc(p, func(path string, _ *ownPart) bool { return strings.HasPrefix(path, prefix) })
			for path, x := range other {
				if strings.HasPrefix(path, prefix) {
					p[path] = x
				}
			}
		}
	}
	for _, tt := range []struct {
		why, stream, want string
		change            func(ownParts)
	}{
		{"nothing wrong", "", "", func(ownParts) {}},
		{"list taken out", ownCatalog, "says otherwise", func(p ownParts) { delete(p, sealedList) }},
		{"list and flags taken out", ownCatalog, "bytes", func(p ownParts) {
			delete(p, sealedList)
			for _, x := range p {
				delete(x.attrs, attrSealed)
			}
		}},
		{"list empty", sealedList, "need 12 bytes", func(p ownParts) { p[sealedList].content = nil }},
		{"list put back", ownCatalog, "another version", from(older, sealedList)},
		{"data put back", ownCatalog, "another version", section(older, "/cognate/data/")},
		{"access section put back", ownAccess, "another version", section(older, "/cognate/access/")},
		{"one stream put back", ownMany, "another version", from(older, ownMany)},
		{"bookmark put back", "/b", "another version", from(older, "/b")},
		{"two streams of other lengths swapped", "field_1", "want", func(p ownParts) { p[ownMany], p[ownText] = p[ownText], p[ownMany] }},
		{"two streams of one length swapped", codesMany, "blob holds", func(p ownParts) { p[codesMany], p[codesID] = p[codesID], p[codesMany] }},
		{"data as access section", ownAccess, "blob holds", func(p ownParts) { p[ownAccess] = p[ownCatalog] }},
		{"flag taken off", ownMany, "says otherwise", func(p ownParts) { delete(p[ownMany].attrs, attrSealed) }},
		{"stream in clear", ownMany, "says otherwise", from(open, ownMany)},
		{"data in clear", ownCatalog, "says otherwise", section(open, "/cognate/data/")},
		{"access section in clear", ownAccess, "says otherwise", section(open, "/cognate/access/")},
		{"access section taken out", "catalog", "is missing", section(nil, "/cognate/access/")},
		{"directory of the access section taken out", "catalog", "is missing", func(p ownParts) { delete(p, ownAccess) }},
		{"data taken out", "catalog", "is missing", section(nil, "/cognate/data/")},
		{"stream taken out", "field_1", "is missing", func(p ownParts) { delete(p, ownMany) }},
		{"bookmark taken out", "/b", "is missing", func(p ownParts) { delete(p, "/b") }},
		{"bookmark in clear", "/b", "is missing", from(open, "/b")},
		{"bookmark in clear beside", "/c", "in clear", func(p ownParts) { p["/c"] = open["/b"] }},
		{"stream put in", "column_9_9", "not in the list", func(p ownParts) { p["/cognate/data/column_9_9"] = p[codesMany] }},
		{"bookmark put in", "/c", "not in the list", func(p ownParts) { p["/c"] = p["/b"] }},
		{"bit of the ciphertext", codesMany, "chunk", func(p ownParts) { p[codesMany].content[len(p[codesMany].content)-40] ^= 1 }},
		{"bit of the head", codesMany, "", func(p ownParts) { p[codesMany].content[40] ^= 1 }},
		{"ciphertext cut off", codesMany, "bytes", func(p ownParts) { p[codesMany].content = p[codesMany].content[:len(p[codesMany].content)-1] }},
		{"longer than what was sealed", "field_1", "want", func(p ownParts) { p[ownMany].attrs[attrBytes] = 4096 }},
	} {
		t.Run(tt.why, func(t *testing.T) {
			p := base.clone()
			tt.change(p)
			err := openAll(t, p.file(t), content, ring)
			if tt.stream != "" && err == nil {
				t.Fatal("was read")
			}
			if tt.want != "" || tt.stream == "" {
				checkTold(t, err, tt.stream, tt.want)
			}
		})
	}
}

// TestExtentsOfOthers: writers of ours make one aligned extent of a stream,
// readers take any.
func TestExtentsOfOthers(t *testing.T) {
	var m memory
	content := Content{App: sampleApp(), Data: model(t, 300)}
	if err := Write(&m, content, SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		why   string
		parts func(n int) []int // lengths of the extents
		odd   int64             // bytes off the page
		want  string
	}{
		{"two extents", func(n int) []int { return []int{n / 2, n - n/2} }, 0, ""},
		{"many small extents", func(n int) []int { return append(slices.Repeat([]int{3}, 20), n-60) }, 0, ""},
		{"an odd offset", func(n int) []int { return []int{n} }, 3, ""},
		{"several at odd offsets", func(n int) []int { return []int{7, n - 7} }, 5, ""},
		{"too short", func(n int) []int { return []int{n - 1} }, 0, "extents of"},
		{"beyond the file", func(n int) []int { return []int{n + 1<<20} }, 0, "outside the file"},
	} {
		for _, path := range []string{ownMany, codesMany, ownCatalog} {
			t.Run(tt.why+path, func(t *testing.T) {
				b := scatter(t, m.b, path, tt.parts, tt.odd)
				err := openAll(t, b, content, nil)
				checkTold(t, err, path, tt.want)
			})
		}
	}
}

// scatter copies a stream behind the end of the file in several parts, the
// last one first.
func scatter(t *testing.T, file []byte, path string, parts func(int) []int, odd int64) []byte {
	t.Helper()
	const page = 512
	extents, n, err := mustOpen(t, file).Extents(path)
	if err != nil || len(extents) != 1 {
		t.Fatal(extents, err)
	}
	content := file[extents[0].Off:][:n]
	descriptor := (extents[0].Off + n + page - 1) / page * page // our writer puts it behind the content
	b := append(bytes.Clone(file), make([]byte, odd)...)
	list := make([]byte, page-0x30)
	lengths := parts(int(n))
	for i := len(lengths) - 1; i >= 0; i-- {
		lo := 0
		for _, before := range lengths[:i] {
			lo += before
		}
		binary.LittleEndian.PutUint64(list[16*i:], uint64(len(b)))
		binary.LittleEndian.PutUint64(list[16*i+8:], uint64(lengths[i]))
		b = append(b, content[lo:min(lo+lengths[i], len(content))]...)
	}
	copy(b[descriptor+0x30:], list)
	return b
}

// TestViewsOfRowsThatTakeNoRoom: a column of one value proves none of its rows.
func TestViewsOfRowsThatTakeNoRoom(t *testing.T) {
	c := storage.NewCatalog(nil)
	f := c.FieldOf("one")
	code, err := f.Symbols.Code(dual.Number(1))
	if err != nil {
		t.Fatal(err)
	}
	c.Put(&storage.Table{Name: "T", Rows: storage.RowsMax, Columns: []*storage.Column{storage.ConstantColumn(f, storage.RowsMax, code)}})
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	var own memory
	if err := Write(&own, Content{App: &App{}, Data: c}, SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{own.b, writeCompat(t, &App{}, c)} {
		f, err := OpenBytes("a.qvf", b, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		views, _, err := f.Views(nil)
		if err != nil || len(views) != 1 || views[0].Rows != storage.RowsMax {
			t.Fatal(views, err)
		}
		if v, err := views[0].Column(0); v != nil || err == nil || !strings.Contains(err.Error(), "may show") {
			t.Error(err)
		}
	}
}
