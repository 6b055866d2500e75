package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var update = flag.Bool("update", false, "write anew what the fuzz targets start from, signed by keys that are forgotten")

// signedAt is when what the fuzz targets start from was valid.
const signedAt = "signed-at"

func seed(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// seedClock stands at the time of the signatures.
func seedClock(t testing.TB) func() time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, seed(t, signedAt))
	if err != nil {
		t.Fatal(err)
	}
	return func() time.Time { return at }
}

// The processes of a fuzz target have to agree on keys: what they start from is
// in files, whose keys nobody has.
func TestSeeds(t *testing.T) {
	if *update {
		writeSeeds(t)
	}
	if a, err := seedSAML(t).assertion(base64.StdEncoding.EncodeToString([]byte(seed(t, "response.xml"))), strings.TrimSpace(seed(t, "request-id"))); err != nil || claimsOfAssertion(a)["uid"][0] != "ann" {
		t.Errorf("%v, %v", a, err)
	}
	if got := whoByToken(t, seedJWT(t), seed(t, "token")); got != `JWT\ann` {
		t.Errorf("by the token: %q", got)
	}
}

func writeSeeds(t *testing.T) {
	files := map[string]string{signedAt: time.Now().UTC().Format(time.RFC3339)}
	p, _, chain := newSAML(t, newClock())
	b := newBrowser()
	response, _ := respond(t, p, chain, b)
	files["response.xml"], files["metadata.xml"] = string(response), p.Metadata(t)
	_, rest, _ := strings.Cut(files["response.xml"], `InResponseTo="`)
	files["request-id"], _, _ = strings.Cut(rest, `"`)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	files["public.pem"] = publicPEM(t, &key.PublicKey)
	files["token"], err = jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"user": "ann", "aud": "us", "exp": time.Now().Add(time.Minute).Unix()}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join("testdata", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func seedSAML(t testing.TB) *SAML {
	t.Helper()
	m, err := NewSAML(SAMLOptions{
		HostURI: "https://sense.example", EntityID: "urn:sense", Metadata: seed(t, "metadata.xml"), Rand: rand.Reader, Now: seedClock(t),
		Profile: Profile{UserID: "uid", Directory: "[SAML]"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func seedJWT(t testing.TB) Chain {
	t.Helper()
	m, err := NewJWT(JWTOptions{Key: seed(t, "public.pem"), Audience: "us", Now: seedClock(t), Profile: Profile{UserID: "user", Directory: "[JWT]"}})
	if err != nil {
		t.Fatal(err)
	}
	return Chain{m}
}

func whoByToken(t testing.TB, chain Chain, token string) string {
	t.Helper()
	b := newBrowser()
	b.header.Set("Authorization", "Bearer "+token)
	a, _ := b.ask(chain, "GET", "/hub", nil)
	return who(a)
}

// FuzzSAML: nothing but what the provider has signed makes a user.
func FuzzSAML(f *testing.F) {
	m, id, signed := seedSAML(f), strings.TrimSpace(seed(f, "request-id")), seed(f, "response.xml")
	for _, s := range []string{
		signed, strings.ReplaceAll(signed, ">ann<", ">admin<"), strings.ReplaceAll(signed, "<", "<!-- --><"), "<!DOCTYPE x [<!ENTITY a \"b\">]>" + signed,
		"<Response/>", "", strings.Repeat("<a>", 10_000),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, response string) {
		a, err := m.assertion(base64.StdEncoding.EncodeToString([]byte(response)), id)
		if err != nil {
			return
		}
		u, err := m.opt.Profile.user(claimsOfAssertion(a))
		if err == nil && (u.ID != "ann" || u.Directory != "SAML") {
			t.Errorf("forged: %+v", u)
		}
		m.sp.ReplayCache = newReplays(m.opt.Now) // the next one may be as good
	})
}

// FuzzJWT: nothing but what was signed with the key makes a user.
func FuzzJWT(f *testing.F) {
	chain, token := seedJWT(f), seed(f, "token")
	parts := strings.Split(token, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for _, s := range []string{token, none + "." + parts[1] + ".", parts[0] + "." + parts[1] + ".", "..", "", parts[0] + ".e30." + parts[2]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if got := whoByToken(t, chain, token); got != "" && got != `JWT\ann` {
			t.Errorf("forged: %q", got)
		}
	})
}
