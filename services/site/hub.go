package site

import (
	"context"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/hub"
	"github.com/cognate-bi/cognate/services/repository"
)

// A reader is a user of the hub.
type reader struct {
	repo   *repository.Repository
	caller repository.Caller
}

var _ hub.Reader = (*reader)(nil)

// List implements [hub.Reader].
func (r *reader) List(ctx context.Context, typ, filter string) ([]hub.Entity, error) {
	return r.repo.List(ctx, &r.caller, r.repo.Schema().Type(typ), repository.Query{Filter: filter, OrderBy: "name asc", Privileges: true})
}

// Favorites implements [hub.Reader].
func (r *reader) Favorites(ctx context.Context) ([]string, error) {
	return r.repo.Favorites(ctx, &r.caller)
}

// MayCreate implements [hub.Reader].
func (r *reader) MayCreate(ctx context.Context, typ string) (bool, error) {
	return r.repo.MayCreate(ctx, &r.caller, r.repo.Schema().Type(typ), map[string]any{"name": "new"})
}

// Who implements [hub.Reader].
func (r *reader) Who(ctx context.Context) (hub.Person, error) {
	name, err := r.repo.NameOf(ctx, &r.caller)
	return hub.Person{Directory: r.caller.Directory, ID: r.caller.ID, Name: name}, err
}

// servePages serves the pages of hub and apps, and what the hub's clients ask
// below /api.
func (s *Site) servePages(h *hub.Server) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if path := strings.ToLower(string(ctx.Path())); path != "/api" && !strings.HasPrefix(path, "/api/") {
			servePage(ctx, s.opt.Page)
			return
		}
		c, ok := callerOf(ctx)
		if !ok {
			ctx.Error("the header X-Qlik-User names nobody", fasthttp.StatusUnauthorized)
			return
		}
		h.Handle(ctx, &reader{s.repo, c})
	}
}
