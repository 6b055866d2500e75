package auth

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// Bounds of what a login may say about a user.
const (
	nameMaxLen    = 256
	attributesMax = 1000
	attributesLen = 8 << 10 // all names and values; they have to fit into a header
)

// errService refuses the accounts by which services act.
var errService = errors.New(`INTERNAL\sa_ accounts do not log in`)

// Admissible says why a user cannot have a session, whatever vouches for it.
// Names go to other services in a header of the form
// "UserDirectory=...; UserId=...", whose values may be percent-encoded, so they
// hold nothing that could end them there or become another name.
func Admissible(u session.User) error {
	if alike(u.Directory, "INTERNAL") && alike(firstRunes(u.ID, 3), "sa_") {
		return errService
	}
	for _, n := range []struct{ what, value string }{{"user directory", u.Directory}, {"user id", u.ID}} {
		if err := plainName(n.value); err != nil {
			return fmt.Errorf("%s %.40q: %w", n.what, n.value, err)
		}
	}
	if strings.ContainsAny(u.Directory, `\/`) {
		return fmt.Errorf("user directory %.40q: has a slash", u.Directory)
	}
	if len(u.Attributes) > attributesMax {
		return fmt.Errorf("%d attributes, at most %d are taken", len(u.Attributes), attributesMax)
	}
	total := 0
	for _, a := range u.Attributes {
		if total += len(a.Name) + len(a.Value) + 3; total > attributesLen {
			return fmt.Errorf("attributes of more than %d bytes", attributesLen)
		}
		if strings.ContainsFunc(a.Name+a.Value, unicode.IsControl) || !utf8.ValidString(a.Name+a.Value) {
			return fmt.Errorf("attribute %.40q: has a control character", a.Name)
		}
	}
	return nil
}

// alike reports whether somebody may take a for b, whichever way they ignore case.
func alike(a, b string) bool {
	return strings.EqualFold(a, b) || strings.ToUpper(a) == strings.ToUpper(b) || strings.ToLower(a) == strings.ToLower(b) //nolint:staticcheck // they differ for some letters, and that is the point
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

func plainName(s string) error {
	switch {
	case s == "":
		return errors.New("empty")
	case len(s) > nameMaxLen:
		return fmt.Errorf("longer than %d bytes", nameMaxLen)
	case strings.TrimSpace(s) != s:
		return errors.New("begins or ends with a space")
	case !utf8.ValidString(s):
		return errors.New("not UTF-8")
	case strings.ContainsFunc(s, func(r rune) bool { return r == ';' || r == '%' || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return errors.New("has a semicolon, a percent sign or a character that does not show")
	}
	return nil
}
