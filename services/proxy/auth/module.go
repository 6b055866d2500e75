package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// moduleMaxBytes bounds the answer of a session module.
const moduleMaxBytes = 64 << 10

// Module asks a session module whose session a cookie is.
type Module struct {
	base   *url.URL
	client *http.Client
}

var _ Method = (*Module)(nil)

// NewModule says what is wrong with the address of the module. The client
// needs a time-out.
func NewModule(base string, client *http.Client) (*Module, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("session module: %w", err)
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("session module %q: need an http or https address", base)
	}
	return &Module{base: u, client: client}, nil
}

// Name implements Method.
func (*Module) Name() string { return "session module" }

// Owns implements Method.
func (*Module) Owns(string) bool { return false }

// Credentials implements Method.
func (*Module) Credentials(*Request) bool { return false }

// Authenticate implements Method.
func (m *Module) Authenticate(ctx context.Context, r *Request) Answer {
	if r.Session == "" || r.Current != nil {
		return Answer{}
	}
	u, err := m.ask(ctx, r.Session)
	if errors.Is(err, ErrNoUser) {
		return Answer{Refused: "the session module does not know the session"}
	}
	if err != nil {
		return unavailable("session module: " + err.Error())
	}
	return Answer{User: u, Token: r.Session}
}

// moduleSession is what the module says; its keys come in any case.
type moduleSession struct {
	UserDirectory, UserID, SessionID string
	Attributes                       []map[string]string
}

// ask does not follow the token anywhere: it is one segment of the path.
func (m *Module) ask(ctx context.Context, token string) (*session.User, error) {
	if token == "." || token == ".." || strings.ContainsAny(token, "/\\") {
		return nil, ErrNoUser
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.base.JoinPath("session", url.PathEscape(token)).String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := m.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read only
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusNoContent {
		return nil, ErrNoUser
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	var s *moduleSession
	if err := json.NewDecoder(io.LimitReader(resp.Body, moduleMaxBytes)).Decode(&s); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	if s == nil || s.UserID == "" {
		return nil, ErrNoUser
	}
	if s.SessionID != "" && s.SessionID != token {
		return nil, errors.New("answer is about another session")
	}
	return &session.User{Directory: s.UserDirectory, ID: s.UserID, Attributes: Attributes(s.Attributes)}, nil
}

// Attributes reads the list of objects with one name each that the interfaces
// of modules use: [{"group":"a"},{"group":"b"}].
func Attributes(list []map[string]string) []session.Attribute {
	var out []session.Attribute
	for _, one := range list {
		for name, value := range one {
			out = append(out, session.Attribute{Name: name, Value: value})
		}
	}
	return out
}
