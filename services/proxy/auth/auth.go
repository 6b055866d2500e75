// Package auth finds out who sends a request: one file per method.
//
// A method sees a request and answers with a user, with the next step of its
// login, with a refusal, or with nothing, and then the next method of the
// virtual proxy is asked. It knows no server: package proxy carries out what
// an Answer says. Whatever a client sent to get a user is checked here and
// nowhere else.
package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// A Request is what methods may know of a request.
type Request struct {
	Method  string
	Path    string // below the prefix, canonical, beginning with /
	URI     string // path and query as they came: where a login returns to
	Base    string // the prefix with its leading slash; "" at the default virtual proxy
	Query   url.Values
	Form    url.Values    // of a body posted to an end point of a login
	Host    string        // as the client named this server
	Foreign bool          // Host is a name that this server is not known by
	Secure  bool          // came over TLS
	Remote  netip.Addr    // the other end of the connection
	Session string        // the token in the session cookie
	Current *session.User // of the session; nil = there is none
	Header  func(name string) []string
	Cookie  func(name string) string
}

// Origin is this server as the client sees it.
func (r *Request) Origin() string {
	if r.Secure {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// Navigation reports whether the answer is shown to a person, so that it may
// redirect to a login page: not so for scripts and for methods that change
// something.
func (r *Request) Navigation() bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	mode := r.header("Sec-Fetch-Mode")
	return (mode == "" || mode == "navigate") && r.header("X-Requested-With") == "" && r.header("Upgrade") == ""
}

// header returns the only value of a header. Several mean that somebody on the
// way added one, so none of them counts.
func (r *Request) header(name string) string {
	if values := r.Header(name); len(values) == 1 {
		return values[0]
	}
	return ""
}

// Target is where the browser goes after its login: the request itself, without
// a ticket, as long as that stays on this server.
func (r *Request) Target() string { return withoutTicket(localTarget(r.URI, r.Base)) }

// localTarget returns uri if a browser understands it as a path of the same
// server, else the start page: //host and /\host are other servers.
func localTarget(uri, base string) string {
	if !strings.HasPrefix(uri, "/") || strings.HasPrefix(uri, "//") || strings.ContainsAny(uri, "\\\r\n\t\x00") {
		return base + "/"
	}
	return uri
}

// A Cookie is one of a login's own, or takes it back when Value is empty. It is
// HttpOnly, and Secure over TLS.
type Cookie struct {
	Name, Value string
	MaxAge      time.Duration
	CrossSite   bool // comes back with a form that another site posts
}

// An Answer is what a method says. The zero Answer says nothing.
type Answer struct {
	User   *session.User // who it is
	Token  string        // of its session, where it does not come from us; "" = a fresh one
	Return string        // where the browser goes next; "" = the request itself is answered

	Redirect string // next step of the login
	LoginURI string // with Status 401: where a person would log in
	Status   int    // answer with this, and Type and Body
	Type     string
	Body     []byte

	Cookies []Cookie
	Refused string // why, for the audit log; the client is not told
}

// decided reports whether no other method is to be asked.
func (a *Answer) decided() bool { return a.User != nil || a.Redirect != "" || a.Status != 0 }

// A Method is one way to authenticate. Implementations may be called by any
// number of goroutines.
type Method interface {
	// Name is for logs.
	Name() string
	// Owns reports whether a path, in lower case, is an end point of the
	// method: it is then asked even if there is a session.
	Owns(path string) bool
	// Credentials reports whether the request itself says who sends it, which
	// is checked even if there is a session.
	Credentials(r *Request) bool
	// Authenticate decides about a request.
	Authenticate(ctx context.Context, r *Request) Answer
}

// challenge sends a person to a login page, and tells scripts where it is.
func challenge(r *Request, uri string, cookies ...Cookie) Answer {
	if r.Navigation() {
		return Answer{Redirect: uri, Cookies: cookies}
	}
	return Answer{Status: http.StatusUnauthorized, LoginURI: uri, Cookies: cookies}
}

// refuse answers that the client is nobody.
func refuse(reason string) Answer {
	return Answer{Status: http.StatusUnauthorized, Refused: reason}
}

// refuseHost refuses a login that would come back to a name of the client's
// choice: with a name of his own somebody could send another person to the login,
// and get what comes back.
func refuseHost(r *Request) Answer {
	return refuse(fmt.Sprintf("the login would come back to %.100q, which is no name of this server", r.Host))
}

// unavailable answers that a service that the login needs does not work.
func unavailable(reason string) Answer {
	return Answer{Status: http.StatusServiceUnavailable, Refused: reason}
}
