package certs

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func options(dir string, now time.Time) Options {
	return Options{Dir: dir, Host: "sense.example", Names: []string{"127.0.0.1", "sense"}, Now: func() time.Time { return now }, Rand: rand.Reader}
}

func open(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func file(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFirstStart(t *testing.T) {
	for _, kind := range []KeyKind{ECDSA, RSA} {
		dir, now := filepath.Join(t.TempDir(), "certs"), time.Now().Truncate(time.Second)
		o := options(dir, now)
		o.Keys = kind
		s := open(t, o)
		if got := s.root.leaf.Subject.CommonName; got != "sense.example-CA" || !s.root.leaf.IsCA || s.State()[0].Days() != 3650 {
			t.Errorf("authority %s, %v", got, s.State())
		}
		for _, name := range []string{"root_key.pem", "server_key.pem", "client_key.pem"} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
		before := file(t, dir, "root.pem") + file(t, dir, "server.pem") + file(t, dir, "client.pem")
		open(t, o)
		if before != file(t, dir, "root.pem")+file(t, dir, "server.pem")+file(t, dir, "client.pem") {
			t.Error("the second start made others")
		}
		if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) != 0 {
			t.Errorf("left over: %v", left)
		}
	}
}

func TestLeafCertificatesAreMadeAnew(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		why    string
		change func(t *testing.T, dir string, o *Options)
		anew   bool
	}{
		{"nothing", func(*testing.T, string, *Options) {}, false},
		{"expired", func(_ *testing.T, _ string, o *Options) {
			o.Now = func() time.Time { return now.Add(leafLife + time.Hour) }
		}, true},
		{"ends soon", func(_ *testing.T, _ string, o *Options) {
			o.Now = func() time.Time { return now.Add(leafLife - 29*24*time.Hour) }
		}, true},
		{"another name", func(_ *testing.T, _ string, o *Options) { o.Names = append(o.Names, "other.example") }, true},
		{"key missing", func(t *testing.T, dir string, _ *Options) { remove(t, dir, "server_key.pem") }, true},
		{"wrong key", func(t *testing.T, dir string, _ *Options) {
			put(t, dir, "server_key.pem", file(t, dir, "client_key.pem"))
		}, true},
		{"wrong role", func(t *testing.T, dir string, _ *Options) {
			put(t, dir, "server.pem", file(t, dir, "client.pem"))
			put(t, dir, "server_key.pem", file(t, dir, "client_key.pem"))
		}, true},
		{"of another site", func(t *testing.T, dir string, _ *Options) {
			other := t.TempDir()
			open(t, options(other, now))
			put(t, dir, "server.pem", file(t, other, "server.pem"))
			put(t, dir, "server_key.pem", file(t, other, "server_key.pem"))
		}, true},
		{"cut off", func(t *testing.T, dir string, _ *Options) {
			put(t, dir, "server.pem", file(t, dir, "server.pem")[:100])
		}, true},
	} {
		t.Run(tt.why, func(t *testing.T) {
			dir := t.TempDir()
			o := options(dir, now)
			before := open(t, o).server.Load().leaf
			tt.change(t, dir, &o)
			s := open(t, o)
			if got := !s.server.Load().leaf.Equal(before); got != tt.anew {
				t.Errorf("made anew: %v", got)
			}
			if err := s.check(*s.server.Load(), Server, s.root.leaf); err != nil {
				t.Error(err)
			}
		})
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheAuthorityIsNeverMadeAnew(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		why    string
		change func(t *testing.T, dir string, o *Options)
	}{
		{"expired", func(_ *testing.T, _ string, o *Options) {
			o.Now = func() time.Time { return now.Add(rootLife + time.Hour) }
		}},
		{"key missing", func(t *testing.T, dir string, _ *Options) { remove(t, dir, "root_key.pem") }},
		{"wrong key", func(t *testing.T, dir string, _ *Options) {
			put(t, dir, "root_key.pem", file(t, dir, "client_key.pem"))
		}},
		{"several", func(t *testing.T, dir string, _ *Options) {
			put(t, dir, "root.pem", strings.Repeat(file(t, dir, "root.pem"), 2))
		}},
		{"a leaf", func(t *testing.T, dir string, _ *Options) {
			put(t, dir, "root.pem", file(t, dir, "client.pem"))
			put(t, dir, "root_key.pem", file(t, dir, "client_key.pem"))
		}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			dir := t.TempDir()
			o := options(dir, now)
			open(t, o)
			tt.change(t, dir, &o)
			before := file(t, dir, "root.pem")
			if _, err := Open(o); err == nil || file(t, dir, "root.pem") != before {
				t.Errorf("%v", err)
			}
		})
	}
	dir := t.TempDir() // a first start that was cut off
	put(t, dir, "root_key.pem", "half")
	open(t, options(dir, now))
}

