package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/repository"
)

// IsStatic reports whether a path, in lower case, is one of static content.
func IsStatic(path string) bool {
	root, _, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return ok && slices.ContainsFunc(repository.ContentKinds(), func(k repository.ContentKind) bool { return k.Root == root })
}

// HandleStatic answers requests for files of libraries, apps and extensions.
func (s *Server) HandleStatic(ctx *fasthttp.RequestCtx, c repository.Caller) {
	if !ctx.IsGet() && !ctx.IsHead() {
		ctx.Response.Header.Set("Allow", "GET, HEAD")
		s.fail(ctx, &statusError{fasthttp.StatusMethodNotAllowed, "files are only read here"})
		return
	}
	within, cancel := context.WithTimeout(context.Background(), timeMax) // to open it; not ctx: see Handle
	defer cancel()
	k, library, path, err := staticPath(ctx)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	f, err := s.repo.Content(within, &c, k, library, path)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	staticHeaders(ctx, k, f)
	if strings.Contains(string(ctx.Request.Header.Peek("If-None-Match")), etag(f)) { // of several, or W/"…"
		_ = f.File.Close() // only read
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	ctx.SetContentType(withCharset(f.MimeType))
	sendRange(ctx, f)
	ctx.Response.SkipBody = ctx.IsHead()
}

// sendRange sends a file, or the part of it that is asked for: players seek in
// films, and some play none otherwise. A part of another version is not sent.
func sendRange(ctx *fasthttp.RequestCtx, f *repository.ContentFile) {
	h := &ctx.Response.Header
	h.Set("Accept-Ranges", "bytes")
	asked := ctx.Request.Header.Peek("Range")
	if version := string(ctx.Request.Header.Peek("If-Range")); len(asked) == 0 || bytes.ContainsRune(asked, ',') || version != "" && version != etag(f) { // all of it answers several parts, too
		ctx.SetBodyStream(f.File, int(f.SizeBytes)) // which closes it
		return
	}
	first, last, err := fasthttp.ParseByteRange(asked, int(f.SizeBytes))
	if err != nil {
		_ = f.File.Close() // only read
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", f.SizeBytes))
		ctx.SetStatusCode(fasthttp.StatusRequestedRangeNotSatisfiable)
		return
	}
	h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, f.SizeBytes))
	ctx.SetStatusCode(fasthttp.StatusPartialContent)
	ctx.SetBodyStream(&part{io.NewSectionReader(f.File, int64(first), int64(last-first+1)), f.File}, last-first+1)
}

// A part is a part of a file, which is closed with it.
type part struct {
	*io.SectionReader
	io.Closer
}

// staticPath reads /<root>/<library>/<path>.
func staticPath(ctx *fasthttp.RequestCtx) (k repository.ContentKind, library, path string, err error) {
	raw, _, _ := strings.Cut(string(ctx.RequestURI()), "?")
	parts := strings.Split(strings.Trim(raw, "/"), "/")
	for i := range parts {
		if parts[i], err = url.PathUnescape(parts[i]); err != nil {
			return k, "", "", badRequest("path: %v", err)
		}
	}
	kinds := repository.ContentKinds()
	i := slices.IndexFunc(kinds, func(k repository.ContentKind) bool { return strings.EqualFold(k.Root, parts[0]) })
	if i < 0 || len(parts) < 3 {
		return k, "", "", repository.ErrNotFound
	}
	return kinds[i], parts[1], strings.Join(parts[2:], "/"), nil
}

func etag(f *repository.ContentFile) string { return strconv.Quote(f.Version) }

// active are the types that browsers run scripts of when they are opened as
// pages.
var active = []string{"text/html", "application/xhtml+xml", "image/svg+xml", "application/xml", "text/xml"}

// staticHeaders says how a browser is to treat a file. Whoever may fill a
// library is not trusted to run scripts as others; extensions are nothing else.
func staticHeaders(ctx *fasthttp.RequestCtx, k repository.ContentKind, f *repository.ContentFile) {
	h := &ctx.Response.Header
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", etag(f))
	h.SetLastModified(f.Modified)
	h.Set("Cache-Control", cacheControl(f))
	if k != repository.ExtensionContent && slices.Contains(active, f.MimeType) {
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; media-src 'self'")
	}
	if f.MimeType == "application/octet-stream" {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	}
}

// cacheControl says who may keep a file for how long. Without a time it is
// asked for again each time, as rights may change; then its ETag saves the bytes.
func cacheControl(f *repository.ContentFile) string {
	age := "max-age=" + strconv.Itoa(int(f.MaxAge.Seconds()))
	if f.MaxAge == 0 {
		age = "no-cache"
	}
	switch f.Policy {
	case repository.CacheNoStore:
		return "no-store"
	case repository.CacheMustRevalidate:
		return age + ", must-revalidate"
	case repository.CachePrivateMustRevalidate:
		return "private, " + age + ", must-revalidate"
	case repository.CachePrivateNormal:
		return "private, " + age
	}
	if f.MaxAge == 0 {
		return "private, " + age
	}
	return age
}

func withCharset(mimeType string) string {
	if strings.HasPrefix(mimeType, "text/") || mimeType == "application/javascript" || mimeType == "application/json" {
		return mimeType + "; charset=utf-8"
	}
	return mimeType
}
