package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
)

// A KeyKind is an algorithm of keys.
type KeyKind int

// The kinds: ECDSA on P-256, and RSA with 3072 bits for clients that know
// nothing else.
const (
	ECDSA KeyKind = iota
	RSA
)

func (k KeyKind) generate(random io.Reader) (crypto.Signer, error) {
	if k == RSA {
		return rsa.GenerateKey(random, 3072)
	}
	return ecdsa.GenerateKey(elliptic.P256(), random)
}

// template is what all certificates have.
func (s *Store) template(role Role, name string) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	if _, err := io.ReadFull(s.opt.Rand, serial); err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	serial[0] &= 0x7f
	ext, err := roleExtension(role)
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: s.opt.Now().Add(-backdated), BasicConstraintsValid: true, ExtraExtensions: []pkix.Extension{ext},
	}, nil
}

func (s *Store) makeRoot() error {
	c, err := s.template(Root, s.opt.Host+"-CA")
	if err != nil {
		return err
	}
	c.IsCA, c.MaxPathLenZero = true, true
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	c.NotAfter = s.opt.Now().Add(rootLife)
	key, err := s.opt.Keys.generate(s.opt.Rand)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	s.root, err = s.sign(Root, c, key, c, key)
	return err
}

func (s *Store) makeLeaf(role Role) (pair, error) {
	name := s.opt.Host
	if role == Client {
		name = "QlikClient"
	}
	c, err := s.template(role, name)
	if err != nil {
		return pair{}, err
	}
	c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	life, keys := leafLife, s.opt.Keys
	switch role {
	case Client:
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case Server:
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		s.name(c)
	case SAML:
		life, keys = rootLife, RSA
	}
	c.NotAfter = s.opt.Now().Add(life)
	if end := s.root.leaf.NotAfter; c.NotAfter.After(end) {
		c.NotAfter = end
	}
	key, err := keys.generate(s.opt.Rand)
	if err != nil {
		return pair{}, fmt.Errorf("key: %w", err)
	}
	return s.sign(role, c, key, s.root.leaf, s.root.key)
}

// name names the host in a certificate.
func (s *Store) name(c *x509.Certificate) {
	for _, n := range s.names() {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
}

// sign makes a certificate and stores it, the key first: a certificate without
// its key would be an error at the next start.
func (s *Store) sign(role Role, c *x509.Certificate, key crypto.Signer, parent *x509.Certificate, parentKey crypto.Signer) (pair, error) {
	der, err := x509.CreateCertificate(s.opt.Rand, c, parent, key.Public(), parentKey)
	if err != nil {
		return pair{}, fmt.Errorf("sign: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return pair{}, fmt.Errorf("read what was signed: %w", err)
	}
	p := pair{leaf: leaf, key: key}
	return p, write(s.opt.Dir, role, p)
}