// handshake connects and returns what both sides say.
func handshake(t *testing.T, server, client *tls.Config) (leaf *x509.Certificate, err error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
			_, err = c.Write([]byte("x"))
		}
		done <- err
	}()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", l.Addr().String(), client)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err = io.ReadFull(c, make([]byte, 1)); err != nil {
		return nil, err
	}
	return c.ConnectionState().PeerCertificates[0], <-done
}

func TestMutualTLS(t *testing.T) {
	now := time.Now()
	s, other := open(t, options(t.TempDir(), now)), open(t, options(t.TempDir(), now))
	if _, err := handshake(t, s.ServerTLS(), s.ClientTLS()); err != nil {
		t.Errorf("within the site: %v", err)
	}
	stranger := other.ClientTLS()
	stranger.RootCAs = s.pool()
	server := s.ClientTLS()
	server.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.server.Load().tls(), nil }
	old := s.ClientTLS()
	old.MaxVersion, old.MinVersion = tls.VersionTLS11, tls.VersionTLS10
	for why, c := range map[string]*tls.Config{
		"another site's client": stranger, "a site that does not know us": other.ClientTLS(), "a server certificate": server, "TLS 1.1": old,
		"no certificate": {RootCAs: s.pool()},
	} {
		if _, err := handshake(t, s.ServerTLS(), c); err == nil {
			t.Errorf("%s was let in", why)
		}
	}
}

func pemOf(t *testing.T, p *pair) (cert, key []byte) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.leaf.Raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestTheFrontEndCertificateIsExchanged(t *testing.T) {
	now := time.Now()
	s, other := open(t, options(t.TempDir(), now)), open(t, options(t.TempDir(), now))
	h := s.FrontEnd()
	l, err := tls.Listen("tcp", "127.0.0.1:0", h.TLS())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	dial := func(trust *Store) *tls.Conn {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: trust.pool()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	first := dial(s)
	cert, key := pemOf(t, other.server.Load())
	_, wrong := pemOf(t, s.server.Load())
	root, _ := pemOf(t, &s.root)
	for why, err := range map[string]error{
		"wrong key": h.Set(cert, wrong), "no key": h.Set(cert, nil), "another host": h.Set(cert, key, "elsewhere.example"),
		"broken chain": h.Set(append(append([]byte{}, cert...), root...), key),
	} {
		if err == nil {
			t.Errorf("%s was taken", why)
		}
	}
	dial(s) // still the old one
	if err := h.Set(cert, key, "sense.example"); err != nil {
		t.Fatal(err)
	}
	dial(other)
	if _, err := first.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(first, make([]byte, 1)); err != nil {
		t.Errorf("the connection from before: %v", err)
	}
	late := open(t, options(t.TempDir(), now.Add(-3*365*24*time.Hour)))
	cert, key = pemOf(t, late.server.Load())
	if h.Set(cert, key) == nil {
		t.Error("an expired one was taken")
	}
}

// Identity providers are told of the certificate by hand: it stays as long as it
// counts, and comes back after a start.
func TestCertificateForSAML(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	s := open(t, options(dir, now))
	if _, err := os.Stat(filepath.Join(dir, "saml.pem")); !os.IsNotExist(err) {
		t.Errorf("made before it is needed: %v", err)
	}
	ask := func(s *Store) *x509.Certificate {
		t.Helper()
		key, cert, err := s.SAML()
		if err != nil {
			t.Fatal(err)
		}
		if public, ok := key.Public().(*rsa.PublicKey); !ok || !public.Equal(cert.PublicKey) {
			t.Errorf("a key %T", key.Public())
		}
		return cert
	}
	first := ask(s)
	later := options(dir, now.Add(leafLife+time.Hour))
	for why, again := range map[string]*Store{"asked again": s, "after a start": open(t, options(dir, now)), "when others have ended": open(t, later)} {
		if got := ask(again); !got.Equal(first) {
			t.Errorf("%s: another certificate", why)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "saml_key.pem"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ask(open(t, options(dir, now))); got.Equal(first) {
		t.Error("a certificate without its key is used")
	}
}
