package qps

import (
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// A call is a request with its path taken apart.
type call struct {
	ctx    *fasthttp.RequestCtx
	prefix string
	rest   []string // what follows the resource
}

// answer finds out what is asked. Paths are compared in any case.
func (s *Server) answer(ctx *fasthttp.RequestCtx) error {
	if c := ctx.TLSConnectionState(); c == nil || len(c.PeerCertificates) == 0 {
		return statusf(fasthttp.StatusUnauthorized, "a client certificate is needed")
	}
	segments, err := segments(string(ctx.URI().PathOriginal()))
	if err != nil {
		return err
	}
	method := string(ctx.Method())
	if len(segments) == 1 && method == fasthttp.MethodGet {
		switch strings.ToLower(segments[0]) { // probes bring no key
		case "alive":
			return writeJSON(ctx, fasthttp.StatusOK, map[string]bool{"value": true})
		case "health":
			return s.health(ctx)
		}
	}
	if err := checkXrfkey(ctx); err != nil {
		return err
	}
	if len(segments) == 1 && method == fasthttp.MethodPost {
		switch strings.ToLower(segments[0]) {
		case "error":
			return s.reported(ctx)
		case "notified":
			return s.notified(ctx)
		}
	}
	return s.resource(ctx, method, segments)
}

// segments are those below /qps, decoded, without empty ones.
func segments(raw string) ([]string, error) {
	var list []string
	for i, part := range strings.Split(strings.Trim(raw, "/"), "/") {
		text, err := url.PathUnescape(part)
		if err != nil || text == "." || text == ".." {
			return nil, statusf(fasthttp.StatusBadRequest, "the path cannot be read")
		}
		if i == 0 {
			if !strings.EqualFold(text, "qps") {
				return nil, statusf(fasthttp.StatusNotFound, "nothing is here")
			}
			continue
		}
		if text != "" {
			list = append(list, text)
		}
	}
	return list, nil
}

// resource finds the name of a resource behind a prefix, which may have
// slashes inside: the longest prefix counts that leaves a known path.
func (s *Server) resource(ctx *fasthttp.RequestCtx, method string, path []string) error {
	for at := len(path) - 1; at >= 0; at-- {
		name, _, ok := s.opt.Virtual.Timeout(strings.Join(path[:at], "/"))
		if !ok {
			continue
		}
		c := call{ctx: ctx, prefix: name, rest: path[at+1:]}
		allowed := ""
		for _, h := range s.handlers() {
			if !strings.EqualFold(h.name, path[at]) || h.args != len(c.rest) {
				continue
			}
			if h.method == method {
				return h.do(c)
			}
			allowed += h.method + ", "
		}
		if allowed != "" {
			ctx.Response.Header.Set("Allow", strings.TrimSuffix(allowed, ", "))
			return statusf(fasthttp.StatusMethodNotAllowed, "method not allowed")
		}
	}
	return statusf(fasthttp.StatusNotFound, "nothing is here, or there is no such virtual proxy")
}

type handler struct {
	method, name string
	args         int // segments after the name
	do           func(call) error
}

func (s *Server) handlers() []handler {
	return []handler{
		{fasthttp.MethodPost, "ticket", 0, s.issueTicket},
		{fasthttp.MethodGet, "session", 0, s.listSessions},
		{fasthttp.MethodPost, "session", 0, s.addSession},
		{fasthttp.MethodGet, "session", 1, s.getSession},
		{fasthttp.MethodDelete, "session", 1, s.endSession},
		{fasthttp.MethodGet, "user", 2, s.sessionsOfUser},
		{fasthttp.MethodDelete, "user", 2, s.endUser},
	}
}

// checkXrfkey wants the same 16 letters and digits in the query and in a
// header, which pages of other sites cannot set.
func checkXrfkey(ctx *fasthttp.RequestCtx) error {
	header, key := string(ctx.Request.Header.Peek("X-Qlik-Xrfkey")), ""
	for k, v := range ctx.QueryArgs().All() {
		if strings.EqualFold(string(k), "xrfkey") {
			key = string(v)
		}
	}
	other := strings.ContainsFunc(key, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if len(key) != 16 || other || key != header {
		return statusf(fasthttp.StatusForbidden, "XSRF prevention check failed. Possible XSRF discovered.")
	}
	return nil
}
