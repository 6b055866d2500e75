package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // thumbprints are SHA-1
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// certificateCommand is `certificate FILE NAME [expired|public]` of a script:
// a new private key with a certificate in FILE, or the certificate alone, whose
// thumbprint $NAME is.
func certificateCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: certificate FILE NAME [expired|public]")
	}
	kind := append(args, "")[2]
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ts.Check(err)
	until := time.Now().Add(time.Hour)
	if kind == "expired" {
		until = time.Now().Add(-time.Hour)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: args[1]}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ts.Check(err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	if kind != "public" {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		ts.Check(err)
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
	thumbprint := sha1.Sum(cert) //nolint:gosec // thumbprints are SHA-1
	ts.Setenv(args[1], hex.EncodeToString(thumbprint[:]))
}

// flipCommand is `flip FILE OFFSET` of a script: it alters a byte, counted from
// the end where OFFSET is negative.
func flipCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE OFFSET")
	}
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0xff
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// cutCommand is `cut FILE BYTES` of a script: it takes bytes off the end.
func cutCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut FILE BYTES")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), info.Size()-n))
}
