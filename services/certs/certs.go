// Package certs is the certificates of a site: its own authority, made at the
// first start, and the server and client certificates that it signs.
//
// They lie as PEM in one folder, by the names of exported certificates:
//
//	root.pem    root_key.pem      authority, subject <host>-CA, 10 years
//	server.pem  server_key.pem    for the names and addresses of the host
//	client.pem  client_key.pem    QlikClient, by which services show that they belong to the site
//	saml.pem    saml_key.pem      by which the proxy signs what it asks identity providers, made when it is needed
//
// Each one says what it is for in an extension. Files are replaced whole, keys
// are readable by their owner only. Leaf certificates that do not count any
// more are made anew; the authority never is, as all nodes trust it.
package certs

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Times of certificates.
const (
	rootLife    = 10 * 365 * 24 * time.Hour // that of SAML, too: providers are told by hand
	leafLife    = 825 * 24 * time.Hour
	backdated   = time.Hour // clocks of other nodes may be behind
	WarnBefore  = 60 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
)

// Options are the settings of a store.
type Options struct {
	Dir   string
	Root  string   // folder of an authority that other nodes have made; "" = Dir, where it is made
	Host  string   // name of the machine, which names the authority
	Names []string // other names and addresses of it
	Keys  KeyKind  // of certificates that are made
	Now   func() time.Time
	Rand  io.Reader
	Log   *slog.Logger // nil = none
}

// Validate fills in defaults and says which field is wrong.
func (o *Options) Validate() error {
	if o.Dir == "" || o.Host == "" || o.Now == nil || o.Rand == nil {
		return errors.New("certificate options: Dir, Host, Now and Rand are needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// A Store has the certificates of a site. Any number of goroutines may use it.
type Store struct {
	opt    Options
	root   pair
	server atomic.Pointer[pair]
	client atomic.Pointer[pair]

	samlMu sync.Mutex
	saml   pair
}

// Open reads the certificates and checks them. The authority is made if there
// is none; one that does not count is an error that says what to do. Server and
// client certificates that are missing or do not count are made anew.
func Open(o Options) (*Store, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	s := &Store{opt: o}
	if err := s.openRoot(); err != nil {
		return nil, fmt.Errorf("certificates in %s: %w", o.Dir, err)
	}
	return s, s.Renew()
}

// openRoot reads the authority. Without root.pem nobody has trusted it yet, so
// a key alone, left by a start that was cut off, is made anew.
func (s *Store) openRoot() error {
	dir := s.opt.Dir
	if s.opt.Root != "" {
		dir = s.opt.Root
	}
	root, err := read(dir, Root)
	if errors.Is(err, os.ErrNotExist) && s.opt.Root == "" && !s.has(certFile(Root)) {
		return s.makeRoot()
	}
	if err != nil {
		return fmt.Errorf("%w: restore the authority from a copy; all nodes trust it", err)
	}
	if err := s.check(root, Root, root.leaf); err != nil {
		return fmt.Errorf("%s: %w: restore the authority from a copy, or move its files away to begin a new one that every node has to learn", certFile(Root), err)
	}
	s.root = root
	return nil
}

func (s *Store) has(name string) bool {
	_, err := os.Stat(filepath.Join(s.opt.Dir, name))
	return err == nil
}

// Renew makes the server and client certificates anew that are missing, do not
// count, or end soon. Connections go on; new ones get the new certificates. It
// is called at the start and should be once a day.
func (s *Store) Renew() error {
	for _, k := range []struct {
		role Role
		held *atomic.Pointer[pair]
	}{{Server, &s.server}, {Client, &s.client}} {
		p, err := read(s.opt.Dir, k.role)
		if err == nil {
			err = s.check(p, k.role, s.root.leaf)
		}
		if err == nil && p.leaf.NotAfter.Sub(s.opt.Now()) < renewBefore && p.leaf.NotAfter.Before(s.root.leaf.NotAfter) {
			err = fmt.Errorf("ends on %s", p.leaf.NotAfter.Format(time.DateOnly))
		}
		if err != nil {
			s.opt.Log.Info("certificate is made", "role", string(k.role), "because", err.Error())
			if p, err = s.makeLeaf(k.role); err != nil {
				return fmt.Errorf("%s certificate: %w", k.role, err)
			}
		}
		k.held.Store(&p)
	}
	for _, x := range s.State() {
		if x.Left < WarnBefore {
			s.opt.Log.Warn("certificate ends soon", "role", string(x.Role), "days", x.Days())
		}
	}
	return nil
}

// SAML returns key and certificate by which identity providers know the site.
// They are RSA, as nothing else encrypts, and are made if there are none, or
// none that count: then providers have to be told.
func (s *Store) SAML() (crypto.Signer, *x509.Certificate, error) {
	s.samlMu.Lock()
	defer s.samlMu.Unlock()
	p := s.saml
	var err error
	if p.leaf == nil {
		p, err = read(s.opt.Dir, SAML)
	}
	if err == nil {
		err = s.check(p, SAML, s.root.leaf)
	}
	if err != nil {
		s.opt.Log.Info("certificate is made", "role", string(SAML), "because", err.Error())
		if p, err = s.makeLeaf(SAML); err != nil {
			return nil, nil, fmt.Errorf("certificate for SAML: %w", err)
		}
	}
	s.saml = p
	return p.key, p.leaf, nil
}

// A State tells how long a certificate counts.
type State struct {
	Role  Role
	Until time.Time
	Left  time.Duration
}

// Days are the whole days that are left; below 0 when it is over.
func (s State) Days() int { return int(s.Left / (24 * time.Hour)) }

// State tells about all certificates.
func (s *Store) State() []State {
	now := s.opt.Now()
	var list []State
	for _, k := range []struct {
		role Role
		leaf *x509.Certificate
	}{{Root, s.root.leaf}, {Server, s.server.Load().leaf}, {Client, s.client.Load().leaf}} {
		list = append(list, State{Role: k.role, Until: k.leaf.NotAfter, Left: k.leaf.NotAfter.Sub(now)})
	}
	return list
}
