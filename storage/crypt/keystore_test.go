package crypt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

func pemCert(id *identity) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.cert.Raw})
}

func pemPKCS8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func pemPKCS1(id *identity) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(id.key)})
}

// keyFolder writes files that only their owner may read.
func keyFolder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func openFolder(t testing.TB, dir string, o FolderOptions) *Folder {
	t.Helper()
	f, err := OpenFolder(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// opens says whether the store opens what is sealed for id.
func opens(t testing.TB, keys Keys, id *identity) error {
	t.Helper()
	to := *id.recipient
	to.AllowExpired = true
	p, sealed := sealBody(t, []byte("x"), 1, &to)
	_, err := openBody(testClear, p, sealed, keys)
	return err
}

func TestFolderKinds(t *testing.T) {
	id := testKey(t, 0)
	pfx := func(password string) []byte {
		data, err := pkcs12.Modern.Encode(id.key, id.cert, nil, password)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	old, err := pkcs12.LegacyDES.Encode(id.key, id.cert, nil, "secret") // what older Windows exports
	if err != nil {
		t.Fatal(err)
	}
	fromFunc := FolderOptions{Password: func(string) (string, error) { return "secret", nil }}
	for _, tt := range []struct {
		why   string
		files map[string][]byte
		o     FolderOptions
	}{
		{"PKCS#8 beside its certificate", map[string][]byte{"a.key": pemPKCS8(t, id.key), "a.crt": pemCert(id)}, FolderOptions{}},
		{"PKCS#1", map[string][]byte{"a.key": pemPKCS1(id), "a.pem": pemCert(id)}, FolderOptions{}},
		{"both in one file", map[string][]byte{"a.pem": append(pemCert(id), pemPKCS8(t, id.key)...)}, FolderOptions{}},
		{"names do not matter", map[string][]byte{"z.key": pemPKCS8(t, id.key), "a.cer": pemCert(id)}, FolderOptions{}},
		{"DER certificate", map[string][]byte{"a.key": pemPKCS8(t, id.key), "a.cer": id.cert.Raw}, FolderOptions{}},
		{"other certificates around", map[string][]byte{"a.pem": append(pemCert(testKey(t, 1)), append(pemCert(id), pemPKCS8(t, id.key)...)...)}, FolderOptions{}},
		{"PKCS#12, password from a function", map[string][]byte{"a.pfx": pfx("secret")}, fromFunc},
		{"PKCS#12, password file", map[string][]byte{"a.p12": pfx("secret"), "a.p12.password": []byte("secret\n")}, FolderOptions{}},
		{"PKCS#12, password file of Windows", map[string][]byte{"a.P12": pfx("secret"), "a.P12.password": []byte("secret\r\n")}, FolderOptions{}},
		{"PKCS#12, no password", map[string][]byte{"a.p12": pfx("")}, FolderOptions{}},
		{"PKCS#12, old ciphers", map[string][]byte{"a.p12": old}, fromFunc},
	} {
		t.Run(tt.why, func(t *testing.T) {
			f := openFolder(t, keyFolder(t, tt.files), tt.o)
			if err := opens(t, f, id); err != nil {
				t.Errorf("%v; problems: %v", err, f.Problems())
			}
			if len(f.Problems()) > 0 {
				t.Errorf("problems: %v", f.Problems())
			}
			if got := f.Thumbprints(); len(got) != 1 || got[0] != id.recipient.X5T() {
				t.Errorf("Thumbprints = %v", got)
			}
			if u, err := f.Find("", id.recipient.X5T()); u == nil || err != nil {
				t.Errorf("by SHA-1 alone: %v", err)
			}
		})
	}
}

func TestFolderEncryptedPKCS8(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl, which encrypts the key, is not installed")
	}
	id := testKey(t, 0)
	for _, args := range []string{
		"-v2 aes-256-cbc", "-v2 aes-128-cbc -v2prf hmacWithSHA1", "-v2 aes-192-cbc -v2prf hmacWithSHA512 -iter 10000",
	} {
		cmd := exec.CommandContext(t.Context(), openssl, append([]string{"pkcs8", "-topk8", "-passout", "pass:geheim"}, strings.Fields(args)...)...)
		cmd.Stdin = bytes.NewReader(pemPKCS8(t, id.key))
		encrypted, err := cmd.Output()
		if err != nil {
			t.Fatalf("openssl: %v", err)
		}
		files := map[string][]byte{"k.pem": encrypted, "c.pem": pemCert(id), "k.pem.password": []byte("geheim")}
		if err := opens(t, openFolder(t, keyFolder(t, files), FolderOptions{}), id); err != nil {
			t.Errorf("%s: %v", args, err)
		}
		files["k.pem.password"] = []byte("falsch")
		err = opens(t, openFolder(t, keyFolder(t, files), FolderOptions{}), id)
		if !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), "wrong password") {
			t.Errorf("%s, wrong password: %v", args, err)
		}
	}
}

