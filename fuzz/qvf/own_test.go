package qvf

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Attributes of streams of ours, and the modes of FuzzOwn.
const (
	attrVersion  = "CognateVersion"
	attrBytes    = "CognateBytes"
	attrEncoding = "CognateEncoding"
	attrSealed   = "CognateSealed"

	modeCompact = 1 << 0
	modeReal    = 1 << 1 // the app of a real file instead of the given bytes; bits 2 to 4: which
	modeSealed  = 7 << 5 // all three bits: sealing takes ten times as long
)

// modelOf makes tables out of bytes: of each three, one chooses the table and
// the sort of value, two are the values of its columns.
func modelOf(t testing.TB, b []byte) *storage.Catalog {
	var columns [2][2][]dual.Value
	for ; len(b) >= 3; b = b[3:] {
		c := &columns[b[0]&1]
		for i := range c {
			c[i] = append(c[i], valueOf(b[0]>>(1+3*i)&7, b[1+i]))
		}
	}
	catalog := storage.NewCatalog(nil)
	for i, name := range []string{"T", "U"} {
		builder := catalog.NewBuilder(name, []string{"key", "f" + name})
		if err := builder.Append([]dual.Vector{dual.Vals(columns[i][0]), dual.Vals(columns[i][1])}); err != nil {
			t.Fatal(err)
		}
		catalog.Put(builder.Table())
	}
	if err := catalog.Seal(); err != nil {
		t.Fatal(err)
	}
	return catalog
}

func valueOf(sort, b byte) dual.Value {
	switch x := float64(int8(b)); sort {
	case 0:
		return dual.Value{}
	case 1:
		return dual.String(string(rune(b)))
	case 2:
		return dual.New(strconv.Itoa(int(b)), x)
	case 3:
		return dual.Number(math.Exp(x))
	case 4:
		return dual.Number(math.Inf(int(x)))
	default:
		return dual.Number(x)
	}
}

// A part is a stream of a file that is taken apart.
type part struct {
	attrs   container.Attributes
	content []byte
}

func takeApart(t testing.TB, b []byte) map[string]*part {
	c, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]*part{}
	for _, e := range c.Entries() {
		if e.Dir {
			continue
		}
		content, err := c.Read(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		parts[e.Path] = &part{e.Attributes, content}
	}
	return parts
}

// together writes a file of the streams, with right checksums.
func together(t testing.TB, parts map[string]*part) []byte {
	var m memory
	w := container.Create(&m)
	for _, path := range slices.Sorted(maps.Keys(parts)) {
		if err := w.AddBytes(path, container.Meta{Attributes: parts[path].attrs, Hash: true}, parts[path].content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return m.b
}

// decoded stores a stream as it is without its encoding.
func (p *part) decoded() {
	var out []byte
	var err error
	switch p.attrs[attrEncoding] {
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20)); err == nil {
			out, err = z.DecodeAll(p.content, nil)
			z.Close()
		}
	case "s2":
		var b bytes.Buffer
		_, err = b.ReadFrom(s2.NewReader(bytes.NewReader(p.content)))
		out = b.Bytes()
	default:
		return
	}
	if err == nil {
		p.content = out
		delete(p.attrs, attrEncoding)
	}
}

// A change is what five bytes do to one of the streams.
type change [5]byte

func (c change) apply(parts map[string]*part) {
	paths := slices.Sorted(maps.Keys(parts))
	path, other := paths[int(c[1])%len(paths)], paths[int(c[2])%len(paths)]
	p := parts[path]
	at := int(binary.LittleEndian.Uint16(c[2:]))
	switch c[0] % 10 {
	case 0:
		p.set(at, c[4])
	case 1:
		p.decoded()
		p.set(at, c[4])
	case 2:
		p.content = p.content[:min(at, len(p.content))]
	case 3:
		p.decoded()
		p.content = append(p.content, bytes.Repeat(c[4:], at%100)...)
		p.attrs[attrBytes] = float64(len(p.content))
	case 4:
		values := []any{nil, true, false, "zstd", "s2", "true", -1.0, 0.5, 0.0, 1.0, 1e15, 1e300, float64(c[2]), float64(len(p.content)), "", []any{}}
		p.attrs[attribute(c[4])] = values[int(c[3])%len(values)]
	case 5:
		delete(p.attrs, attribute(c[4]))
	case 6:
		parts[path], parts[other] = parts[other], parts[path]
	case 7:
		parts[path].content = bytes.Clone(parts[other].content)
	case 8:
		if len(parts) > 1 {
			delete(parts, path)
		}
	case 9: // four bytes at once
		p.decoded()
		if at*4+4 <= len(p.content) {
			binary.LittleEndian.PutUint32(p.content[at*4:], uint32(int32(int8(c[4]))))
		}
	}
}

func (p *part) set(at int, to byte) {
	if at < len(p.content) {
		p.content[at] = to
	}
}

func attribute(i byte) string {
	names := []string{attrVersion, attrBytes, attrEncoding, attrSealed, container.AttrType}
	return names[int(i)%len(names)]
}

