package proxy

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

var errPath = errors.New("a path that could mean different things")

// A place is where a path leads: a virtual proxy and a path below it.
type place struct {
	virtual *virtual
	route   route
	found   bool   // there is a route
	path    string // below the prefix, decoded, in lower case: to compare with
	forward string // below the prefix, as services get it: encoded, its route in lower case
	app     string // id in /app/<id>
}

// locate reads a path as it came. Everything is decided on segments that were
// decoded once, so that no way of writing a path leads around a decision; a path
// that another server could read otherwise is an error.
func locate(all []*virtual, raw string) (place, error) {
	segments, texts, err := split(raw)
	if err != nil {
		return place{}, err
	}
	var p place
	for _, v := range all {
		if len(v.segments) <= len(texts) && slices.Equal(v.segments, texts[:len(v.segments)]) {
			p.virtual = v
			break
		}
	}
	segments, texts = segments[len(p.virtual.segments):], texts[len(p.virtual.segments):]
	for i, text := range texts {
		// The id of an app is a file name on some engines, so it may hold what
		// separates. Nothing is decided on it.
		if isApp := i == 1 && texts[0] == "app"; !isApp && hidden(text) {
			return place{}, errPath
		}
	}
	p.path = "/" + strings.Join(texts, "/")
	p.forward = "/" + strings.Join(segments, "/")
	if len(texts) == 0 {
		return p, nil
	}
	if p.route, p.found = routeOf(texts[0]); p.found {
		segments[0] = texts[0]
		p.forward = "/" + strings.Join(segments, "/")
	}
	if texts[0] == "app" && len(texts) > 1 {
		if p.app, err = url.PathUnescape(segments[1]); err != nil || strings.EqualFold(p.app, "engineData") {
			p.app = ""
		}
	}
	return p, nil
}

// split returns the segments of a path, as they came and decoded in lower case.
// Empty ones are left out, but the last one, which is a slash at the end.
func split(raw string) (segments, texts []string, _ error) {
	if !strings.HasPrefix(raw, "/") || strings.ContainsAny(raw, "\\\x00") {
		return nil, nil, errPath
	}
	parts := strings.Split(raw[1:], "/")
	for i, part := range parts {
		if part == "" && (i < len(parts)-1 || len(segments) == 0) {
			continue
		}
		text, err := url.PathUnescape(part)
		if err != nil || text == "." || text == ".." {
			return nil, nil, errPath
		}
		segments = append(segments, part)
		texts = append(texts, strings.ToLower(text))
	}
	return segments, texts, nil
}

// hidden reports whether a decoded segment holds separators, or would after
// decoding it again.
func hidden(text string) bool {
	if strings.ContainsFunc(text, func(r rune) bool { return r == '/' || r == '\\' || r < ' ' || r == 0x7f }) {
		return true
	}
	low := strings.ToLower(text)
	return strings.Contains(low, "%2f") || strings.Contains(low, "%5c") || strings.Contains(low, "%2e") || strings.Contains(low, "%00")
}
