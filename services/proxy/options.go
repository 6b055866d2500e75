// Package proxy is the door of a site: it finds out who a request comes from
// and passes it to the service that answers, with the user in a header.
//
// A request belongs to the virtual proxy whose prefix begins its path. That one
// says how people log in (package auth) and how long their sessions live
// (package session). Bodies and messages of sockets stream through in bounded
// buffers; what a client says about who it is, is dropped on the way.
package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/balance"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// ErrInactive says that a user may not log in: inactive, blocked, removed.
var ErrInactive = errors.New("user is not active")

// Users is what the proxy asks a repository about people.
type Users interface {
	// Login finds a user, or makes one at a first login, and returns it with
	// the name to show. The error is ErrInactive if the user may not log in.
	Login(ctx context.Context, u session.User) (session.User, error)
}

// An Endpoint is a place where a service answers.
type Endpoint struct {
	Node    string
	Address string // host:port
}

// Upstreams says where services are.
type Upstreams interface {
	// Endpoints returns the places of a service, best first. None, without an
	// error, means that there is none now.
	Endpoints(ctx context.Context, s Service) ([]Endpoint, error)
}

// Engines says which engines an app may be opened on.
type Engines interface {
	// Engines returns all of them with what the rules and their health say.
	Engines(ctx context.Context, u session.User, app string) ([]balance.Engine, error)
}

// Options are the settings of a proxy.
type Options struct {
	HostNames []string // names of this machine: pages from there may open sockets and change things
	Node      string   // id of this node
	RestURI   string   // of the REST interface
	Home      string   // path below the prefix that / leads to; "" = /hub/

	Sessions  *session.Store
	Users     Users // nil = everybody whom a login vouches for
	Upstreams Upstreams
	Engines   Engines
	Balancer  *balance.Balancer
	TLS       *tls.Config // to upstreams, with our client certificate; nil = plain
	// Near returns how to reach a service of this process without the network,
	// where one answers at the address; nil = there is none.
	Near     func(address string) func(context.Context) (net.Conn, error)
	Licences Licences // nil = none are needed

	// MissingOrigin lets programs that name no origin open sockets. Browsers
	// always name one.
	MissingOrigin bool
	Limits        Limits
	Log           *slog.Logger // nil = none
	Audit         *slog.Logger // who logged in, who was refused; nil = none
	Now           func() time.Time
}

// DefaultSockets is how many there may be at a time.
const DefaultSockets = 20_000

// Limits bound what clients can take. Zero means the default.
type Limits struct {
	HeaderBytes       int           // of a request; 16 384
	HeaderLines       int           // of a request; 100
	BodyBytes         int64         // of a request; 4 GB, as apps are uploaded
	Connections       int           // of a listener, those of sockets too; 24 000
	Requests          int           // at a time; 4 096
	PerSecond         float64       // requests per address in the long run; 200; below 0 = no limit, as where all come through one address
	Burst             int           // and at once; 1 000
	Sockets           int           // at a time; 20 000
	SocketsPerSession int           // 50
	ClientMessage     int64         // bytes of a message of a client; 100 MB
	ServerMessage     int64         // bytes of a message of a service; 1 GB
	KeepAlive         time.Duration // of idle connections; 10 s
	Head              time.Duration // how long a handshake or the head of a request may take; 30 s
	Stalled           time.Duration // how long one read or write may take; 60 s
	SocketWrite       time.Duration // how long a socket may not take what is written to it; 30 s
	Answer            time.Duration // how long a service may take before and within its answer; 10 min
}

// Validate fills in defaults and says which field is wrong.
func (o *Options) Validate() error {
	if o.Sessions == nil || o.Upstreams == nil || o.Engines == nil || o.Now == nil {
		return errors.New("proxy options: Sessions, Upstreams, Engines and Now are needed")
	}
	if len(o.HostNames) == 0 {
		return errors.New("proxy options: HostNames: no page could do anything")
	}
	if o.Home == "" {
		o.Home = "/hub/"
	}
	if u, err := url.Parse(o.Home); err != nil || u.Host != "" || o.Home[0] != '/' {
		return fmt.Errorf("proxy options: Home %q: need a path", o.Home)
	}
	if o.Balancer == nil {
		o.Balancer = balance.New()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Audit == nil {
		o.Audit = slog.New(slog.DiscardHandler)
	}
	return o.Limits.validate()
}

func (l *Limits) validate() error {
	set(&l.HeaderBytes, 16384)
	set(&l.HeaderLines, 100)
	set(&l.BodyBytes, 4<<30)
	set(&l.Connections, 24_000)
	set(&l.Requests, 4096)
	set(&l.PerSecond, 200)
	set(&l.Burst, 1000)
	set(&l.Sockets, DefaultSockets)
	set(&l.SocketsPerSession, 50)
	set(&l.ClientMessage, 100<<20)
	set(&l.ServerMessage, 1<<30)
	set(&l.KeepAlive, 10*time.Second)
	set(&l.Head, 30*time.Second)
	set(&l.Stalled, time.Minute)
	set(&l.SocketWrite, 30*time.Second)
	set(&l.Answer, 10*time.Minute)
	if l.HeaderBytes < 512 || l.HeaderBytes > 131072 {
		return fmt.Errorf("proxy limits: HeaderBytes %d: need 512 to 131072", l.HeaderBytes)
	}
	if l.KeepAlive < time.Second || l.KeepAlive > 300*time.Second {
		return fmt.Errorf("proxy limits: KeepAlive %v: need 1 s to 300 s", l.KeepAlive)
	}
	return nil
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// A SameSite says with which requests of other sites a cookie comes; the
// numbers are those of the repository, but for the default.
type SameSite int

// The values of SameSite.
const (
	SameSiteLax SameSite = iota // the default
	SameSiteNone
	_
	SameSiteStrict
)

// A VirtualProxy is one way into the site.
type VirtualProxy struct {
	Prefix          string // "" = the default one
	Cookie          string // name of the session cookie; "" = X-Qlik-Session or X-Qlik-Session-<prefix>
	CookieDomain    string
	SameSite        SameSite      // of the cookie over TLS; without it is Lax
	Timeout         time.Duration // inactivity that ends a session; 0 = 30 min
	Methods         auth.Chain
	Origins         []string // hosts whose pages may open sockets and frame ours
	ResponseHeaders string   // added to every answer: one "Name: value" per line
	Environment     bool     // tell services about OS, device, browser and address
	Nodes           []string // engines that may be used; nil = all
	Sticky          bool
	LogoutURI       string // where people go after logging out; "" = the start page
}
