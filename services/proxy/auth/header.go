package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// HeaderOptions are the settings of authentication by a header that a server
// in front sets.
type HeaderOptions struct {
	Header string
	// Directory is that of all users. If it is empty, Pattern finds directory
	// and id in the header: $ud and $id among literal text, \ before a
	// character that is meant as it stands, as in $ud\\$id.
	Directory string
	Pattern   string
	// Trusted are the addresses that may send the header. From anywhere else
	// it is not believed: without any, nobody can log in.
	Trusted []netip.Prefix
}

// Header believes a header from trusted addresses. It has to come with every
// request.
type Header struct {
	opt     HeaderOptions
	pattern *regexp.Regexp
}

var _ Method = (*Header)(nil)

// NewHeader says which setting is wrong.
func NewHeader(o HeaderOptions) (*Header, error) {
	if o.Header == "" {
		return nil, errors.New("header authentication: no header named")
	}
	h := &Header{opt: o}
	if o.Directory == "" {
		var err error
		if h.pattern, err = compilePattern(o.Pattern); err != nil {
			return nil, fmt.Errorf("header authentication: pattern %q: %w", o.Pattern, err)
		}
	}
	return h, nil
}

// compilePattern makes a pattern with $ud and $id a regular expression, whose
// first group is the shortest directory that fits.
func compilePattern(p string) (*regexp.Regexp, error) {
	var b strings.Builder
	ud, id := 0, 0
	for len(p) > 0 {
		switch {
		case strings.HasPrefix(p, "$ud"):
			b.WriteString("(?P<ud>.+?)")
			ud++
			p = p[3:]
		case strings.HasPrefix(p, "$id"):
			b.WriteString("(?P<id>.+)")
			id++
			p = p[3:]
		default:
			if p[0] == '\\' && len(p) > 1 {
				p = p[1:]
			}
			b.WriteString(regexp.QuoteMeta(p[:1]))
			p = p[1:]
		}
	}
	if ud != 1 || id != 1 {
		return nil, errors.New("need $ud and $id once each")
	}
	return regexp.Compile("^" + b.String() + "$")
}

// Name implements Method.
func (*Header) Name() string { return "header" }

// Owns implements Method.
func (*Header) Owns(string) bool { return false }

// Credentials implements Method: every request has to bring the header.
func (*Header) Credentials(*Request) bool { return true }

// Authenticate implements Method.
func (h *Header) Authenticate(_ context.Context, r *Request) Answer {
	values := r.Header(h.opt.Header)
	if len(values) == 0 {
		return refuse("no header " + h.opt.Header)
	}
	if !h.trusted(r.Remote) {
		return refuse(fmt.Sprintf("header %s from %s, which is not trusted", h.opt.Header, r.Remote))
	}
	if len(values) > 1 {
		return refuse("header " + h.opt.Header + " came several times")
	}
	u, err := h.user(strings.TrimSpace(values[0]))
	if err != nil {
		return refuse(err.Error())
	}
	return Answer{User: u}
}

func (h *Header) trusted(a netip.Addr) bool {
	for _, p := range h.opt.Trusted {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

func (h *Header) user(value string) (*session.User, error) {
	if h.pattern == nil {
		return &session.User{Directory: h.opt.Directory, ID: value}, nil
	}
	m := h.pattern.FindStringSubmatch(value)
	if m == nil {
		return nil, fmt.Errorf("header %s: %.40q does not fit the pattern", h.opt.Header, value)
	}
	return &session.User{Directory: m[h.pattern.SubexpIndex("ud")], ID: m[h.pattern.SubexpIndex("id")]}, nil
}
