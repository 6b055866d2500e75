package certs

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A pair is a certificate and its key.
type pair struct {
	leaf *x509.Certificate
	key  crypto.Signer
}

func certFile(r Role) string { return strings.ToLower(string(r)) + ".pem" }
func keyFile(r Role) string  { return strings.ToLower(string(r)) + "_key.pem" }

// read reads a certificate and its key, and checks that they belong together.
// The error wraps os.ErrNotExist if one of the files is missing.
func read(dir string, r Role) (p pair, _ error) {
	cert, err := readBlock(dir, certFile(r), "CERTIFICATE")
	if err != nil {
		return p, err
	}
	if p.leaf, err = x509.ParseCertificate(cert); err != nil {
		return pair{}, fmt.Errorf("%s: %w", certFile(r), err)
	}
	der, err := readBlock(dir, keyFile(r), "PRIVATE KEY")
	if err != nil {
		return pair{}, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return pair{}, fmt.Errorf("%s: %w", keyFile(r), err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return pair{}, fmt.Errorf("%s: a %T cannot sign", keyFile(r), key)
	}
	public, ok := p.leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(signer.Public()) {
		return pair{}, fmt.Errorf("%s: is not the key of %s", keyFile(r), certFile(r))
	}
	p.key = signer
	return p, nil
}

// readBlock reads the only PEM block of a file.
func readBlock(dir, name, kind string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s: no PEM block %q", name, kind)
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, fmt.Errorf("%s: several PEM blocks, want one", name)
	}
	return block.Bytes, nil
}

func write(dir string, r Role, p pair) error {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if err := replace(dir, keyFile(r), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	return replace(dir, certFile(r), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.leaf.Raw}), 0o644)
}

// replace puts a file in the place of another: whoever reads it gets the one or
// the other, also after a crash.
func replace(dir, name string, b []byte, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(dir, "."+name+"-*") // 0600 from the start
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // may be closed
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	if d, err := os.Open(dir); err == nil { // some systems cannot
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}
