package repository

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// Limits of names and paths of static content.
const (
	segmentMax = 255
	pathMax    = 1024
	depthMax   = 16
)

// contentPath returns a path below a library as it is stored: with slashes, and
// none in front. Segments are names that every file system and address can
// have, so no path leads out of its library.
func contentPath(text string) (string, error) {
	p := strings.Trim(strings.ReplaceAll(text, `\`, "/"), "/")
	bad := func(format string, args ...any) (string, error) {
		return "", &schema.Error{Field: "externalpath", Reason: fmt.Sprintf("%.100q: ", text) + fmt.Sprintf(format, args...)}
	}
	segments := strings.Split(p, "/")
	switch {
	case p == "":
		return bad("is empty")
	case len(p) > pathMax:
		return bad("is longer than %d", pathMax)
	case len(segments) > depthMax:
		return bad("has more than %d folders", depthMax)
	}
	for _, s := range segments {
		if reason := badSegment(s); reason != "" {
			return bad("%.100q %s", s, reason)
		}
	}
	return p, nil
}

// badSegment says what is wrong with a name between slashes, "" if nothing is.
func badSegment(s string) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > segmentMax:
		return fmt.Sprintf("is longer than %d", segmentMax)
	case !utf8.ValidString(s):
		return "is no UTF-8"
	case strings.HasSuffix(s, ".") || strings.TrimSpace(s) != s: // "." and "..", too
		return "ends with a dot, or begins or ends with a blank"
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`\/:*?"<>|%#`, r) }):
		return `holds one of \ / : * ? " < > | % #, or a control character`
	}
	return ""
}

// extensionOf returns what is behind the last dot of a name, in lower case;
// .name has none.
func extensionOf(name string) string {
	base := path.Base(name)
	if i := strings.LastIndexByte(base, '.'); i > 0 {
		return strings.ToLower(base[i+1:])
	}
	return ""
}
