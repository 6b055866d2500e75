package auth

import (
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/cognate-bi/cognate/services/proxy/auth/authtest"
)

func newSAML(t testing.TB, c *clock) (*authtest.SAML, *SAML, Chain) {
	t.Helper()
	p := authtest.NewSAML(t)
	m, err := NewSAML(SAMLOptions{
		HostURI: "https://sense.example", EntityID: "urn:sense", Metadata: p.Metadata(t), Rand: rand.Reader, Now: c.now,
		Profile: Profile{UserID: "uid", Directory: "[SAML]", Attributes: []Mapping{{From: "eduPersonAffiliation", To: "group", Mandatory: true}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := m.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	p.Trust(t, metadata)
	return p, m, Chain{m}
}

// respond logs in at the provider and returns the form to post.
func respond(t testing.TB, p *authtest.SAML, chain Chain, b *browser) (response []byte, relay string) {
	t.Helper()
	a, refusals := b.ask(chain, "GET", "/hub?x=1", nil)
	if a.Redirect == "" {
		t.Fatalf("not sent to the provider: %+v, %v", a, refusals)
	}
	return p.Response(t, a.Redirect)
}

func post(chain Chain, b *browser, response []byte, relay string) (Answer, []Refusal) {
	return b.ask(chain, "POST", "/samlauthn/", url.Values{
		"SAMLResponse": {base64.StdEncoding.EncodeToString(response)}, "RelayState": {relay},
	})
}

func TestSAML(t *testing.T) {
	p, _, chain := newSAML(t, newClock())
	b := newBrowser()
	response, relay := respond(t, p, chain, b)
	response = edit(t, response, func(root *etree.Element) { unsign(root) }) // so that what TestSAMLRefuses refuses is the change
	a, refusals := post(chain, b, response, relay)
	if who(a) != `SAML\ann` || a.Return != "/hub?x=1" || len(a.User.Attributes) != 2 || a.User.Attributes[0].Name != "group" {
		t.Fatalf("%+v, %v", a, refusals)
	}
	if a, _ := b.ask(chain, "GET", "/samlauthn/metadata", nil); a.Status != 200 || !strings.Contains(string(a.Body), "urn:sense") {
		t.Errorf("metadata: %+v", a)
	}
}

// With a key, requests are signed and the provider encrypts its assertions.
func TestSAMLSignedAndEncrypted(t *testing.T) {
	c, p := newClock(), authtest.NewSAML(t)
	key, cert := authtest.SelfSigned(t)
	m, err := NewSAML(SAMLOptions{
		HostURI: "https://sense.example", EntityID: "urn:sense", Metadata: p.Metadata(t), Rand: rand.Reader, Now: c.now,
		Key: key, Certificate: cert, Profile: Profile{UserID: "uid", Directory: "[SAML]"},
	})
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := m.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	p.Trust(t, metadata)
	p.IdP.WantAuthnRequestsSigned = true
	chain, b := Chain{m}, newBrowser()
	response, relay := respond(t, p, chain, b)
	if !strings.Contains(string(response), "EncryptedAssertion") || strings.Contains(string(response), ">ann<") {
		t.Errorf("not encrypted: %s", response)
	}
	if a, refusals := post(chain, b, response, relay); who(a) != `SAML\ann` {
		t.Errorf("%+v, %v", a, refusals)
	}
	response, relay = respond(t, p, chain, b)
	bare := edit(t, response, func(root *etree.Element) { unsign(root) })
	if a, refusals := post(chain, b, bare, relay); a.User != nil && who(a) != `SAML\ann` || len(refusals) > 1 {
		t.Errorf("%+v, %v", a, refusals)
	}
	if _, err := NewSAML(SAMLOptions{
		HostURI: "https://sense.example", EntityID: "urn:sense", Metadata: p.Metadata(t), Rand: rand.Reader, Now: c.now,
		Key: key, Profile: Profile{UserID: "uid", Directory: "[SAML]"},
	}); err == nil {
		t.Error("a key without its certificate")
	}
}

// edit changes the XML of a response.
func edit(t *testing.T, response []byte, change func(root *etree.Element)) []byte {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(response); err != nil {
		t.Fatal(err)
	}
	change(doc.Root())
	out, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// unsign takes the signature of the response away and leaves that of the assertion.
func unsign(root *etree.Element) *etree.Element {
	if s := root.FindElement("./Signature"); s != nil {
		remove(s)
	}
	return root
}

func remove(el *etree.Element) { el.Parent().RemoveChild(el) }

// evil copies the assertion for another user, without its signature.
func evil(root *etree.Element) *etree.Element {
	a := root.FindElement("./Assertion").Copy()
	a.CreateAttr("ID", "evil")
	if s := a.FindElement("./Signature"); s != nil {
		a.RemoveChild(s)
	}
	for _, v := range a.FindElements(".//AttributeValue") {
		v.SetText("admin")
	}
	return a
}

func TestSAMLRefuses(t *testing.T) {
	c := newClock()
	p, m, chain := newSAML(t, c)
	for _, tt := range []struct {
		why    string
		change func(root *etree.Element)
	}{
		{"no signatures", func(root *etree.Element) {
			for _, s := range root.FindElements("//Signature") {
				remove(s)
			}
		}},
		{"another user", func(root *etree.Element) { root.FindElement("//AttributeValue").SetText("admin") }},
		{"evil assertion in front of the signed one", func(root *etree.Element) {
			root.InsertChildAt(root.FindElement("./Assertion").Index(), evil(root))
		}},
		{"evil assertion behind the signed one", func(root *etree.Element) { root.AddChild(evil(root)) }},
		{"signed assertion inside the evil one", func(root *etree.Element) {
			bad, good := evil(root), root.FindElement("./Assertion")
			root.RemoveChild(good)
			bad.AddChild(good)
			root.AddChild(bad)
		}},
		{"signed assertion inside the signature of the evil one", func(root *etree.Element) {
			bad, good := evil(root), root.FindElement("./Assertion")
			sig := good.FindElement("./Signature").Copy()
			root.RemoveChild(good)
			sig.CreateElement("ds:Object").AddChild(good)
			bad.InsertChildAt(1, sig)
			root.AddChild(bad)
		}},
		{"evil assertion of the same id", func(root *etree.Element) {
			bad, good := evil(root), root.FindElement("./Assertion")
			bad.CreateAttr("ID", good.SelectAttrValue("ID", ""))
			root.InsertChildAt(good.Index(), bad)
		}},
		{"signed response inside an evil one", func(root *etree.Element) {
			copied := root.Copy()
			for _, s := range root.FindElements("./Signature") {
				remove(s)
			}
			root.FindElement("./Assertion").Parent().AddChild(evil(root))
			remove(root.FindElement("./Assertion"))
			root.CreateElement("samlp:Extensions").AddChild(copied)
		}},
		{"comment in the name", func(root *etree.Element) {
			v := root.FindElement("//AttributeValue")
			v.SetText("ad")
			v.CreateComment("x")
			v.CreateText("min")
		}},
		{"destination", func(root *etree.Element) { root.CreateAttr("Destination", "https://other.example/samlauthn/") }},
		{"in response to another request", func(root *etree.Element) { root.CreateAttr("InResponseTo", "id-other") }},
		{"audience", func(root *etree.Element) { root.FindElement("//Audience").SetText("urn:other") }},
	} {
		t.Run(tt.why, func(t *testing.T) {
			b := newBrowser()
			response, relay := respond(t, p, chain, b)
			a, refusals := post(chain, b, edit(t, response, tt.change), relay)
			if a.User != nil || len(refusals) != 1 {
				t.Errorf("%+v, %v", a, refusals)
			}
		})
		// Where only the assertion is signed, the rest is anybody's word: what
		// is believed has to be what was signed.
		t.Run(tt.why+", response not signed", func(t *testing.T) {
			b := newBrowser()
			response, relay := respond(t, p, chain, b)
			a, refusals := post(chain, b, edit(t, response, func(root *etree.Element) { tt.change(unsign(root)) }), relay)
			if a.User != nil || len(refusals) != 1 {
				t.Errorf("%+v, %v", a, refusals)
			}
		})
	}
	t.Run("audience of another service", func(t *testing.T) {
		m.sp.EntityID = "urn:other"
		defer func() { m.sp.EntityID = "urn:sense" }()
		b := newBrowser()
		a, _ := b.ask(chain, "GET", "/hub", nil)
		m.sp.EntityID = "urn:third"
		response, relay := p.Response(t, a.Redirect)
		if a, refusals := post(chain, b, response, relay); a.User != nil || len(refusals) != 1 {
			t.Errorf("%+v", a)
		}
	})
	t.Run("replayed", func(t *testing.T) {
		b := newBrowser()
		response, relay := respond(t, p, chain, b)
		if a, refusals := post(chain, b, response, relay); a.User == nil {
			t.Fatal(refusals)
		}
		if a, refusals := post(chain, b, response, relay); a.User != nil || len(refusals) != 1 {
			t.Errorf("%+v", a)
		}
		_, other := respond(t, p, chain, b) // a login of its own does not help
		if a, refusals := post(chain, b, response, other); a.User != nil || len(refusals) != 1 {
			t.Errorf("%+v", a)
		}
	})
	t.Run("another browser", func(t *testing.T) {
		response, relay := respond(t, p, chain, newBrowser())
		if a, refusals := post(chain, newBrowser(), response, relay); a.User != nil || len(refusals) != 1 {
			t.Errorf("%+v", a)
		}
	})
	t.Run("unsolicited", func(t *testing.T) {
		b := newBrowser()
		response, _ := respond(t, p, chain, b)
		if a, refusals := post(chain, b, response, ""); a.User != nil || len(refusals) != 1 {
			t.Errorf("%+v", a)
		}
	})
	t.Run("late", func(t *testing.T) {
		b := newBrowser()
		response, relay := respond(t, p, chain, b)
		c.add(9 * time.Minute)
		if a, refusals := post(chain, b, response, relay); a.User != nil || len(refusals) != 1 {
			t.Errorf("%+v", a)
		}
	})
}

// The cache alone refuses a second use, too.
func TestReplays(t *testing.T) {
	c := newClock()
	r := newReplays(c.now)
	if err := r.Consume("a", c.now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if r.Consume("a", c.now().Add(time.Minute)) == nil {
		t.Error("used twice")
	}
	if r.Consume("b", c.now().Add(2*samlReplayTime)) == nil {
		t.Error("outlives the memory of its use")
	}
}
