package proxy

import (
	"context"
	"errors"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// Errors of Licences.
var (
	ErrNoAccess        = errors.New("no access type available")
	ErrPendingUserSync = errors.New("the user is not known to the licence service yet")
	ErrTooManySessions = errors.New("too many sessions in parallel")
	ErrExcess          = errors.New("more is allocated than licensed")
)

// Licences says whether a session may open apps.
type Licences interface {
	// Acquire returns the access that a session uses, as AnalyzerAccess. It is
	// used until the session ends; asking again changes nothing. The error is
	// one of those above, or another if nobody can say.
	Acquire(ctx context.Context, sess *session.Session) (access string, _ error)
}
