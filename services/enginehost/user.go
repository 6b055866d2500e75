package enginehost

import (
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/session"
)

// A client is who opens a socket, as a proxy in front says: the engine has no
// authentication of its own.
type client struct {
	name string       // UserDirectory=..; UserId=..
	user *access.User // for section access; nil = sees everything

	directory, id string
	session       string              // of the proxy
	attributes    map[string][]string // of the session, keys in lower case
}

// gate returns what a client may do with apps. Who has no name may do nothing
// that a gate guards.
func (h *Host) gate(c client) session.Gate {
	if h.opt.Gate == nil {
		return nil
	}
	return h.opt.Gate(c.directory, c.id, c.attributes)
}

// anonymous is everybody where no proxy names users.
const anonymous = "UserDirectory=LOCAL; UserId=anonymous"

// isAnonymous reports whether a user is nobody whom somebody vouches for.
func isAnonymous(user string) bool {
	directory, _ := userOf(user)
	return user == anonymous || strings.EqualFold(directory, "NONE")
}

// identify reads the headers by which a trusted proxy names the user:
//
//	X-Qlik-User: UserDirectory=DOM; UserId=ANN
//	X-Qlik-Security: SecureRequest=false; Context=AppAccess; group=Sales; email=ann@dom
func identify(ctx *fasthttp.RequestCtx) client {
	name := string(ctx.Request.Header.Peek("X-Qlik-User"))
	if name == "" {
		return client{name: anonymous}
	}
	c := client{name: name, user: &access.User{}, session: string(ctx.Request.Header.Peek("X-Qlik-ProxySession"))}
	directory, id := userOf(name)
	c.user.ID, c.directory, c.id = id, directory, id
	c.attributes = map[string][]string{}
	if directory != "" {
		c.user.ID = directory + `\` + id
	}
	EachAttribute(string(ctx.Request.Header.Peek("X-Qlik-Security")), func(key, value string) {
		c.attributes[key] = append(c.attributes[key], value)
		switch key {
		case "group":
			c.user.Groups = append(c.user.Groups, value)
		case "email":
			c.user.Email = value
		}
	})
	return c
}

// EachAttribute calls f for every key=value of a list with semicolons, as a
// trusted proxy writes it: keys in lower case, values decoded.
func EachAttribute(list string, f func(key, value string)) {
	for _, part := range strings.Split(list, ";") {
		if key, value, ok := strings.Cut(part, "="); ok {
			value = strings.TrimSpace(value)
			if decoded, err := url.PathUnescape(value); err == nil {
				value = decoded
			}
			f(strings.ToLower(strings.TrimSpace(key)), value)
		}
	}
}
