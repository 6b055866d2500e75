package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ServerTLS is the configuration of a listener between services: clients need
// a certificate of the site. Handshakes after Renew use the new certificate.
func (s *Store) ServerTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: s.pool(), Time: s.opt.Now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.server.Load().tls(), nil },
		VerifyConnection: func(c tls.ConnectionState) error {
			if len(c.PeerCertificates) == 0 || roleOf(c.PeerCertificates[0]) != Client {
				return errors.New("not a client certificate of the site")
			}
			return nil
		},
	}
}

// ClientTLS is the configuration of connections to other services of the site.
func (s *Store) ClientTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: s.pool(), Time: s.opt.Now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.client.Load().tls(), nil },
	}
}

// FrontEnd is a holder for the certificate that users see. Without another one
// it is the site's own server certificate, as it is at the time.
func (s *Store) FrontEnd() *Holder {
	return &Holder{now: s.opt.Now, own: func() *tls.Certificate { return s.server.Load().tls() }}
}

// RootPEM is the authority's certificate, for those who have to trust it.
func (s *Store) RootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.root.leaf.Raw})
}

func (s *Store) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(s.root.leaf)
	return p
}

func (p *pair) tls() *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{p.leaf.Raw}, PrivateKey: p.key, Leaf: p.leaf}
}

// A Holder is a certificate that can be exchanged: connections go on, new ones
// get the new one. Any number of goroutines may use it.
type Holder struct {
	now  func() time.Time
	own  func() *tls.Certificate
	cert atomic.Pointer[tls.Certificate] // nil = own
}

func (h *Holder) get() *tls.Certificate {
	if c := h.cert.Load(); c != nil {
		return c
	}
	return h.own()
}

// Reset goes back to the site's own certificate.
func (h *Holder) Reset() { h.cert.Store(nil) }

// Set exchanges the certificate for one with its chain and its key, both PEM,
// if it counts now, belongs to the key and names every host. Else the old one stays.
func (h *Holder) Set(chainPEM, keyPEM []byte, hosts ...string) error {
	c, err := tls.X509KeyPair(chainPEM, keyPEM)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	leaf := c.Leaf
	if now := h.now(); now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return fmt.Errorf("certificate %s: counts from %s to %s only", leaf.Subject, leaf.NotBefore, leaf.NotAfter)
	}
	for _, host := range hosts {
		if err := leaf.VerifyHostname(host); err != nil {
			return fmt.Errorf("certificate %s: %w", leaf.Subject, err)
		}
	}
	if err := checkChain(c); err != nil {
		return err
	}
	h.cert.Store(&c)
	return nil
}

// checkChain says which certificate was not signed by the one after it.
func checkChain(c tls.Certificate) error {
	child := c.Leaf
	for _, der := range c.Certificate[1:] {
		parent, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("certificate chain: %w", err)
		}
		if err := child.CheckSignatureFrom(parent); err != nil {
			return fmt.Errorf("certificate %s: not signed by %s, the next of its chain: %w", child.Subject, parent.Subject, err)
		}
		child = parent
	}
	return nil
}

// Left is how long the certificate counts.
func (h *Holder) Left() time.Duration { return h.get().Leaf.NotAfter.Sub(h.now()) }

// TLS is the configuration of a listener for users.
func (h *Holder) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return h.get(), nil },
	}
}
