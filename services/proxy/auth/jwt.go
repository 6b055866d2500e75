package auth

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// rsaMinBits is how short a key that signs tokens may be.
const rsaMinBits = 2048

// JWTOptions are the settings of authentication by signed tokens.
type JWTOptions struct {
	Key      string // public key or certificate, PEM
	Audience string // "" = not looked at
	Profile  Profile
	Now      func() time.Time
}

// JWT takes tokens of the header Authorization, signed by one RSA key.
type JWT struct {
	key     *rsa.PublicKey
	parser  *jwt.Parser
	profile Profile
}

var _ Method = (*JWT)(nil)

// NewJWT says which setting is wrong.
func NewJWT(o JWTOptions) (*JWT, error) {
	key, err := rsaKey(o.Key)
	if err != nil {
		return nil, fmt.Errorf("JWT authentication: key: %w", err)
	}
	if o.Profile.UserID == "" || o.Profile.Directory == "" {
		return nil, errors.New("JWT authentication: names of the claims for user id and directory are needed")
	}
	// The list of methods is what keeps a public key from serving as the
	// secret of an HMAC, and "none" from being a signature.
	options := []jwt.ParserOption{
		jwt.WithValidMethods([]string{"RS256", "RS384", "RS512"}), jwt.WithTimeFunc(o.Now), jwt.WithStrictDecoding(),
	}
	if o.Audience != "" {
		options = append(options, jwt.WithAudience(o.Audience))
	}
	return &JWT{key: key, parser: jwt.NewParser(options...), profile: o.Profile}, nil
}

// rsaKey reads the first block of a PEM text.
func rsaKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(text)))
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	key, err := parsePublic(block)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%T: need an RSA key", key)
	}
	if bits := public.N.BitLen(); bits < rsaMinBits {
		return nil, fmt.Errorf("RSA key of %d bits: need %d", bits, rsaMinBits)
	}
	return public, nil
}

func parsePublic(block *pem.Block) (any, error) {
	switch block.Type {
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	}
	return nil, fmt.Errorf("PEM block %q: need CERTIFICATE or PUBLIC KEY", block.Type)
}

// Name implements Method.
func (*JWT) Name() string { return "JWT" }

// Owns implements Method.
func (*JWT) Owns(string) bool { return false }

// Credentials implements Method.
func (*JWT) Credentials(r *Request) bool { return len(r.Header("Authorization")) > 0 }

// Authenticate implements Method.
func (j *JWT) Authenticate(_ context.Context, r *Request) Answer {
	if len(r.Header("Authorization")) == 0 {
		return Answer{} // somebody who has no token yet is no attacker
	}
	scheme, token, _ := strings.Cut(r.header("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return refuse("not one Authorization header with a bearer token")
	}
	all := jwt.MapClaims{}
	parsed, err := j.parser.ParseWithClaims(strings.TrimSpace(token), all, func(*jwt.Token) (any, error) { return j.key, nil })
	if err != nil {
		return refuse("token: " + err.Error())
	}
	if _, ok := parsed.Header["crit"]; ok {
		return refuse("token: has a critical extension")
	}
	u, err := j.profile.user(claimsOfJSON(all))
	if err != nil {
		return refuse("token: " + err.Error())
	}
	return Answer{User: u, Token: sessionOf(token)}
}

// sessionOf is the token of the session that a JWT has: programs send the JWT
// with every request and keep no cookies. It is as secret as the JWT is.
func sessionOf(token string) string {
	sum := sha256.Sum256([]byte("session of " + strings.TrimSpace(token)))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
