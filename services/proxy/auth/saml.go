package auth

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/crewjam/saml"
	"github.com/crewjam/saml/samlsp"
	"github.com/jonboulle/clockwork"
	dsig "github.com/russellhaering/goxmldsig"
)

// End points of SAML.
const (
	samlPath     = "/samlauthn"
	samlMetadata = "/samlauthn/metadata"
)

// Bounds of SAML.
const (
	samlMaxBytes   = 256 << 10 // of a response
	samlReplayMax  = 200_000   // assertions remembered; then none are taken
	samlReplayTime = time.Hour // longer than any assertion is taken (saml.MaxIssueDelay and its own times)
)

// SAMLOptions are the settings of authentication by a SAML 2.0 identity provider.
type SAMLOptions struct {
	Prefix      string
	HostURI     string // this server for the provider: https://host
	EntityID    string
	Metadata    string // of the identity provider, XML
	Profile     Profile
	Key         crypto.Signer // signs requests and reads encrypted assertions; nil = neither
	Certificate *x509.Certificate
	AllowSHA1   bool // take signatures with SHA-1
	Rand        io.Reader
	Now         func() time.Time
}

// SAML logs in at an identity provider: the request goes by redirect, the
// answer comes by POST.
//
// An answer counts if it or its assertion is signed by a key of the provider's
// metadata, is meant for us (destination, audience), answers a request of this
// browser, is within its times and was not used before. What is read is what
// was signed.
type SAML struct {
	opt   SAMLOptions
	sp    *saml.ServiceProvider
	flows *flows[string] // ids of requests
}

var _ Method = (*SAML)(nil)

// NewSAML says which setting is wrong.
func NewSAML(o SAMLOptions) (*SAML, error) {
	sp, err := newServiceProvider(&o)
	if err != nil {
		return nil, err
	}
	if o.Profile.UserID == "" || o.Profile.Directory == "" {
		return nil, errors.New("SAML authentication: names of the attributes for user id and directory are needed")
	}
	if sp.IDPMetadata, err = samlsp.ParseMetadata([]byte(o.Metadata)); err != nil {
		return nil, fmt.Errorf("SAML authentication: metadata of the provider: %w", err)
	}
	f := newFlows[string](cookieName("SAML", o.Prefix), o.Rand, o.Now)
	f.crossSite = true
	sp.RejectSHA1Signatures, sp.RejectUnknownConditions, sp.RequireSignedResponseForCBC = !o.AllowSHA1, true, true
	sp.ReplayCache, sp.Clock = newReplays(o.Now), dsig.NewFakeClock(samlClock{Clock: clockwork.NewRealClock(), now: o.Now})
	return &SAML{opt: o, sp: sp, flows: f}, nil
}

// newServiceProvider is what of the settings the identity provider has to know.
func newServiceProvider(o *SAMLOptions) (*saml.ServiceProvider, error) {
	host, err := url.Parse(o.HostURI)
	if err != nil || host.Host == "" {
		return nil, fmt.Errorf("SAML authentication: host %q: need an address as https://host", o.HostURI)
	}
	if o.EntityID == "" {
		return nil, errors.New("SAML authentication: an entity id is needed")
	}
	base := ""
	if o.Prefix != "" {
		base = "/" + o.Prefix
	}
	sp := &saml.ServiceProvider{
		EntityID: o.EntityID, AcsURL: *host.JoinPath(base, samlPath, "/"), MetadataURL: *host.JoinPath(base, samlMetadata), AuthnNameIDFormat: saml.UnspecifiedNameIDFormat,
		Key: o.Key, Certificate: o.Certificate,
	}
	switch o.Key.(type) {
	case nil:
	case *rsa.PrivateKey:
		sp.SignatureMethod = dsig.RSASHA256SignatureMethod
	default: // an elliptic one would sign, but nobody can encrypt for it, and providers try
		return nil, fmt.Errorf("SAML authentication: a %T: need an RSA key", o.Key)
	}
	if (o.Key == nil) != (o.Certificate == nil) {
		return nil, errors.New("SAML authentication: key and certificate go together")
	}
	return sp, nil
}

// SAMLMetadata describes a service provider to an identity provider that is not
// known yet: of the settings, prefix, host, entity id and certificate count.
func SAMLMetadata(o SAMLOptions) ([]byte, error) {
	sp, err := newServiceProvider(&o)
	if err != nil {
		return nil, err
	}
	return (&SAML{sp: sp}).Metadata()
}

// Name implements Method.
func (*SAML) Name() string { return "SAML" }

// Owns implements Method.
func (*SAML) Owns(path string) bool {
	return path == samlPath || path == samlPath+"/" || path == samlMetadata
}

// Credentials implements Method.
func (*SAML) Credentials(*Request) bool { return false }

