package crypt

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"testing"
	"time"
)

// An identity is a certificate with its private key, and a key store of it.
type identity struct {
	key       *rsa.PrivateKey
	cert      *x509.Certificate
	recipient *Recipient
}

func (id *identity) Find(x5tS256, _ string) (Unwrapper, error) {
	if x5tS256 != id.recipient.x5tS256 {
		return nil, ErrNoKey
	}
	return rsaKey{id.key}, nil
}

// identities are made once per test binary: RSA keys are slow to find.
var identities = sync.OnceValues(func() (ids [3]*identity, err error) {
	for i := range ids {
		key, err := rsa.GenerateKey(rand.Reader, rsaBitsMin)
		if err != nil {
			return ids, err
		}
		if ids[i], err = newIdentity(key, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)); err != nil {
			return ids, err
		}
	}
	return ids, nil
})

func testKey(t testing.TB, i int) *identity {
	t.Helper()
	ids, err := identities()
	if err != nil {
		t.Fatal(err)
	}
	return ids[i]
}

// expiredKey is key 0 under a certificate of the past.
func expiredKey(t testing.TB) *identity {
	t.Helper()
	id, err := newIdentity(testKey(t, 0).key, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newIdentity(key *rsa.PrivateKey, from, to time.Time) (*identity, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    from,
		NotAfter:     to,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	r, err := NewRecipient(cert)
	return &identity{key: key, cert: cert, recipient: r}, err
}
