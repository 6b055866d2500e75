package qvf

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/dual"
)

// model returns a catalog with columns of every width, large enough to be
// mapped, of values that compress well and badly.
func model(t testing.TB, rows int) *storage.Catalog {
	t.Helper()
	few, many, texts, ids := make([]float64, rows), make([]float64, rows), make([]dual.Value, rows), make([]float64, rows)
	x := uint32(1)
	for i := range rows {
		x = x*1664525 + 1013904223
		few[i], many[i], ids[i] = float64(x>>28), float64(x>>8)/16, float64(i)
		texts[i] = dual.String(fmt.Sprintf("text %d", x>>18))
	}
	c := storage.NewCatalog(nil)
	b := c.NewBuilder("T", []string{"few", "many", "text", "id", "one"})
	if err := b.Append([]dual.Vector{dual.Nums(few, nil), dual.Nums(many, nil), dual.Vals(texts), dual.Nums(ids, nil), dual.Constant(dual.Number(1), rows)}); err != nil {
		t.Fatal(err)
	}
	c.Put(b.Table())
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	return c
}

func sameData(a, b *storage.Catalog) error {
	if len(a.Tables()) != len(b.Tables()) {
		return fmt.Errorf("%d tables, %d", len(a.Tables()), len(b.Tables()))
	}
	for i, t := range a.Tables() {
		u := b.Tables()[i]
		for j, c := range t.Columns {
			d := u.Columns[j]
			for r := range t.Rows {
				if v, w := c.Field.Value(c.Code(r)), d.Field.Value(d.Code(r)); !dual.Identical(v, w) {
					return fmt.Errorf("%s, row %d: %v, %v", c.Field.Name, r, v, w)
				}
			}
		}
	}
	return b.Damage()
}

func sampleApp() *App {
	return &App{
		Properties: json.RawMessage(`{"qTitle":"Sälés","qThumbnail":{}}`),
		Script:     "///$tab Main\r\nLOAD 1 as x AUTOGENERATE 1;", HasScript: true,
		Objects: []Object{
			{EntryType: TypeObject, ID: "s/1", Type: "sheet", Title: "One", JSON: json.RawMessage(`{"qMetaData":{"qType":"sheet"},"qRoot":{"qProperty":{"qInfo":{"qId":"s/1","qType":"sheet"},"qMetaDef":{"title":"One"}},"qChildren":[{"qProperty":{"qInfo":{"qId":"c","qType":"table"}}}]}}`)},
			{EntryType: TypeMeasure, ID: "m", Type: "measure", JSON: json.RawMessage(`{"qInfo":{"qId":"m","qType":"measure"}}`)},
			{EntryType: TypeBookmark, ID: "b", Type: "bookmark", JSON: json.RawMessage(`{"qInfo":{"qId":"b","qType":"bookmark"},"secret":"Tromsø"}`)},
		},
		Variables: []Variable{
			{Name: "v", Script: true, Properties: json.RawMessage(`{"qName":"v","qDefinition":"1"}`)},
			{Name: "w", User: true, Properties: json.RawMessage(`{"qName":"w","qDefinition":"=2"}`)},
		},
		Media: []Media{{Stream: "/media/a b.png", Content: []byte("\x89PNG\r\n\x1a\n.")}},
	}
}

func save(t testing.TB, path string, c Content, o SaveOptions) {
	t.Helper()
	if err := Save(path, c, o); err != nil {
		t.Fatal(err)
	}
}

