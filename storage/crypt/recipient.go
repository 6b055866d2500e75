package crypt

import (
	"crypto/rsa"
	"crypto/sha1" // as a thumbprint, which only looks keys up
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

const (
	rsaBitsMin = 2048
	rsaBitsMax = 16384
)

// A Recipient is a certificate to seal for.
type Recipient struct {
	// AllowExpired lets objects be sealed for a certificate outside of its
	// time: the certificate is only a shell around a key, which still opens.
	AllowExpired bool

	key                 *rsa.PublicKey
	x5t, x5tS256        string
	notBefore, notAfter time.Time
}

// NewRecipient makes a recipient of a certificate with an RSA key of 2048 to
// 16384 bits. Whether the certificate is in its time is checked at each
// sealing. Chains and revocation are not checked.
func NewRecipient(cert *x509.Certificate) (*Recipient, error) {
	x5t, x5tS256 := Thumbprints(cert)
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: %s: key is %v, want RSA", ErrCertificate, x5t, cert.PublicKeyAlgorithm)
	}
	if bits := key.N.BitLen(); bits < rsaBitsMin || bits > rsaBitsMax {
		return nil, fmt.Errorf("%w: %s: RSA key has %d bits, want %d to %d", ErrCertificate, x5t, bits, rsaBitsMin, rsaBitsMax)
	}
	return &Recipient{key: key, x5t: x5t, x5tS256: x5tS256, notBefore: cert.NotBefore, notAfter: cert.NotAfter}, nil
}

// Thumbprints returns the SHA-1 (x5t) and SHA-256 (x5t#S256) of the
// certificate's DER bytes as lower-case hexadecimal digits. The first is what
// Windows and Qlik call the thumbprint.
func Thumbprints(cert *x509.Certificate) (x5t, x5tS256 string) {
	h1, h256 := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw)
	return hex.EncodeToString(h1[:]), hex.EncodeToString(h256[:])
}

// X5T returns the SHA-1 thumbprint.
func (r *Recipient) X5T() string { return r.x5t }

// X5TS256 returns the SHA-256 thumbprint.
func (r *Recipient) X5TS256() string { return r.x5tS256 }

// usable says why nothing may be sealed for r at the time now.
func (r *Recipient) usable(now time.Time) error {
	if r.AllowExpired || !now.Before(r.notBefore) && !now.After(r.notAfter) {
		return nil
	}
	return fmt.Errorf("%w: %s: valid from %s to %s; allow expired certificates or choose another",
		ErrCertificate, r.x5t, r.notBefore.Format(time.DateOnly), r.notAfter.Format(time.DateOnly))
}

// wrapFor returns the recipients' list of an object: dek, wrapped for each.
func wrapFor(to []*Recipient, dek []byte, random io.Reader, now time.Time) ([]string, error) {
	if n := len(to); n == 0 || n > recipientsMax {
		return nil, fmt.Errorf("seal: %d recipients, want 1 to %d", n, recipientsMax)
	}
	rcp := make([]string, 0, len(to))
	for _, r := range to {
		if err := r.usable(now); err != nil {
			return nil, err
		}
		// The empty label is the one that CNG, PKCS#11 and every KMS share.
		wrapped, err := rsa.EncryptOAEP(sha256.New(), random, r.key, dek, nil)
		if err != nil {
			return nil, fmt.Errorf("wrap the key for %s: %w", r.x5t, err)
		}
		rcp = append(rcp, stanza{r.x5t, r.x5tS256, wrapped}.String())
	}
	return rcp, nil
}
