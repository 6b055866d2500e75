package site

import (
	"crypto/tls"
	"log/slog"
	"net"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/accept"
	"github.com/cognate-bi/cognate/services/certs"
	"github.com/cognate-bi/cognate/services/enginehost"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/api"
	"github.com/cognate-bi/cognate/services/repository/rules"
)

// internalConnsMax is how many connections there may be to an internal service.
const internalConnsMax = 8000

// tlsListener lets those in who have a certificate of the site.
func tlsListener(l net.Listener, c *certs.Store, log *slog.Logger) net.Listener {
	return tls.NewListener(accept.New(l, internalConnsMax, log), c.ServerTLS())
}

// serveRepository answers a request whose sender has a certificate of the site,
// in the name of the user that it names.
func serveRepository(server *api.Server, ctx *fasthttp.RequestCtx) {
	c, ok := callerOf(ctx)
	path := strings.ToLower(string(ctx.Path()))
	switch {
	case !ok:
		ctx.Error("the header X-Qlik-User names nobody", fasthttp.StatusUnauthorized)
	case strings.HasPrefix(path, api.TempPrefix):
		server.HandleTemp(ctx, c)
	case api.IsStatic(path):
		server.HandleStatic(ctx, c)
	case path == api.Prefix || strings.HasPrefix(path, api.Prefix+"/"):
		server.Handle(ctx, c)
	default:
		ctx.Error("not found", fasthttp.StatusNotFound)
	}
}

// callerOf reads who a service says that the user is:
//
//	X-Qlik-User: UserDirectory=DOM; UserId=ann
//	X-Qlik-Security: SecureRequest=true; Context=AppAccess; group=Sales; IP=10.0.0.1
//
// Names are read in any case, values may be encoded as in addresses. Attributes
// of what surrounds a request go to user.environment, others to the user as well.
func callerOf(ctx *fasthttp.RequestCtx) (c repository.Caller, ok bool) {
	enginehost.EachAttribute(string(ctx.Request.Header.Peek("X-Qlik-User")), func(key, value string) {
		switch key {
		case "userdirectory":
			c.Directory = value
		case "userid":
			c.ID = value
		}
	})
	c.Session, c.Environment, c.Context = rules.Attributes{}, rules.Attributes{}, rules.ContextConsole
	if c.IsService() {
		c.Context = rules.ContextBoth
	}
	enginehost.EachAttribute(string(ctx.Request.Header.Peek("X-Qlik-Security")), func(key, value string) {
		if key == "context" && strings.EqualFold(value, "AppAccess") {
			c.Context = rules.ContextHub
		}
		note(&c, key, value)
	})
	return c, c.Directory != "" && c.ID != ""
}

// note adds to a caller an attribute of his request or his login; its name is in
// lower case. Rules find those of a login, such as groups, in user.environment,
// too.
func note(c *repository.Caller, key, value string) {
	switch key {
	case "context", "securerequest", "os", "device", "browser", "ip":
		c.Environment[key] = rules.Texts(value)
	default:
		c.Session[key] = append(c.Session[key], rules.Texts(value)...)
		c.Environment[key] = append(c.Environment[key], rules.Texts(value)...)
	}
}
