package proxy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// Bounds of the inactivity time-out.
const (
	timeoutMin = time.Minute
	timeoutMax = 71582 * time.Minute
)

// A virtual is a virtual proxy with what was read from its settings.
type virtual struct {
	VirtualProxy
	base     string          // the prefix with its leading slash, or ""
	segments []string        // of the prefix, in lower case
	headers  [][2]string     // of answers
	cookies  map[string]bool // of the sessions of all virtual proxies
}

// ErrNoDefault says that there is no virtual proxy without a prefix.
var ErrNoDefault = errors.New("virtual proxies: none without a prefix")

// Check says why virtual proxies cannot stand beside each other; ErrNoDefault
// if nothing is wrong but that the one without a prefix is missing.
func Check(list []VirtualProxy) error {
	_, err := virtuals(list)
	return err
}

// virtuals checks settings. The longest prefixes come first.
func virtuals(list []VirtualProxy) ([]*virtual, error) {
	var all []*virtual
	seen, cookies := map[string]bool{}, map[string]bool{}
	for _, vp := range list {
		v, err := newVirtual(vp)
		if err != nil {
			return nil, fmt.Errorf("virtual proxy %q: %w", vp.Prefix, err)
		}
		key := strings.ToLower(vp.Prefix)
		if seen[key] || cookies[v.Cookie] {
			return nil, fmt.Errorf("virtual proxy %q: another one has this prefix or the cookie %s", vp.Prefix, v.Cookie)
		}
		seen[key], cookies[v.Cookie] = true, true
		v.cookies = cookies
		all = append(all, v)
	}
	if !seen[""] {
		return nil, ErrNoDefault
	}
	slices.SortFunc(all, func(a, b *virtual) int { return len(b.segments) - len(a.segments) })
	return all, nil
}

func newVirtual(vp VirtualProxy) (*virtual, error) {
	v := &virtual{VirtualProxy: vp}
	if vp.Prefix != "" {
		v.base = "/" + vp.Prefix
		v.segments = strings.Split(strings.ToLower(vp.Prefix), "/")
	}
	if err := checkPrefix(v.segments); err != nil {
		return nil, err
	}
	if v.Cookie == "" {
		v.Cookie = "X-Qlik-Session"
		if vp.Prefix != "" {
			v.Cookie += "-" + strings.ReplaceAll(vp.Prefix, "/", ".")
		}
	}
	if !isToken(v.Cookie) {
		return nil, fmt.Errorf("cookie name %q", v.Cookie)
	}
	if v.Timeout == 0 {
		v.Timeout = session.DefaultTimeout
	}
	if v.Timeout < timeoutMin || v.Timeout > timeoutMax {
		return nil, fmt.Errorf("time-out of %v: need %v to %v", v.Timeout, timeoutMin, timeoutMax)
	}
	var err error
	v.headers, err = parseHeaders(vp.ResponseHeaders)
	return v, err
}

// checkPrefix refuses what a path could not hold as it stands, and prefixes
// that would hide a route of the default virtual proxy.
func checkPrefix(segments []string) error {
	for i, s := range segments {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool {
			return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
		}) {
			return errors.New("a prefix is made of letters, digits, - and _, with slashes inside")
		}
		if _, taken := routeOf(s); i == 0 && taken {
			return fmt.Errorf("/%s is a path of the site", s)
		}
	}
	return nil
}

// parseHeaders reads lines of "Name: value".
func parseHeaders(text string) (list [][2]string, _ error) {
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) || strings.ContainsRune(value, '\r') {
			return nil, fmt.Errorf("response header %q: need Name: value", line)
		}
		list = append(list, [2]string{name, strings.TrimSpace(value)})
	}
	return list, nil
}

// isToken reports whether s may name a header or a cookie (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}