func TestFolderProblems(t *testing.T) {
	id := testKey(t, 0)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pfx, err := pkcs12.Modern.Encode(id.key, id.cert, nil, "secret")
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		why, name string
		data      []byte
		want      string
	}{
		{"no RSA key", "a.pem", pemPKCS8(t, ec), "want RSA"},
		{"small key", "a.pem", pemPKCS8(t, small), "1024 bits"},
		{"wrong password", "a.p12", pfx, "password"},
		{"no PKCS#12", "a.p12", []byte("text"), "pkcs12"},
		{"no PEM", "a.pem", []byte("text"), "no PEM block"},
		{"no DER", "a.crt", []byte("text"), "x509"},
		{"broken PEM", "a.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}), "asn1"},
		{"broken encrypted PEM", "a.pem", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}}), "asn1"},
		{"encryption of old", "a.pem", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}}), "pkcs8 -topk8"},
		{"other PEM", "a.pem", pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS"}), "neither"},
		{"huge file", "a.pem", make([]byte, keyFileMax+1), "at most"},
	} {
		t.Run(tt.why, func(t *testing.T) {
			dir := keyFolder(t, map[string][]byte{
				tt.name: tt.data, "good.pem": append(pemCert(id), pemPKCS8(t, id.key)...), "readme.txt": nil,
			})
			f := openFolder(t, dir, FolderOptions{})
			if len(f.Problems()) != 1 || !strings.Contains(f.Problems()[0].Error(), tt.want) || !strings.Contains(f.Problems()[0].Error(), tt.name) {
				t.Errorf("problems %v, want %q", f.Problems(), tt.want)
			}
			if err := opens(t, f, id); err != nil {
				t.Errorf("one bad file stops the others: %v", err)
			}
		})
	}
	if _, err := OpenFolder(filepath.Join(t.TempDir(), "none"), FolderOptions{}); err == nil {
		t.Error("a folder that is not there")
	}
}

func TestFolderModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	id := testKey(t, 0)
	for _, tt := range []struct {
		mode     os.FileMode
		allow    bool
		opens    bool
		problems int
	}{
		{0o600, false, true, 0},
		{0o400, false, true, 0},
		{0o640, false, true, 1},
		{0o644, false, false, 1},
		{0o644, true, true, 1},
	} {
		dir := keyFolder(t, map[string][]byte{"k.pem": pemPKCS8(t, id.key), "c.pem": pemCert(id)})
		if err := os.Chmod(filepath.Join(dir, "k.pem"), tt.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, "c.pem"), 0o644); err != nil { // a certificate is public
			t.Fatal(err)
		}
		f := openFolder(t, dir, FolderOptions{AllowReadable: tt.allow})
		err := opens(t, f, id)
		if (err == nil) != tt.opens || len(f.Problems()) != tt.problems {
			t.Errorf("mode %#o, allow %v: %v; problems %v", tt.mode, tt.allow, err, f.Problems())
		}
		if err != nil && (!errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), "0644")) {
			t.Errorf("mode %#o: %v", tt.mode, err)
		}
	}
}

