package auth

import (
	"context"
	"io"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// An AnonymousMode says whether a virtual proxy takes people without a login.
type AnonymousMode int

// The modes, with the numbers of the repository.
const (
	NoAnonymous AnonymousMode = iota
	AllowAnonymous
	AlwaysAnonymous
)

// Anonymous gives everybody a session of the directory NONE. It stands in
// front of the login, which AllowAnonymous starts at ?forceAuthentication=yes.
type Anonymous struct {
	Mode AnonymousMode
	Rand io.Reader
}

var _ Method = (*Anonymous)(nil)

// Name implements Method.
func (*Anonymous) Name() string { return "anonymous" }

// Owns implements Method.
func (*Anonymous) Owns(string) bool { return false }

// Credentials implements Method: asking for a login is one, as a session
// without a name is there already.
func (a *Anonymous) Credentials(r *Request) bool {
	return a.Mode == AllowAnonymous && forced(r) && r.Current != nil && r.Current.Anonymous()
}

// Authenticate implements Method.
func (a *Anonymous) Authenticate(_ context.Context, r *Request) Answer {
	if a.Mode == NoAnonymous || a.Mode == AllowAnonymous && forced(r) {
		return Answer{}
	}
	id, err := uuid.NewRandomFromReader(a.Rand)
	if err != nil {
		return unavailable(err.Error())
	}
	return Answer{User: &session.User{Directory: session.AnonymousDirectory, ID: "anonymous" + id.String()}}
}

// forced reports whether the person wants to log in.
func forced(r *Request) bool {
	switch r.Query.Get("forceAuthentication") {
	case "yes", "true", "1":
		return true
	}
	return false
}
