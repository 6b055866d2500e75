// Package ldaptest runs an OpenLDAP server in a temporary folder, for tests.
package ldaptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Names of a server.
const (
	Base     = "dc=example,dc=com"
	Admin    = "cn=admin," + Base // who may read everything, without limits
	Password = "a secret; of {the} server"
)

// A Server is a server of one test.
type Server struct {
	URL, SecureURL string // ldap:// and ldaps://
	CA             string // its certificate in PEM
}

// watch runs the server until its own input ends, as that of this process does.
const watch = `"$1" -d 0 -f "$2"/slapd.conf -h "$3" </dev/null >"$2"/log 2>&1 &
cat >/dev/null
kill -9 $!
wait`

const configuration = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
TLSCertificateFile %[1]s/cert.pem
TLSCertificateKeyFile %[1]s/key.pem
sizelimit 20
database mdb
maxsize 1073741824
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw "%[2]s"
directory %[1]s/data
dbnosync
index objectClass,uid,cn,member,uniqueMember,memberUid eq
overlay memberof
memberof-group-oc groupOfNames
memberof-dangling ignore
access to attrs=userPassword by anonymous auth by * none
access to * by * read
`

// Start runs a server with entries, in LDIF, until the end of the test. It is
// skipped where there is no server, or COGNATE_SKIP_LDAP is set.
func Start(t testing.TB, ldif string) *Server {
	t.Helper()
	slapd := find(t)
	dir, err := os.MkdirTemp("", "cognate-ldap")
	must(t, err)
	must(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
	s := &Server{CA: certificate(t, dir)}
	conf := filepath.Join(dir, "slapd.conf")
	must(t, os.WriteFile(conf, fmt.Appendf(nil, configuration, dir, Password), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "entries.ldif"), []byte(ldif), 0o600))
	add := exec.Command(slapd, "-Tadd", "-q", "-f", conf, "-l", filepath.Join(dir, "entries.ldif"))
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v: %s", err, out)
	}
	s.URL, s.SecureURL = "ldap://"+free(t), "ldaps://"+free(t)
	server := exec.Command("/bin/sh", "-c", watch, "sh", slapd, dir, s.URL+"/ "+s.SecureURL+"/")
	stdin, err := server.StdinPipe()
	must(t, err)
	must(t, server.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = server.Wait()
		_ = os.RemoveAll(dir)
	})
	s.await(t, filepath.Join(dir, "log"))
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func find(t testing.TB) string {
	t.Helper()
	if os.Getenv("COGNATE_SKIP_LDAP") != "" {
		t.Skip("COGNATE_SKIP_LDAP is set")
	}
	if file, err := exec.LookPath("slapd"); err == nil {
		return file
	}
	const debian = "/usr/sbin/slapd"
	if _, err := os.Stat(debian); err != nil {
		t.Skip("OpenLDAP is not installed (Debian: apt-get install slapd)")
	}
	return debian
}

// free returns an address that nobody listens on.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// certificate makes a certificate for 127.0.0.1 and returns it in PEM.
func certificate(t testing.TB, dir string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	must(t, err)
	sealed, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	must(t, os.WriteFile(filepath.Join(dir, "cert.pem"), text, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: sealed}), 0o600))
	return string(text)
}

func (s *Server) await(t testing.TB, log string) {
	t.Helper()
	var err error
	for range 200 {
		var c *ldap.Conn
		if c, err = ldap.DialURL(s.URL); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(50 * time.Millisecond) // the server has no way to say that it is there
	}
	said, _ := os.ReadFile(log)
	t.Fatalf("OpenLDAP does not answer: %v\n%s", err, said)
}

// Delete deletes an entry.
func (s *Server) Delete(t testing.TB, dn string) {
	t.Helper()
	s.do(t, func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(dn, nil)) })
}

// Add adds an entry.
func (s *Server) Add(t testing.TB, dn string, attributes map[string][]string) {
	t.Helper()
	s.do(t, func(c *ldap.Conn) error {
		r := ldap.NewAddRequest(dn, nil)
		for name, values := range attributes {
			r.Attribute(name, values)
		}
		return c.Add(r)
	})
}

// Replace gives an attribute of an entry other values.
func (s *Server) Replace(t testing.TB, dn, attribute string, values ...string) {
	t.Helper()
	s.do(t, func(c *ldap.Conn) error {
		r := ldap.NewModifyRequest(dn, nil)
		r.Replace(attribute, values)
		return c.Modify(r)
	})
}

func (s *Server) do(t testing.TB, f func(*ldap.Conn) error) {
	t.Helper()
	c, err := ldap.DialURL(s.URL)
	must(t, err)
	defer c.Close()
	must(t, c.Bind(Admin, Password))
	must(t, f(c))
}
