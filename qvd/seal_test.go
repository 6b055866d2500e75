package qvd

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
)

// newHolder makes a key and a certificate in a folder of their own.
func newHolder(t *testing.T) (dir string, keys crypt.Keys, to []*crypt.Recipient) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "holder"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for name, block := range map[string]*pem.Block{"a.key": {Type: "PRIVATE KEY", Bytes: pkcs8}, "a.crt": {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := crypt.OpenFolder(dir, crypt.FolderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := crypt.NewRecipient(cert)
	if err != nil {
		t.Fatal(err)
	}
	return dir, folder, []*crypt.Recipient{recipient}
}

func TestSealed(t *testing.T) {
	dir, keys, to := newHolder(t)
	newDir, newKeys, newTo := newHolder(t)
	table := randomTable(t, mathrand.New(mathrand.NewPCG(5, 6)), 30000, 5)
	table.Comment = "secret"
	path, plain := filepath.Join(dir, "t.qvd"), writeTable(t, table, WriteOptions{Show: show})
	o := WriteOptions{Show: show, Recipients: to, Lineage: []Lineage{{"password=1", ""}}}
	if err := WriteFile(t.Context(), path, table, o); err != nil {
		t.Fatal(err)
	}
	reopen := func(path string, keys crypt.Keys) {
		t.Helper()
		f, err := Open(path, OpenOptions{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if report, err := f.Verify(t.Context()); err != nil || len(f.Header().Lineage) > 0 || f.Header().Comment != "" {
			t.Errorf("verify: %v, %+v; %+v", err, report, f.Header())
		}
		loaded, err := f.Table(t.Context(), storage.NewCatalog(show), Projection{})
		if err != nil {
			t.Fatal(err)
		}
		loaded.Comment = "secret"
		if again := writeTable(t, loaded, WriteOptions{Show: show}); !bytes.Equal(again, plain) {
			t.Error("other data")
		}
	}
	reopen(path, keys)

	rekeyed := filepath.Join(newDir, "u.qvd")
	if err := Rekey(path, rekeyed, keys, newTo); err != nil {
		t.Fatal(err)
	}
	reopen(rekeyed, newKeys)
	if _, err := Open(rekeyed, OpenOptions{Keys: keys}); !errors.Is(err, crypt.ErrNoKey) || !strings.Contains(err.Error(), newTo[0].X5T()) {
		t.Errorf("the old key: %v", err)
	}
	if a, b := bodyOf(t, path), bodyOf(t, rekeyed); !bytes.Equal(a, b) {
		t.Error("the body changed")
	}
	if err := Rekey(rekeyed, rekeyed, newKeys, to); err != nil { // in place, and back
		t.Fatal(err)
	}
	reopen(rekeyed, keys)
	checkLocked(t, path)
	checkReference(t, path, dir, plain)
}

func bodyOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := bytes.Cut(b, []byte(endTag))
	return body
}

// checkLocked: without keys the header can be read, and nothing else.
func checkLocked(t *testing.T, path string) {
	t.Helper()
	f, err := Open(path, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !f.Encrypted() || f.Header().Rows != 30000 {
		t.Errorf("%+v", f.Header())
	}
	_, tableErr := f.Table(t.Context(), storage.NewCatalog(nil), Projection{})
	_, symbolsErr := f.Symbols(0)
	_, batchesErr := f.Batches(t.Context(), nil, 0)
	_, verifyErr := f.Verify(t.Context())
	for _, err := range []error{tableErr, symbolsErr, batchesErr, verifyErr} {
		var bad *FormatError
		if !errors.Is(err, ErrEncrypted) || !errors.As(err, &bad) || bad.File != "t.qvd" {
			t.Errorf("without a key: %v", err)
		}
	}
}

// checkReference opens the file with the reference program of the envelope.
func checkReference(t *testing.T, path, dir string, plain []byte) {
	t.Helper()
	script := "../storage/crypt/testdata/encryption-ref.mjs"
	node, err := exec.LookPath("node")
	if err != nil {
		t.Log("no node: the reference program was not asked")
		return
	}
	if _, err := os.Stat(script); err != nil {
		t.Skip(err)
	}
	out := filepath.Join(dir, "plain.qvd")
	cmd := exec.CommandContext(t.Context(), node, script, "open", path, out, filepath.Join(dir, "a.key"), filepath.Join(dir, "a.crt"))
	if log, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, log)
	}
	_, want, _ := bytes.Cut(plain, []byte(endTag))
	if !bytes.Equal(bodyOf(t, out), want) {
		t.Error("the reference program reads another body")
	}
}

// Any changed byte of a sealed file is noticed.
func TestSealedAltered(t *testing.T) {
	_, keys, to := newHolder(t)
	good := writeTable(t, randomTable(t, mathrand.New(mathrand.NewPCG(7, 8)), 20, 2), WriteOptions{Recipients: to})
	load := func(file []byte) error {
		f, err := NewFile("t.qvd", bytes.NewReader(file), int64(len(file)), OpenOptions{Keys: keys})
		if err != nil {
			return err
		}
		_, err = f.Table(t.Context(), storage.NewCatalog(nil), Projection{})
		return err
	}
	if err := load(good); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(good); i += 1 + i/600*6 {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if load(bad) == nil {
			t.Errorf("byte %d (%q) changed without an error", i, good[max(0, i-10):i+1])
		}
		if i%7 == 0 && load(good[:i]) == nil {
			t.Errorf("cut at %d without an error", i)
		}
	}
}