// realApps returns small real apps as files of ours have them.
func realApps(t testing.TB) (apps []qvf.Content) {
	for _, b := range realFiles() {
		c, err := open(b)
		if err != nil {
			continue
		}
		app, err := qvf.ReadApp(c)
		if err != nil {
			t.Fatal(err)
		}
		catalog := storage.NewCatalog(nil)
		if _, err := qvf.ReadData(t.Context(), c, catalog); err != nil {
			t.Fatal(err)
		}
		if err := catalog.Seal(); err != nil {
			t.Fatal(err)
		}
		apps = append(apps, qvf.Content{App: app, Data: catalog, State: json.RawMessage(`{}`)})
	}
	return apps
}

// keyRing makes a key store of one certificate.
func keyRing(t testing.TB) *crypt.Ring {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fuzz"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key.pem"), both, 0o600); err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	_, thumbprint := crypt.Thumbprints(cert)
	ring, err := crypt.NewRing(crypt.Config{Folder: dir, Active: []string{thumbprint}})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// FuzzOwn: a file of ours that is valid but for some bytes and attributes, with
// checksums that are right, opens as it was saved or says what is wrong. What
// opens can be saved and opened again; in an encrypted file, only what was
// saved opens at all.
func FuzzOwn(f *testing.F) {
	values := []byte("\x02ab\x03cd\x04\x01\x02\x2b\x01\xff\x50zz\x51yx\x76\x01\x02\x77\x03\x04\xff00")
	all := []byte("\x01\x00\x05\x00\xff\x01\x01\x08\x00\x01\x02\x03\x08\x00\x00\x03\x04\x01\x00\x00\x04\x01\x00\x0a\x01\x06\x02\x03\x00\x00")
	f.Add(uint8(0), values, []byte{})
	f.Add(uint8(modeCompact), values, all[:5])
	f.Add(uint8(modeSealed), values, all[20:25])
	f.Add(uint8(modeSealed), values, []byte{})
	f.Add(uint8(0), []byte{}, all)
	for i := range len(all) / 5 {
		f.Add(uint8(0), values, all[5*i:][:5])
		f.Add(uint8(modeReal|i&7<<2), []byte{}, all[5*i:][:5])
	}
	f.Add(uint8(modeReal), []byte{}, []byte{})
	apps, ring := realApps(f), keyRing(f)
	f.Fuzz(func(t *testing.T, mode uint8, values, changes []byte) {
		want := qvf.Content{App: &qvf.App{}, State: json.RawMessage(`{"version":1}`)}
		if n := len(apps); mode&modeReal != 0 && n > 0 {
			want = apps[int(mode>>2&7)%n]
		} else {
			want.App, _ = sample(t)
			want.Data, want.Access = modelOf(t, values[:min(len(values), 3000)]), modelOf(t, values[:min(len(values), 9)])
		}
		o := qvf.SaveOptions{Compact: mode&modeCompact != 0}
		if mode&modeSealed == modeSealed {
			o.Seal = ring.Recipients()
		}
		var m memory
		if err := qvf.Write(&m, want, o); err != nil {
			t.Fatal(err)
		}
		parts := takeApart(t, m.b)
		for rest := changes[:min(len(changes), 50)]; len(rest) >= 5; rest = rest[5:] {
			change(rest).apply(parts)
		}
		file, err := qvf.OpenBytes("fuzz.qvf", together(t, parts), qvf.OpenOptions{Keys: ring, BytesMax: 64 << 20})
		if err != nil {
			t.Fatal(err) // the container is sound
		}
		if app, err := file.App(); (app == nil) == (err == nil) {
			t.Fatal("an app beside an error, or neither")
		}
		if state, err := file.State(); err != nil && state != nil {
			t.Fatal("a state beside an error")
		}
		verified := file.Verify()
		if len(changes) < 5 && verified != nil {
			t.Fatal(verified)
		}
		for _, section := range []struct {
			open func(func(dual.Value) string) (*storage.Catalog, error)
			want *storage.Catalog
		}{{file.Data, want.Data}, {file.Access, want.Access}} {
			c, err := section.open(nil)
			if err != nil || c == nil {
				if c != nil || len(changes) < 5 && section.want != nil {
					t.Fatal(c, err)
				}
				continue
			}
			if c.Verify() != nil {
				continue
			}
			if len(changes) < 5 || file.Sealed() {
				sameCells(t, section.want, c)
			}
			again(t, c)
		}
	})
}

// again saves and opens what was opened.
func again(t *testing.T, c *storage.Catalog) {
	for _, table := range c.Tables() {
		if table.Rows > 1<<16 {
			return // many rows of one value: right, but slow
		}
	}
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	var m memory
	if err := qvf.Write(&m, qvf.Content{App: &qvf.App{}, Data: c}, qvf.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	file, err := qvf.OpenBytes("again.qvf", m.b, qvf.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := file.Data(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Verify(); err != nil {
		t.Fatal(err)
	}
	if len(got.Tables()) != len(c.Tables()) {
		t.Fatalf("%d tables, %d", len(got.Tables()), len(c.Tables()))
	}
	sameCells(t, c, got)
}
