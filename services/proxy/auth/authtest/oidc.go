// Package authtest has small identity providers for tests.
package authtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Client is the id that OIDC knows its client by.
const Client = "cognate"

// OIDC is an OpenID provider that lets everybody in as Claims say. Tests change
// its fields to have it send wrong answers.
type OIDC struct {
	*httptest.Server
	Key *rsa.PrivateKey

	mu     sync.Mutex
	claims map[string]any                      // besides those of the protocol
	sign   func(jwt.MapClaims) (string, error) // instead of RS256
	grants map[string]map[string]string        // by code: parameters of the authorization request
}

// NewOIDC starts a provider.
func NewOIDC(t *testing.T) *OIDC {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	o := &OIDC{Key: key, grants: map[string]map[string]string{}, claims: map[string]any{"sub": "ann"}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", o.configuration)
	mux.HandleFunc("/keys", o.keys)
	mux.HandleFunc("/authorize", o.authorize)
	mux.HandleFunc("/token", o.token)
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	return o
}

// SetClaims changes what tokens say; claims of the protocol too, as aud.
func (o *OIDC) SetClaims(c map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claims = c
}

// SetSign changes how tokens are signed; nil = RS256 with Key.
func (o *OIDC) SetSign(f func(jwt.MapClaims) (string, error)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sign = f
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client sees that something is missing
}

func (o *OIDC) configuration(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{
		"issuer": o.URL, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token",
		"jwks_uri": o.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (o *OIDC) keys(w http.ResponseWriter, _ *http.Request) {
	b64 := base64.RawURLEncoding.EncodeToString
	answer(w, map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "kid": "k", "alg": "RS256", "use": "sig",
		"n": b64(o.Key.N.Bytes()), "e": b64(big.NewInt(int64(o.Key.E)).Bytes()),
	}}})
}

// authorize sends the browser back with a code at once.
func (o *OIDC) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	code := rand.Text()
	o.mu.Lock()
	o.grants[code] = map[string]string{
		"nonce": q.Get("nonce"), "challenge": q.Get("code_challenge"), "method": q.Get("code_challenge_method"), "redirect": q.Get("redirect_uri"),
	}
	o.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?state="+q.Get("state")+"&code="+code, http.StatusFound)
}

// token exchanges a code, once, for whoever knows the verifier.
func (o *OIDC) token(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	grant, ok := o.grants[r.FormValue("code")]
	delete(o.grants, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || grant["method"] != "S256" || grant["challenge"] != base64.RawURLEncoding.EncodeToString(sum[:]) || grant["redirect"] != r.FormValue("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	c := jwt.MapClaims{"iss": o.URL, "aud": Client, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": grant["nonce"]}
	for name, v := range o.claims {
		c[name] = v
	}
	sign := o.sign
	if sign == nil {
		sign = o.RS256
	}
	raw, err := sign(c)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": raw})
}

// RS256 signs as the provider does.
func (o *OIDC) RS256(c jwt.MapClaims) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	t.Header["kid"] = "k"
	return t.SignedString(o.Key)
}
