// Package hub answers the small interfaces that clients of a hub ask: lists of
// apps and streams as JSON:API documents, who one is, what there is. Facts of
// the paths and shapes come from public clients that open a hub.
package hub

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// ErrNotFound says that there is nothing of that name for the reader.
var ErrNotFound = errors.New("not found")

// An Entity is one of the repository in its whole form, with what its reader
// may do with it in privileges.
type Entity = map[string]any

// A Reader is a user as the repository knows him. He sees what the rules let
// him see.
type Reader interface {
	// List returns entities of a type, by name; filter is in the language of
	// the repository's interface, "" = all.
	List(ctx context.Context, typ, filter string) ([]Entity, error)
	// Favorites returns the ids of the apps that he has marked.
	Favorites(ctx context.Context) ([]string, error)
	// MayCreate reports whether he may make an entity of a type.
	MayCreate(ctx context.Context, typ string) (bool, error)
	// Who is who he is.
	Who(ctx context.Context) (Person, error)
}

// A Person is a user as others see him.
type Person struct{ Directory, ID, Name string }

// Options are the settings of a hub.
type Options struct {
	Version string
	Log     *slog.Logger // nil = none
}

// A Server answers below /api.
type Server struct {
	opt    Options
	routes map[string]func(*request) (any, error)
}

// New returns a server.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{opt: o}
	s.routes = map[string]func(*request) (any, error){
		"about/v1/language":                   func(*request) (any, error) { return map[string]string{"language": "en-US"}, nil },
		"about/v1/systeminfo":                 s.systemInfo,
		"capability/v1/list":                  func(*request) (any, error) { return []any{}, nil }, // nothing is switched by flags
		"hub/about":                           s.systemInfo,
		"hub/v1/privileges":                   s.privileges,
		"hub/v1/user/info":                    s.user,
		"hub/v1/desktoplink":                  none,
		"hub/v1/apps/user":                    s.own(""),
		"hub/v1/apps/stream/myspace":          s.own("published eq false and "),
		"hub/v1/apps/favorites":               s.favorites,
		"hub/v1/streams":                      s.streams,
		"hub/v1/reports":                      none,
		"hub/v1/qvdocuments":                  none,
		"hub/v1/properties":                   none,
		"hub/v1/externalproductsignons":       none,
		"hub/v1/insight-advisor-chat/license": none,
		"hub/v1/custombannermessages":         none,
		"odag/v1/isodagavailable":             func(*request) (any, error) { return false, nil },
		"odag/v1/links":                       func(*request) (any, error) { return []any{}, nil },
	}
	return s
}

// none answers that there is nothing of the kind.
func none(*request) (any, error) { return newDocument(nil), nil }

// A request is one of a reader.
type request struct {
	context.Context
	reader Reader
}

// timeMax bounds a request.
const timeMax = 30 * time.Second

// Handle answers a request of a reader.
func (s *Server) Handle(ctx *fasthttp.RequestCtx, reader Reader) {
	// Not ctx: it is taken back while databases may still watch it.
	within, cancel := context.WithTimeout(context.Background(), timeMax)
	defer cancel()
	if !ctx.IsGet() && !ctx.IsHead() {
		ctx.Response.Header.Set("Allow", "GET, HEAD")
		s.fail(ctx, fasthttp.StatusMethodNotAllowed, "these lists are only read")
		return
	}
	f := s.route(string(ctx.Path()))
	if f == nil {
		s.fail(ctx, fasthttp.StatusNotFound, "there is no such resource")
		return
	}
	switch body, err := f(&request{within, reader}); {
	case errors.Is(err, ErrNotFound):
		s.fail(ctx, fasthttp.StatusNotFound, "there is nothing of that name for you")
	case err != nil:
		s.opt.Log.Error("hub request", "path", string(ctx.Path()), "err", err)
		ctx.Response.Header.Set("Retry-After", "5")
		s.fail(ctx, fasthttp.StatusServiceUnavailable, "the repository does not answer: try again")
	default:
		s.answer(ctx, fasthttp.StatusOK, body)
	}
}

// fail answers what went wrong, in the form of JSON:API.
func (s *Server) fail(ctx *fasthttp.RequestCtx, status int, detail string) {
	s.answer(ctx, status, map[string]any{"errors": []map[string]string{{"status": strconv.Itoa(status), "detail": detail}}})
}

func (s *Server) answer(ctx *fasthttp.RequestCtx, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		s.opt.Log.Error("hub answer", "path", string(ctx.Path()), "err", err)
		ctx.Error("internal error", fasthttp.StatusInternalServerError)
		return
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetBody(text)
}

// route finds who answers a path, nil if nobody does.
func (s *Server) route(path string) func(*request) (any, error) {
	path = strings.Trim(strings.TrimPrefix(strings.ToLower(path), "/api"), "/")
	if f := s.routes[path]; f != nil {
		return f
	}
	if id, ok := strings.CutPrefix(path, "hub/v1/apps/stream/"); ok && isID(id) {
		return s.appsOf(id)
	}
	if id, ok := strings.CutPrefix(path, "odag/v1/links/"); ok && id != "" {
		return func(*request) (any, error) { return nil, ErrNotFound }
	}
	return nil
}

// isID reports whether a text can be an id, so that it is nothing else in a
// filter.
func isID(s string) bool {
	return len(s) == 36 && strings.Trim(s, "0123456789abcdef-") == ""
}

func (s *Server) systemInfo(*request) (any, error) {
	return map[string]string{
		"productName": "Cognate", "deploymentType": "Enterprise", "version": s.opt.Version, "releaseLabel": s.opt.Version, "copyrightYearRange": "2026",
	}, nil
}
