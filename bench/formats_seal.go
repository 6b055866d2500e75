package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/cognate-bi/cognate/storage/crypt"
)

// A sealingKey is a key pair of this run with a certificate; it is a key store
// of itself.
type sealingKey struct {
	private   *rsa.PrivateKey
	recipient *crypt.Recipient
}

var _ crypt.Keys = (*sealingKey)(nil)

func newSealingKey() (*sealingKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	recipient, err := crypt.NewRecipient(cert)
	return &sealingKey{private, recipient}, err
}

func (k *sealingKey) recipients() []*crypt.Recipient { return []*crypt.Recipient{k.recipient} }

// Find implements [crypt.Keys].
func (k *sealingKey) Find(x5tS256, _ string) (crypt.Unwrapper, error) {
	if x5tS256 != k.recipient.X5TS256() {
		return nil, crypt.ErrNoKey
	}
	return k, nil
}

// Unwrap implements [crypt.Unwrapper].
func (k *sealingKey) Unwrap(wrapped []byte) ([]byte, error) {
	return rsa.DecryptOAEP(sha256.New(), nil, k.private, wrapped, nil)
}

// Names of the measured sealing and opening, of bytes in memory.
const (
	sealBytes = "seal"
	openBytes = "open sealed"
)

// sealing measures encryption without any format around it.
func (f *formats) sealing(ctx context.Context) error {
	size := min(256<<20, f.cfg.AppBytes)
	text := make([]byte, size)
	for i := range text {
		text[i] = byte(i * i >> 8)
	}
	sealed := bytes.NewBuffer(make([]byte, 0, size+size/256))
	opened := make([]byte, size)
	right := func() (string, error) {
		if !bytes.Equal(opened, text) {
			return "", errors.New("what was opened is not what was sealed")
		}
		return fmt.Sprintf("%d bytes", len(opened)), nil
	}
	for _, n := range cores() {
		var params crypt.Params
		err := f.measure(ctx, job{
			name: sealBytes, cores: n, times: 5,
			bytes: func() int64 { return size },
			run: func() error {
				sealed.Reset()
				e, err := crypt.Seal(nil, size, f.key.recipients(), crypt.Options{Workers: n})
				if err != nil {
					return err
				}
				params = e.Params()
				w := e.Writer(sealed)
				_, err = io.Copy(w, bytes.NewReader(text))
				return errors.Join(err, w.Close())
			},
			check: func() (string, error) { return fmt.Sprintf("%d bytes", sealed.Len()), nil },
		})
		if err != nil {
			return err
		}
		err = f.measure(ctx, job{
			name: openBytes, cores: n, times: 5,
			bytes: func() int64 { return size },
			run: func() error {
				clear(opened[:1])
				e, err := crypt.Open(nil, params, f.key)
				if err != nil {
					return err
				}
				body, err := e.Body(bytes.NewReader(sealed.Bytes()), 0, int64(sealed.Len()))
				if err != nil {
					return err
				}
				_, err = body.ReadAt(opened, 0)
				if err == io.EOF {
					return nil
				}
				return err
			},
			check: right,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