// Authenticate implements Method.
func (m *SAML) Authenticate(_ context.Context, r *Request) Answer {
	switch {
	case !m.Owns(r.Path):
		return m.send(r)
	case r.Path == samlMetadata && r.Method == http.MethodGet:
		return m.metadata()
	case r.Path != samlMetadata && r.Method == http.MethodPost:
		return m.back(r)
	}
	return Answer{Status: http.StatusMethodNotAllowed}
}

func (m *SAML) metadata() Answer {
	body, err := m.Metadata()
	if err != nil {
		return unavailable(err.Error())
	}
	return Answer{Status: http.StatusOK, Type: "application/samlmetadata+xml", Body: body}
}

// Metadata describes this service provider to an identity provider.
func (m *SAML) Metadata() ([]byte, error) {
	b, err := xml.MarshalIndent(m.sp.Metadata(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("SAML metadata: %w", err)
	}
	return b, nil
}

// send sends a person to the provider.
func (m *SAML) send(r *Request) Answer {
	at := m.sp.GetSSOBindingLocation(saml.HTTPRedirectBinding)
	if at == "" {
		return unavailable("the SAML provider takes no requests by redirect")
	}
	req, err := m.sp.MakeAuthenticationRequest(at, saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		return unavailable("SAML request: " + err.Error())
	}
	id, cookie, err := m.flows.begin(r, req.ID)
	if err != nil {
		return unavailable(err.Error())
	}
	uri, err := req.Redirect(id, m.sp)
	if err != nil {
		return unavailable("SAML request: " + err.Error())
	}
	return challenge(r, uri.String(), cookie)
}

// back answers the form that the provider had the browser post.
func (m *SAML) back(r *Request) Answer {
	target, requestID, err := m.flows.finish(r, r.Form.Get("RelayState"))
	if err != nil {
		return refuse(err.Error())
	}
	a, err := m.assertion(r.Form.Get("SAMLResponse"), requestID)
	if err != nil {
		return refuse("SAML response: " + err.Error())
	}
	u, err := m.opt.Profile.user(claimsOfAssertion(a))
	if err != nil {
		return refuse("SAML response: " + err.Error())
	}
	return Answer{User: u, Return: target, Cookies: []Cookie{{Name: m.flows.cookie, CrossSite: true}}}
}

// assertion checks a response. currentURL is where it must have been sent to,
// from the settings: the request's Host is the client's word.
func (m *SAML) assertion(encoded, requestID string) (*saml.Assertion, error) {
	if len(encoded) > samlMaxBytes {
		return nil, fmt.Errorf("%d bytes, at most %d are taken", len(encoded), samlMaxBytes)
	}
	body, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return nil, err
	}
	a, err := m.sp.ParseXMLResponse(body, []string{requestID}, m.sp.AcsURL)
	var invalid *saml.InvalidResponseError
	if errors.As(err, &invalid) && invalid.PrivateErr != nil {
		return nil, invalid.PrivateErr
	}
	return a, err
}

// claimsOfAssertion are the attributes by name and by friendly name; subject is
// the name the provider calls the user by.
func claimsOfAssertion(a *saml.Assertion) claims {
	c := claims{}
	for _, s := range a.AttributeStatements {
		for _, attr := range s.Attributes {
			for _, v := range attr.Values {
				c[attr.Name] = append(c[attr.Name], v.Value)
				if attr.FriendlyName != "" && attr.FriendlyName != attr.Name {
					c[attr.FriendlyName] = append(c[attr.FriendlyName], v.Value)
				}
			}
		}
	}
	if a.Subject != nil && a.Subject.NameID != nil {
		c["subject"] = []string{a.Subject.NameID.Value}
	}
	return c
}

// A samlClock tells the injected time. The library waits for nothing.
type samlClock struct {
	clockwork.Clock
	now func() time.Time
}

// Now implements clockwork.Clock.
func (c samlClock) Now() time.Time { return c.now() }

// replays remembers the assertions that were used. When it is full, none are
// taken: forgetting one would let it be used again.
type replays struct{ used *Once[struct{}] }

var _ saml.AssertionReplayCache = replays{}

func newReplays(now func() time.Time) replays {
	return replays{used: NewOnce[struct{}](samlReplayTime, samlReplayMax, now)}
}

// Consume implements saml.AssertionReplayCache.
func (r replays) Consume(id string, until time.Time) error {
	if until.Sub(r.used.now()) > samlReplayTime {
		return errors.New("assertion is valid for too long")
	}
	if r.used.Len() >= samlReplayMax {
		return errors.New("too many logins to remember")
	}
	if !r.used.Put(id, struct{}{}) {
		return saml.ErrAssertionReplayed
	}
	return nil
}