func openOwn(t testing.TB, path string, o OpenOptions) *File {
	t.Helper()
	f, err := OpenFile(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func data(t testing.TB, f *File) *storage.Catalog {
	t.Helper()
	c, err := f.Data(nil)
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	return c
}

// testRings are key stores of one certificate each; keys take long to make.
var testRings = [2]func() (*testRing, error){sync.OnceValues(makeRing), sync.OnceValues(makeRing)}

type testRing struct {
	*crypt.Ring
	key *rsa.PrivateKey
}

// keyRing returns key store 0 or 1.
func keyRing(t testing.TB, i int) *testRing {
	t.Helper()
	ring, err := testRings[i]()
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func makeRing() (*testRing, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	if err := os.WriteFile(filepath.Join(dir, "key.pem"), both, 0o600); err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	_, thumbprint := crypt.Thumbprints(cert)
	ring, err := crypt.NewRing(crypt.Config{Folder: dir, Active: []string{thumbprint}})
	return &testRing{ring, key}, err
}

// mappedRows make columns and symbols large enough to be used in place.
const mappedRows = 70_000

func TestSaveAndOpen(t *testing.T) {
	ring := keyRing(t, 0)
	for _, tt := range []struct {
		why  string
		opt  SaveOptions
		rows int
	}{
		{"small", SaveOptions{}, 100},
		{"mapped", SaveOptions{}, mappedRows},
		{"compact", SaveOptions{Compact: true}, mappedRows},
		{"sealed", SaveOptions{Seal: ring.Recipients()}, mappedRows},
		{"no rows", SaveOptions{}, 0},
	} {
		t.Run(tt.why, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.qvf")
			want := Content{App: sampleApp(), State: json.RawMessage(`{"x":1}`), Data: model(t, tt.rows), Access: model(t, 3)}
			save(t, path, want, tt.opt)
			f := openOwn(t, path, OpenOptions{Keys: ring})
			if err := sameData(want.Data, data(t, f)); err != nil {
				t.Error(err)
			}
			if access, err := f.Access(nil); err != nil || sameData(want.Access, access) != nil {
				t.Error("access section: ", err)
			}
			app, err := f.App()
			if err != nil || len(app.Problems) > 0 {
				t.Fatal(err, app.Problems)
			}
			if app.Script != want.App.Script || len(app.Objects) != 3 || len(app.Variables) != 2 || len(app.Media) != 1 || !bytes.Equal(app.Media[0].Content, want.App.Media[0].Content) {
				t.Errorf("read %+v", app)
			}
			for _, o := range app.Objects {
				for _, w := range want.App.Objects {
					if w.ID == o.ID && (o.Type != w.Type || string(o.JSON) != string(w.JSON)) {
						t.Errorf("object %s: %s", o.ID, o.JSON)
					}
				}
			}
			if s, err := f.State(); err != nil || string(s) != `{"x":1}` {
				t.Errorf("state %s, %v", s, err)
			}
			if err := f.Verify(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Large streams that do not compress are used where they lie.
func TestDataAreMapped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.qvf")
	save(t, path, Content{App: sampleApp(), Data: model(t, mappedRows)}, SaveOptions{})
	c := data(t, openOwn(t, path, OpenOptions{}))
	if c.Memory().MappedBytes != 0 {
		t.Error("something is in use before it was asked for")
	}
	if err := c.Verify(); err != nil {
		t.Fatal(err)
	}
	if u := c.Memory(); inPlace && u.MappedBytes < 512<<10 {
		t.Errorf("%+v: want half a MB or more in place", u)
	}
}

// What is sealed does not show, and needs the key.
func TestSealed(t *testing.T) {
	ring, other := keyRing(t, 0), keyRing(t, 1)
	path := filepath.Join(t.TempDir(), "a.qvf")
	save(t, path, Content{App: sampleApp(), Data: model(t, 1000)}, SaveOptions{Seal: ring.Recipients()})
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("text 1")) || bytes.Contains(b, []byte("Tromsø")) {
		t.Error("values are readable")
	}
	for _, keys := range []crypt.Keys{nil, other} {
		f := openOwn(t, path, OpenOptions{Keys: keys})
		if _, err := f.Data(nil); !errors.Is(err, crypt.ErrNoKey) {
			t.Errorf("data without the key: %v", err)
		}
		if keys != nil {
			_, err := f.Data(nil)
			if !strings.Contains(err.Error(), ring.Recipients()[0].X5T()) {
				t.Errorf("%v does not name the thumbprint", err)
			}
		}
		app, err := f.App()
		if err != nil || len(app.Objects) != 2 || len(app.Problems) != 1 {
			t.Errorf("objects without the key: %v, %d, %v", err, len(app.Objects), app.Problems)
		}
	}
}

// Other keys open a file whose sealed bytes are the same as before.
func TestRekey(t *testing.T) {
	old, fresh := keyRing(t, 0), keyRing(t, 1)
	path := filepath.Join(t.TempDir(), "a.qvf")
	want := model(t, mappedRows)
	save(t, path, Content{App: sampleApp(), Data: want}, SaveOptions{Seal: old.Recipients()})
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Rekey(path, fresh, fresh.Recipients()); !errors.Is(err, crypt.ErrNoKey) {
		t.Errorf("without the old key: %v", err)
	}
	if err := Rekey(path, old, fresh.Recipients()); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := openOwn(t, path, OpenOptions{}).Entry("/cognate/data/column_0_1")
	if e.Length < tailBytes || !bytes.Contains(after, tail(t, before, "/cognate/data/column_0_1")) {
		t.Error("the sealed bytes have changed")
	}
	if _, err := openOwn(t, path, OpenOptions{Keys: old}).Data(nil); !errors.Is(err, crypt.ErrNoKey) {
		t.Errorf("the old key: %v", err)
	}
	f := openOwn(t, path, OpenOptions{Keys: fresh})
	if err := errors.Join(sameData(want, data(t, f)), f.Verify()); err != nil {
		t.Error(err)
	}
	save(t, path, Content{App: sampleApp()}, SaveOptions{})
	if err := Rekey(path, old, fresh.Recipients()); err == nil {
		t.Error("rekeyed a file in clear")
	}
}

// tail returns the end of a stream as it lies in the file.
const tailBytes = 128 << 10

func tail(t *testing.T, file []byte, path string) []byte {
	t.Helper()
	f, err := OpenBytes("a.qvf", file, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return b[len(b)-tailBytes:]
}

func TestSaveDocument(t *testing.T) {
	ring := keyRing(t, 0)
	for _, o := range []SaveOptions{{}, {Seal: ring.Recipients()}} {
		path := filepath.Join(t.TempDir(), "a.qvf")
		app := sampleApp()
		want := model(t, mappedRows)
		save(t, path, Content{App: app, Data: want}, o)
		before := extentsOf(t, path)
		held := data(t, openOwn(t, path, OpenOptions{Keys: ring})) // mapped, not read yet
		app.Script += "\r\n// more"
		app.Objects = app.Objects[1:]
		app.Objects[0].JSON = json.RawMessage(`{"qInfo":{"qId":"m","qType":"measure"},"new":true}`)
		for range 3 {
			if err := SaveDocument(path, app, json.RawMessage(`{}`), o, ring); err != nil {
				t.Fatal(err)
			}
		}
		if after := extentsOf(t, path); !reflect.DeepEqual(before, after) {
			t.Errorf("data moved: %v, %v", before, after)
		}
		f := openOwn(t, path, OpenOptions{Keys: ring})
		got, err := f.App()
		if err != nil || len(got.Problems) > 0 || got.Script != app.Script || len(got.Objects) != 2 {
			t.Fatalf("%v, %+v", err, got)
		}
		if err := errors.Join(sameData(want, data(t, f)), sameData(want, held), f.Verify()); err != nil {
			t.Error(err)
		}
		if err := Compact(path); err != nil {
			t.Fatal(err)
		}
		if f = openOwn(t, path, OpenOptions{Keys: ring}); f.GarbageBytes() > 64<<10 || f.Verify() != nil {
			t.Errorf("compacted: %d bytes of garbage, %v", f.GarbageBytes(), f.Verify())
		}
	}
}

// extentsOf tells where the streams of data lie.
func extentsOf(t *testing.T, path string) map[string][]container.Extent {
	t.Helper()
	f := openOwn(t, path, OpenOptions{})
	m := map[string][]container.Extent{}
	for _, e := range f.Entries() {
		if strings.HasPrefix(e.Path, "/cognate/data/") {
			x, _, err := f.Extents(e.Path)
			if err != nil {
				t.Fatal(err)
			}
			m[e.Path] = x
		}
	}
	return m
}

// A flipped bit anywhere in the data is noticed when the data are used, and
// tells where.
func TestDamagedData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.qvf")
	save(t, path, Content{App: sampleApp(), Data: model(t, 5000)}, SaveOptions{})
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, extents := range extentsOf(t, path) {
		b := bytes.Clone(good)
		b[extents[0].Off+extents[0].Len/2] ^= 4
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		f := openOwn(t, path, OpenOptions{})
		c, err := f.Data(nil)
		if err == nil {
			err = c.Verify()
		}
		if !errors.Is(err, container.ErrChecksum) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "a.qvf") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEncodings(t *testing.T) {
	var enc encoder
	zeros, noise := make([]byte, 3<<20), make([]byte, 1<<20)
	_, _ = rand.Read(noise)
	for _, b := range [][]byte{nil, {1}, zeros, noise, append(bytes.Clone(noise), zeros...)} {
		for _, e := range []encoding{plain, encodedZS, encodedS2} {
			var out bytes.Buffer
			if err := enc.encode(e, &out, int64(len(b)), bytesTo(b)); err != nil {
				t.Fatal(err)
			}
			if !provable(int64(out.Len()), int64(len(b))) {
				t.Errorf("%q: %d bytes in %d", e, len(b), out.Len())
			}
			got, err := e.decode(out.Bytes(), int64(len(b)))
			if err != nil || !bytes.Equal(got, b) {
				t.Errorf("%q of %d bytes: %d, %v", e, len(b), len(got), err)
			}
			for _, n := range []int64{int64(len(b)) - 1, int64(len(b)) + 1, 1 << 40} {
				if _, err := e.decode(out.Bytes(), n); err == nil && n >= 0 {
					t.Errorf("%q of %d bytes: taken for %d", e, len(b), n)
				}
			}
		}
	}
}

// TestBinaryBookmarksInOwnFiles: what only the original product can read goes
// through files of ours as it came, and is sealed like other bookmarks.
func TestBinaryBookmarksInOwnFiles(t *testing.T) {
	ring, title := keyRing(t, 0), "secret title"
	came := Object{Stream: "/0a1b", EntryType: TypeBookmark, Security: Security{ID: "0a1b", ObjectType: "snapshot", Title: &title}}
	came.binaryBookmark(came.Stream, binaryRecord("of the record"))
	for _, o := range []SaveOptions{{}, {Seal: ring.Recipients()}} {
		path := filepath.Join(t.TempDir(), "a.qvf")
		app := &App{Objects: []Object{came}}
		save(t, path, Content{App: app, Data: model(t, 3)}, o)
		for range 2 {
			f := openOwn(t, path, OpenOptions{Keys: ring})
			got, err := f.App()
			if err != nil || len(got.Problems) > 0 || len(got.Objects) != 1 {
				t.Fatal(err, got)
			}
			want := came
			if o.Seal != nil { // the entry, which is in clear, has no title
				want.Title, want.HasTitle, want.Security = "", false, Security{ID: "0a1b", ObjectType: "snapshot"}
			}
			if b := got.Objects[0]; !reflect.DeepEqual(b, want) {
				t.Errorf("got %+v, want %+v", b, want)
			}
			if b := got.Objects[0]; o.Seal != nil && b.DisplayTitle() != "of the record" {
				t.Errorf("title %q", b.DisplayTitle())
			}
			if err := SaveDocument(path, app, nil, o, ring); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDataModelOfOwnFiles: public tools find tables and fields where they look
// for them, unless they are sealed.
func TestDataModelOfOwnFiles(t *testing.T) {
	ring := keyRing(t, 0)
	for _, o := range []SaveOptions{{}, {Seal: ring.Recipients()}} {
		path := filepath.Join(t.TempDir(), "a.qvf")
		app := sampleApp()
		save(t, path, Content{App: app, Data: model(t, 3)}, o)
		for range 2 { // saving the document does not lose it
			got, err := openOwn(t, path, OpenOptions{Keys: ring}).App()
			if err != nil || (len(got.DataModel) > 0) != (o.Seal == nil) {
				t.Fatalf("%v, data model %s", err, got.DataModel)
			}
			if err := SaveDocument(path, app, nil, o, ring); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestForeignFilesAreNotChanged: their data would be lost.
func TestForeignFilesAreNotChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.qvf")
	b := writeCompat(t, sampleApp(), model(t, 3))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := SaveDocument(path, sampleApp(), nil, SaveOptions{}, nil); !errors.Is(err, ErrForeign) {
		t.Error(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(b, after) {
		t.Error("the file has changed", err)
	}
}
