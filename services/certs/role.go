package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"slices"
)

// A Role is what a certificate is for.
type Role string

// The roles.
const (
	Root   Role = "Root"
	Server Role = "Server"
	Client Role = "Client"
	SAML   Role = "SAML"
)

// roleOID is the extension that holds the role.
func roleOID() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 13, 3} }

func roleExtension(r Role) (pkix.Extension, error) {
	b, err := asn1.MarshalWithParams(string(r), "utf8")
	return pkix.Extension{Id: roleOID(), Value: b}, err
}

// roleOf reads the extension; "" if there is none.
func roleOf(c *x509.Certificate) Role {
	for _, e := range c.Extensions {
		var s string
		if e.Id.Equal(roleOID()) {
			if rest, err := asn1.Unmarshal(e.Value, &s); err == nil && len(rest) == 0 {
				return Role(s)
			}
		}
	}
	return ""
}

// check says why a certificate does not count: another role, its time, a chain
// that does not end at the authority, a name of the host that it lacks.
func (s *Store) check(p pair, role Role, root *x509.Certificate) error {
	if got := roleOf(p.leaf); got != role {
		return fmt.Errorf("is for %q, not for %q", got, role)
	}
	now := s.opt.Now()
	if now.Before(p.leaf.NotBefore) || now.After(p.leaf.NotAfter) {
		return fmt.Errorf("counts from %s to %s only", p.leaf.NotBefore, p.leaf.NotAfter)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	usage := x509.ExtKeyUsageAny
	switch role {
	case Server:
		usage = x509.ExtKeyUsageServerAuth
	case Client:
		usage = x509.ExtKeyUsageClientAuth
	}
	if _, err := p.leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
		return err
	}
	if role == Root && !p.leaf.IsCA {
		return errors.New("is no authority")
	}
	if role == Server {
		return s.namesOf(p.leaf)
	}
	return nil
}

func (s *Store) namesOf(c *x509.Certificate) error {
	for _, name := range s.names() {
		if ip := net.ParseIP(name); ip != nil && slices.ContainsFunc(c.IPAddresses, ip.Equal) || slices.Contains(c.DNSNames, name) {
			continue
		}
		return fmt.Errorf("does not name %s", name)
	}
	return nil
}

func (s *Store) names() []string {
	list := append([]string{s.opt.Host}, s.opt.Names...)
	slices.Sort(list)
	return slices.Compact(list)
}
