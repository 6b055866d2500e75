package certs

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Find looks in a folder for the certificate with a thumbprint, the SHA-1 of its
// bytes in hexadecimal as certificate stores show it. The file <name>.pem has
// the certificate and then its chain, <name>_key.pem its key.
func Find(dir, thumbprint string) (chainPEM, keyPEM []byte, err error) {
	want := strings.ToLower(strings.NewReplacer(" ", "", ":", "", "\u200e", "").Replace(thumbprint)) // as people copy it
	files, err := filepath.Glob(filepath.Join(dir, "*.pem"))
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_key.pem") {
			continue
		}
		chain, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, err
		}
		if thumbprintOf(chain) != want {
			continue
		}
		key, err := os.ReadFile(strings.TrimSuffix(file, ".pem") + "_key.pem")
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("certificate %s: its key belongs into %s_key.pem", filepath.Base(file), strings.TrimSuffix(filepath.Base(file), ".pem"))
		}
		return chain, key, err
	}
	return nil, nil, fmt.Errorf("no certificate with the thumbprint %q in %s (<name>.pem with <name>_key.pem)", thumbprint, dir)
}

// thumbprintOf returns that of the first certificate of a file, "" if there is
// none.
func thumbprintOf(text []byte) string {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return ""
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return ""
	}
	sum := sha1.Sum(block.Bytes) //nolint:gosec // names it; nothing is trusted for it
	return hex.EncodeToString(sum[:])
}
