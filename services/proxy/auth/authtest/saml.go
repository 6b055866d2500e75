package authtest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"html"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/crewjam/saml"
	"github.com/crewjam/saml/samlsp"
)

// SAML is the identity provider of crewjam/saml that lets everybody in as ann.
type SAML struct {
	*httptest.Server
	IdP *saml.IdentityProvider
	sp  *saml.EntityDescriptor
}

// NewSAML starts a provider. Trust tells it of the service provider.
func NewSAML(t testing.TB) *SAML {
	t.Helper()
	key, cert := SelfSigned(t)
	s := &SAML{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.IdP.ServeSSO(w, r) }))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.IdP = &saml.IdentityProvider{
		Key: key, Certificate: cert, Logger: log.New(io.Discard, "", 0),
		MetadataURL: *u.JoinPath("metadata"), SSOURL: *u.JoinPath("sso"),
		ServiceProviderProvider: s, SessionProvider: s,
	}
	return s
}

// Metadata is what the service provider has to know.
func (s *SAML) Metadata(t testing.TB) string {
	t.Helper()
	b, err := xml.Marshal(s.IdP.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Trust tells of the one service provider.
func (s *SAML) Trust(t testing.TB, metadata []byte) {
	t.Helper()
	sp, err := samlsp.ParseMetadata(metadata)
	if err != nil {
		t.Fatal(err)
	}
	s.sp = sp
}

// GetServiceProvider implements saml.ServiceProviderProvider.
func (s *SAML) GetServiceProvider(*http.Request, string) (*saml.EntityDescriptor, error) {
	if s.sp == nil {
		return nil, os.ErrNotExist
	}
	return s.sp, nil
}

// GetSession implements saml.SessionProvider.
func (s *SAML) GetSession(http.ResponseWriter, *http.Request, *saml.IdpAuthnRequest) *saml.Session {
	return &saml.Session{
		ID: "s", Index: "1", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour),
		NameID: "ann", UserName: "ann", Groups: []string{"Sales", "Staff"},
	}
}

// Response asks the provider as a browser does. It returns the fields of the
// form that the browser would post.
func (s *SAML) Response(t testing.TB, at string) (response []byte, relayState string) {
	t.Helper()
	resp, err := http.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read only
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	response, err = base64.StdEncoding.DecodeString(field(page, "SAMLResponse"))
	if err != nil || len(response) == 0 {
		t.Fatalf("no response in %s: %v", bytes.TrimSpace(page), err)
	}
	return response, field(page, "RelayState")
}

func field(page []byte, name string) string {
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindSubmatch(page)
	if m == nil {
		return ""
	}
	return html.UnescapeString(string(m[1]))
}

// SelfSigned makes a key and a certificate for it.
func SelfSigned(t testing.TB) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}
