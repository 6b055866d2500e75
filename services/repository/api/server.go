package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/semaphore"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/appfiles"
	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// Prefix is where the interface lies.
const Prefix = "/qrs"

// Options are what a server needs.
type Options struct {
	Repository *repository.Repository
	About      About
	Tasks      Tasks // nil: this node has no scheduler
	// SAMLMetadata describes a virtual proxy to identity providers; nil: nobody
	// can here.
	SAMLMetadata func(ctx context.Context, virtualProxyID string) ([]byte, error)
	Log          *slog.Logger
	ClientLog    *slog.Logger // what clients want to have logged; nil = nowhere
}

// A Server answers requests of the interface. Any number of goroutines may use
// it.
type Server struct {
	opt    Options
	repo   *repository.Repository
	schema *schema.Schema
	routes []route
	bodies *semaphore.Weighted // bytes of large bodies that are held as values
}

// New returns a server.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ClientLog == nil {
		o.ClientLog = slog.New(slog.DiscardHandler)
	}
	s := &Server{opt: o, repo: o.Repository, schema: o.Repository.Schema(), bodies: semaphore.NewWeighted(bodiesMax)}
	s.routes = s.special()
	return s
}

// An answer is a status and what goes as JSON; nil is no body.
type answer struct {
	status int
	body   any
}

// A download is a body that is a file.
type download struct {
	file        io.ReadCloser
	sizeBytes   int64
	contentType string
}

func ok(body any) (answer, error)      { return answer{fasthttp.StatusOK, body}, nil }
func created(body any) (answer, error) { return answer{fasthttp.StatusCreated, body}, nil }
func empty() (answer, error)           { return answer{fasthttp.StatusNoContent, nil}, nil }

// value wraps a single value.
func value(v any) map[string]any { return map[string]any{"value": v} }

// A statusError is an error with the status that it becomes.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

func badRequest(format string, args ...any) error {
	return &statusError{fasthttp.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// Handle answers a request of a caller, who has been identified: by a
// certificate and the header of a service, or by the proxy.
func (s *Server) Handle(ctx *fasthttp.RequestCtx, c repository.Caller) {
	// Not ctx: it is taken back while databases may still watch it.
	within, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := s.newRequest(within, ctx, c)
	defer r.letGo()
	var a answer
	if err == nil {
		a, err = s.dispatch(r)
	}
	if err != nil {
		s.fail(ctx, err)
		return
	}
	ctx.SetStatusCode(a.status)
	if a.body == nil {
		return
	}
	if d, is := a.body.(download); is {
		ctx.SetContentType(d.contentType)
		ctx.SetBodyStream(d.file, int(d.sizeBytes)) // which closes it
		return
	}
	body, err := json.Marshal(a.body)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	ctx.SetContentType("application/json; charset=utf-8")
	if len(body) >= gzipMin && ctx.Request.Header.HasAcceptEncoding("gzip") {
		body = fasthttp.AppendGzipBytesLevel(nil, body, fasthttp.CompressBestSpeed)
		ctx.Response.Header.SetContentEncoding("gzip")
	}
	ctx.Response.Header.Set("Vary", "Accept-Encoding")
	ctx.SetBody(body)
}

// gzipMin is from how many bytes on an answer is compressed for clients that
// want that: lists repeat themselves.
const gzipMin = 4 << 10

// timeMax bounds a request; transfers of files and reloads take what they take.
const timeMax = time.Minute

// dispatch finds what a request asks for.
func (s *Server) dispatch(r *request) (answer, error) {
	for i := range s.routes {
		if args, fits := s.routes[i].match(r); fits {
			r.args = args
			if err := r.checkBody(); err != nil && !s.routes[i].raw {
				return answer{}, err
			}
			if !s.routes[i].long {
				defer r.bound()()
			}
			return s.routes[i].handle(r)
		}
	}
	if err := r.checkBody(); err != nil {
		return answer{}, err
	}
	defer r.bound()()
	if a, known, err := s.standard(r); known {
		return a, err
	}
	if name := s.schema.Operation(r.method, strings.Join(r.path, "/")); name != "" {
		return answer{}, &statusError{fasthttp.StatusNotImplemented, name + " is not implemented by this server"}
	}
	return answer{}, &statusError{fasthttp.StatusNotFound, "there is no such resource"}
}

// fail turns an error into an answer. What the client may not know goes to the
// log only.
func (s *Server) fail(ctx *fasthttp.RequestCtx, err error) {
	status, text := statusOf(err)
	if status == fasthttp.StatusInternalServerError {
		s.opt.Log.Error("request", "method", string(ctx.Method()), "path", string(ctx.Path()), "err", err)
		text = "the server could not do this: its log says why"
	}
	if status == fasthttp.StatusServiceUnavailable || status == fasthttp.StatusInsufficientStorage {
		s.opt.Log.Warn("request refused", "method", string(ctx.Method()), "path", string(ctx.Path()), "status", status, "err", err)
	}
	if status == fasthttp.StatusServiceUnavailable {
		ctx.Response.Header.Set("Retry-After", "5")
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString(text)
}

func statusOf(err error) (status int, text string) {
	var se *statusError
	var fe *filter.Error
	var ve *schema.Error
	var used *store.ErrInUse
	switch {
	case errors.As(err, &se):
		return se.status, se.text
	case errors.As(err, &fe), errors.As(err, &ve), errors.As(err, &used):
		return fasthttp.StatusBadRequest, err.Error()
	case errors.Is(err, repository.ErrNotFound):
		return fasthttp.StatusNotFound, err.Error()
	case errors.Is(err, repository.ErrForbidden), errors.Is(err, repository.ErrReadOnly):
		return fasthttp.StatusForbidden, err.Error()
	case errors.Is(err, repository.ErrStale):
		return fasthttp.StatusConflict, err.Error()
	case errors.Is(err, repository.ErrExists), errors.Is(err, repository.ErrInvalid):
		return fasthttp.StatusBadRequest, err.Error()
	case errors.Is(err, repository.ErrDirectory):
		return fasthttp.StatusBadGateway, err.Error()
	case errors.Is(err, appfiles.ErrNoFile):
		return fasthttp.StatusNotFound, err.Error()
	case errors.Is(err, appfiles.ErrTooLarge):
		return fasthttp.StatusRequestEntityTooLarge, err.Error()
	case errors.Is(err, repository.ErrNoApps), errors.Is(err, repository.ErrNoContent):
		return fasthttp.StatusNotImplemented, err.Error()
	case errors.Is(err, store.ErrBusy), errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrAway):
		return fasthttp.StatusServiceUnavailable, "the database does not answer: look whether the change was made, and try again"
	case errors.Is(err, store.ErrFull), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fasthttp.StatusInsufficientStorage, "there is no room left on the server: nothing was changed"
	case errors.Is(err, syscall.EROFS):
		return fasthttp.StatusInsufficientStorage, "the folder of the apps cannot be written: nothing was changed"
	}
	return fasthttp.StatusInternalServerError, err.Error()
}
