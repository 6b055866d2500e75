package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/semaphore"

	"github.com/cognate-bi/cognate/services/repository"
)

// A request is a call of the interface. It lives as long as its handler.
type request struct {
	context.Context
	ctx    *fasthttp.RequestCtx
	caller *repository.Caller
	method string
	path   []string          // below the prefix, in lower case
	raw    []string          // as it came, decoded
	args   map[string]string // of the route
	query  map[string]string // keys in lower case, the first of each

	bodies *semaphore.Weighted // of the server
	held   int64               // bytes of them
}

// Bounds of the JSON of bodies; files are streamed. As values it takes thirty
// times as much memory as it is long, so that large bodies wait for each other.
const (
	bodyMax   = 16 << 20
	bodySmall = 16 << 10 // does not wait
	bodiesMax = 2 * bodyMax
)

func (s *Server) newRequest(within context.Context, ctx *fasthttp.RequestCtx, c repository.Caller) (*request, error) {
	r := &request{Context: within, ctx: ctx, caller: &c, method: string(ctx.Method()), query: map[string]string{}, bodies: s.bodies}
	for key, v := range ctx.QueryArgs().All() {
		k := strings.ToLower(string(key))
		if _, twice := r.query[k]; !twice {
			r.query[k] = string(v)
		}
	}
	raw, _, _ := strings.Cut(string(ctx.RequestURI()), "?")
	for part := range strings.SplitSeq(strings.Trim(raw[len(Prefix):], "/"), "/") {
		text, err := url.PathUnescape(part)
		if err != nil {
			return nil, badRequest("path: %v", err)
		}
		r.raw = append(r.raw, text)
		r.path = append(r.path, strings.ToLower(text))
	}
	if r.method == fasthttp.MethodHead && !slices.Contains(headless, r.path[0]) {
		r.method = fasthttp.MethodGet // whose answer goes without its body
	}
	if err := r.checkKey(); err != nil {
		return nil, err
	}
	return r, r.checkAccept()
}

// headless are the resources of which HEAD is not GET without a body: a ticket
// is good for one, and the other has a HEAD of its own.
var headless = []string{"download", "certificatedistribution"}

// bound bounds the time of the request from now on.
func (r *request) bound() (cancel func()) {
	r.Context, cancel = context.WithTimeout(r.Context, timeMax)
	return cancel
}

// open are the resources that may be read without a key: clients look at them
// to see whether anybody is there.
var open = []string{"about", "health", "ssl"}

// checkKey holds the key against cross-site requests: 16 letters or digits,
// the same in the query and in a header, which a foreign page cannot set.
func (r *request) checkKey() error {
	key, header := r.query["xrfkey"], string(r.ctx.Request.Header.Peek("X-Qlik-Xrfkey"))
	if key == "" && header == "" && r.method == fasthttp.MethodGet && slices.Contains(open, r.path[0]) {
		return nil
	}
	good := len(key) == 16 && key == header
	for _, c := range key {
		good = good && (c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}
	if !good {
		return &statusError{fasthttp.StatusForbidden, "XSRF prevention check failed: the query parameter Xrfkey and the header X-Qlik-Xrfkey need the same 16 letters or digits"}
	}
	return nil
}

// checkAccept looks whether the client takes JSON.
func (r *request) checkAccept() error {
	if accept := string(r.ctx.Request.Header.Peek("Accept")); accept != "" && !acceptable(accept) {
		return &statusError{fasthttp.StatusNotAcceptable, "answers are application/json"}
	}
	return nil
}

// checkBody looks whether the client sends what can be read. A body that is
// empty may be of any type.
func (r *request) checkBody() error {
	kind, _, _ := strings.Cut(strings.ToLower(string(r.ctx.Request.Header.ContentType())), ";")
	if r.ctx.Request.Header.ContentLength() == 0 || slices.Contains(bodyTypes, strings.TrimSpace(kind)) {
		return nil
	}
	return &statusError{fasthttp.StatusUnsupportedMediaType, "a body of type " + kind + " cannot be read"}
}

var bodyTypes = []string{
	"", "application/json", "text/json", "application/vnd.qlik.sense.app", "multipart/form-data", "application/octet-stream", "application/zip", "application/x-zip-compressed",
}

func acceptable(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		kind, q, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		if strings.TrimSpace(strings.ReplaceAll(q, " ", "")) == "q=0" {
			continue
		}
		switch strings.TrimSpace(kind) {
		case "*/*", "application/*", "application/json", "text/plain", "text/*", "application/octet-stream", "text/html", "text/xml", "application/xml":
			return true
		}
	}
	return false
}

// json decodes the body; numbers stay as they were written.
func (r *request) json(to any) error {
	// Not Body: it would take a body of any size into memory.
	from := r.ctx.RequestBodyStream()
	if from == nil {
		from = bytes.NewReader(r.ctx.Request.Body())
	}
	from, err := unpacked(from, string(r.ctx.Request.Header.ContentEncoding()))
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(from, bodyMax+1))
	if err != nil {
		return badRequest("body: %v", err)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) // some clients mark texts as UTF-8
	if len(body) > bodyMax {
		return &statusError{fasthttp.StatusRequestEntityTooLarge, "the body is too large"}
	}
	if err := r.hold(int64(len(body))); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		if err == io.EOF {
			return badRequest("the body is empty")
		}
		return badRequest("the body is no such JSON: %v", err)
	}
	if d.More() {
		return badRequest("there is more behind the body's JSON")
	}
	return nil
}

// unpacked returns a body as it was before it was compressed.
func unpacked(body io.Reader, encoding string) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip":
		plain, err := gzip.NewReader(body)
		if err != nil {
			return nil, badRequest("body: %v", err)
		}
		return plain, nil
	}
	return nil, &statusError{fasthttp.StatusUnsupportedMediaType, "a body compressed by " + encoding + " cannot be read"}
}

// hold waits until there is room for the values of a body.
func (r *request) hold(size int64) error {
	if size <= bodySmall {
		return nil
	}
	if err := r.bodies.Acquire(r, size); err != nil {
		return &statusError{fasthttp.StatusServiceUnavailable, "there are too many large requests"}
	}
	r.held += size
	return nil
}

// letGo gives the room back when the request is answered.
func (r *request) letGo() {
	if r != nil && r.held > 0 {
		r.bodies.Release(r.held)
	}
}

// flag returns a parameter of the query that is true or false.
func (r *request) flag(name string, otherwise bool) (bool, error) {
	text, ok := r.query[name]
	if !ok || text == "" {
		return otherwise, nil
	}
	v, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return false, badRequest("%s=%s is neither true nor false", name, text)
	}
	return v, nil
}

// number returns a parameter of the query that is a whole number of at least 0.
func (r *request) number(name string) (int, error) {
	text := r.query[name]
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, badRequest("%s=%s is no number of at least 0", name, text)
	}
	return n, nil
}

// list returns what all lists may be asked for.
func (r *request) list() (q repository.Query, err error) {
	q = repository.Query{Filter: r.filter(), OrderBy: r.query["orderby"]}
	if q.Skip, err = r.number("skip"); err != nil {
		return q, err
	}
	if q.Take, err = r.number("take"); err != nil {
		return q, err
	}
	q.Privileges, err = r.flag("privileges", false)
	return q, err
}

// filter returns the filter. Some clients encode it twice when it has quotes.
func (r *request) filter() string {
	text := r.query["filter"]
	if strings.Contains(text, "%2") {
		if again, err := url.QueryUnescape(text); err == nil {
			return again
		}
	}
	return text
}