func TestExpired(t *testing.T) {
	id := expiredKey(t)
	dir := keyFolder(t, map[string][]byte{"a.pem": append(pemCert(id), pemPKCS8(t, id.key)...)})
	if _, err := Seal(nil, 0, []*Recipient{id.recipient}, Options{}); !errors.Is(err, ErrCertificate) || !strings.Contains(err.Error(), id.recipient.X5T()) {
		t.Errorf("sealing: %v, want ErrCertificate", err)
	}
	if err := opens(t, openFolder(t, dir, FolderOptions{}), id); err != nil {
		t.Errorf("opening: %v", err)
	}
	c := Config{Active: []string{id.recipient.X5T()}, Folder: dir}
	if err := newRing(t, c).Validate(); !errors.Is(err, ErrCertificate) {
		t.Errorf("Validate: %v, want ErrCertificate", err)
	}
	c.AllowExpired = true
	if err := newRing(t, c).Validate(); err != nil {
		t.Errorf("Validate, allowed: %v", err)
	}
	future, err := newIdentity(id.key, time.Now().Add(time.Hour), time.Now().Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Seal(nil, 0, []*Recipient{future.recipient}, Options{}); !errors.Is(err, ErrCertificate) {
		t.Errorf("not yet valid: %v", err)
	}
}

func newRing(t testing.TB, c Config) *Ring {
	t.Helper()
	r, err := NewRing(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNewRecipient(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, pub := range []any{ec.Public(), small.Public()} {
		if r, err := NewRecipient(&x509.Certificate{PublicKey: pub}); !errors.Is(err, ErrCertificate) || r != nil {
			t.Errorf("%T: %v", pub, err)
		}
	}
	if n := len(testKey(t, 0).recipient.X5T()); n != 40 {
		t.Errorf("X5T has %d digits", n)
	}
	many := make([]*Recipient, recipientsMax+1)
	for i := range many {
		many[i] = testKey(t, 0).recipient
	}
	if _, err := Seal(nil, 0, many, Options{}); err == nil {
		t.Error("65 recipients")
	}
	if _, err := Seal(nil, 0, many[1:], Options{}); err != nil {
		t.Errorf("64 recipients: %v", err)
	}
}

func TestRing(t *testing.T) {
	now, old, away := testKey(t, 0), testKey(t, 1), testKey(t, 2)
	dir := keyFolder(t, map[string][]byte{
		"now.pem":  append(pemCert(now), pemPKCS8(t, now.key)...),
		"old.pem":  append(pemCert(old), pemPKCS1(old)...),
		"away.pem": pemCert(away), // its key is elsewhere
	})
	pretty := "\u200e" + strings.ToUpper(now.recipient.X5T()[:2]) + " " + now.recipient.X5T()[2:10] + ":" + now.recipient.X5T()[10:]
	r := newRing(t, Config{Active: []string{pretty, away.recipient.X5TS256()}, Folder: dir})
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	if to := r.Recipients(); len(to) != 2 || to[0].X5T() != now.recipient.X5T() || to[1].X5T() != away.recipient.X5T() {
		t.Errorf("Recipients = %v", to)
	}
	if err := opens(t, r, old); err != nil {
		t.Errorf("retired key: %v", err)
	}
	if err := opens(t, r, away); !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), "without its private key") {
		t.Errorf("key elsewhere: %v", err)
	}
	if err := newRing(t, Config{Active: []string{away.recipient.X5T()}, Folder: dir}).Validate(); !errors.Is(err, ErrNoKey) {
		t.Errorf("a server that cannot open what it seals: %v", err)
	}
	token := newRing(t, Config{Active: []string{away.recipient.X5T()}, Folder: dir, More: []Keys{away}})
	if err := token.Validate(); err != nil {
		t.Errorf("certificate in the folder, key in a token: %v", err)
	}
	for _, bad := range []Config{
		{Active: []string{"123"}, Folder: dir},
		{Active: []string{strings.Repeat("ab", 20)}, Folder: dir},
		{Active: []string{now.recipient.X5T()}},
		{Folder: filepath.Join(dir, "none")},
	} {
		if _, err := NewRing(bad); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
	if err := newRing(t, Config{}).Validate(); err != nil {
		t.Errorf("nothing configured: %v", err)
	}
}

// brokenStore knows every key and can use none.
type brokenStore struct{}

var errToken = errors.New("token is locked")

func (brokenStore) Find(_, _ string) (Unwrapper, error) { return nil, errToken }

func TestChain(t *testing.T) {
	a, b := testKey(t, 0), testKey(t, 1)
	if err := opens(t, Chain(a, b), b); err != nil {
		t.Errorf("second store: %v", err)
	}
	if err := opens(t, Chain(brokenStore{}, b), b); err != nil {
		t.Errorf("behind a broken store: %v", err)
	}
	if err := opens(t, Chain(a, brokenStore{}), b); !errors.Is(err, errToken) || !strings.Contains(err.Error(), b.recipient.X5T()) {
		t.Errorf("broken store: %v", err)
	}
	if err := opens(t, nil, b); !errors.Is(err, ErrNoKey) {
		t.Errorf("nil store: %v", err)
	}
	if err := opens(t, Chain(), b); !errors.Is(err, ErrNoKey) {
		t.Errorf("no store: %v", err)
	}
	wrong := &identity{key: a.key, cert: b.cert, recipient: b.recipient}
	if err := opens(t, wrong, b); !errors.Is(err, ErrKey) || err.Error() != ErrKey.Error() {
		t.Errorf("key that does not fit: %v, want ErrKey", err)
	}
	if err := (KeyProblem{File: "f", Err: errToken}); !errors.Is(err, errToken) || fmt.Sprint(err) == "" {
		t.Error(err)
	}
}
