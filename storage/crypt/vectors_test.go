package crypt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// A vector is one known answer of testdata/encryption-vectors.json, with all
// intermediate values.
type vector struct {
	Name          string
	DEK           string
	Salt          string
	NoncePrefix   string
	Chunk         uint64
	PlainBody     string
	ClearHeader   []byte // base64 in the file
	Core          string
	HeaderBinding string
	BodyKey       string
	MacKey        string
	Recipients    []string
	Mac           string
	CipherBody    string
	File          []byte // base64 in the file
}

func loadVectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/encryption-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 4 {
		t.Fatalf("%d vectors, want 4", len(vectors))
	}
	return vectors
}

func (v vector) material(t *testing.T) (m material) {
	copy(m.dek[:], unhex(t, v.DEK))
	copy(m.salt[:], unhex(t, v.Salt))
	copy(m.prefix[:], unhex(t, v.NoncePrefix))
	return m
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantHex(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if h := hex.EncodeToString(got); h != want {
		t.Errorf("%s = %s, want %s", what, h, want)
	}
}

// fixedKey opens every object with one DEK.
type fixedKey []byte

func (k fixedKey) Find(_, _ string) (Unwrapper, error) { return k, nil }
func (k fixedKey) Unwrap([]byte) ([]byte, error)       { return bytes.Clone(k), nil }

func TestVectorsSchedule(t *testing.T) {
	for _, v := range loadVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			m := v.material(t)
			c := core{geometry{v.Chunk, uint64(len(v.PlainBody) / 2)}, m.salt, m.prefix}
			if got := c.String(); got != v.Core {
				t.Errorf("core = %s, want %s", got, v.Core)
			}
			if back, err := scanCore(v.Core); err != nil || back != c {
				t.Errorf("scanCore = %+v, %v", back, err)
			}
			hb := bind(v.ClearHeader, v.Core)
			wantHex(t, "hb", hb[:], v.HeaderBinding)
			kb, err := bodyKey(m.dek[:], m.salt[:], hb)
			if err != nil {
				t.Fatal(err)
			}
			wantHex(t, "kb", kb, v.BodyKey)
			km, err := macKey(m.dek[:], m.salt[:])
			if err != nil {
				t.Fatal(err)
			}
			wantHex(t, "km", km, v.MacKey)
			if got := encode64(macOf(km, hb, v.Recipients)); got != v.Mac {
				t.Errorf("mac = %s, want %s", got, v.Mac)
			}
		})
	}
}

func TestVectorsSeal(t *testing.T) {
	for _, v := range loadVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			m, plain := v.material(t), unhex(t, v.PlainBody)
			e, err := sealWith(v.ClearHeader, geometry{v.Chunk, uint64(len(plain))}, &m, v.Recipients)
			if err != nil {
				t.Fatal(err)
			}
			if p := e.Params(); p.Core != v.Core || p.Mac != v.Mac {
				t.Errorf("params = %+v", p)
			}
			var sealed bytes.Buffer
			w := e.Writer(&sealed)
			if _, err := w.Write(plain); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			wantHex(t, "sealed body", sealed.Bytes(), v.CipherBody)
			info := EncodeParams(e.Params())
			file := bytes.Replace(v.ClearHeader, []byte("<EncryptionInfo>"), []byte("<EncryptionInfo>"+info), 1)
			if !bytes.Equal(append(file, sealed.Bytes()...), v.File) {
				t.Errorf("file differs from the vector's")
			}
		})
	}
}

func TestVectorsOpen(t *testing.T) {
	for _, v := range loadVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			p, err := DecodeParams(infoOf(t, v.File))
			if err != nil {
				t.Fatal(err)
			}
			c, err := scanCore(p.Core) // the vectors' chunks are below the format's limit
			if err != nil {
				t.Fatal(err)
			}
			stanzas, err := p.stanzas()
			if err != nil {
				t.Fatal(err)
			}
			e, _, err := openParsed(v.ClearHeader, c, stanzas, p, fixedKey(unhex(t, v.DEK)))
			if err != nil {
				t.Fatal(err)
			}
			sealed := unhex(t, v.CipherBody)
			b, err := e.Body(bytes.NewReader(sealed), 0, int64(len(sealed)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.All(nil)
			if err != nil {
				t.Fatal(err)
			}
			wantHex(t, "body", got, v.PlainBody)
		})
	}
}

// infoOf returns the text of the EncryptionInfo element.
func infoOf(t *testing.T, file []byte) string {
	t.Helper()
	_, rest, ok := bytes.Cut(file, []byte("<EncryptionInfo>"))
	text, _, ok2 := bytes.Cut(rest, []byte("</EncryptionInfo>"))
	if !ok || !ok2 {
		t.Fatal("no EncryptionInfo element")
	}
	return string(text)
}
