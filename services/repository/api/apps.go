package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
)

// TempPrefix is where exported files are fetched, beside the interface.
const TempPrefix = "/tempcontent/"

// upload makes an app of the body.
//
//	POST /app/upload?name&keepdata=true
func (s *Server) upload(r *request) (answer, error) {
	o, err := r.appImport()
	if err != nil {
		return answer{}, err
	}
	file, err := r.file()
	if err != nil {
		return answer{}, err
	}
	app, err := s.repo.Upload(r, r.caller, file, o)
	if err != nil {
		return answer{}, err
	}
	return created(app)
}

// uploadReplace gives an app the data and objects of the body.
func (s *Server) uploadReplace(r *request) (answer, error) {
	keep, err := r.flag("keepdata", true)
	if err != nil {
		return answer{}, err
	}
	file, err := r.file()
	if err != nil {
		return answer{}, err
	}
	app, err := s.repo.UploadOver(r, r.caller, file, r.query["targetappid"], keep)
	if err != nil {
		return answer{}, err
	}
	return created(app)
}

// appImport reads how a file is to be taken over.
func (r *request) appImport() (o repository.AppImport, err error) {
	o.Name = r.query["name"]
	if o.KeepData, err = r.flag("keepdata", true); err != nil {
		return o, err
	}
	o.Alone, err = r.flag("excludeconnections", false)
	return o, err
}

// importApp makes an app of a file in the import folder, which the body names.
//
//	POST /app/import?name&keepdata=true&excludeconnections=false
func (s *Server) importApp(r *request) (answer, error) {
	o, err := r.appImport()
	if err != nil {
		return answer{}, err
	}
	var file string
	if err := r.json(&file); err != nil {
		return answer{}, err
	}
	app, err := s.repo.ImportApp(r, r.caller, file, o)
	if err != nil {
		return answer{}, err
	}
	return created(app)
}

// importReplace gives an app the data and objects of a file in the import
// folder.
//
//	POST /app/import/replace?targetappid&keepdata=true
func (s *Server) importReplace(r *request) (answer, error) {
	keep, err := r.flag("keepdata", true)
	if err != nil {
		return answer{}, err
	}
	var file string
	if err := r.json(&file); err != nil {
		return answer{}, err
	}
	app, err := s.repo.ImportOver(r, r.caller, file, r.query["targetappid"], keep)
	if err != nil {
		return answer{}, err
	}
	return created(app)
}

func (s *Server) importFolder(r *request) (answer, error) {
	dir, err := s.repo.ImportFolder(r, r.caller)
	if err != nil {
		return answer{}, err
	}
	return ok(value(dir))
}

// file returns the file that the body is, or, of a form, its first one. It is
// read as it comes.
func (r *request) file() (io.Reader, error) {
	body := r.ctx.RequestBodyStream()
	if body == nil {
		if len(r.ctx.Request.Body()) == 0 {
			return nil, badRequest("the body is empty")
		}
		body = bytes.NewReader(r.ctx.Request.Body())
	}
	body = incoming{body}
	kind, params, _ := mime.ParseMediaType(string(r.ctx.Request.Header.ContentType()))
	if kind != "multipart/form-data" {
		return body, nil
	}
	form := multipart.NewReader(body, params["boundary"])
	for range partsMax {
		part, err := form.NextPart()
		switch {
		case err == io.EOF:
			return nil, badRequest("the form has no file")
		case err != nil:
			return nil, badRequest("form: %v", err)
		case part.FileName() != "":
			return incoming{part}, nil
		}
	}
	return nil, badRequest("the form has no file in its first %d parts", partsMax)
}

// incoming makes a client's fault of what is wrong with its body.
type incoming struct{ io.Reader }

func (b incoming) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = badRequest("body: %v", err)
	}
	return n, err
}

// partsMax bounds how many parts of a form may come before the file.
const partsMax = 100

// export makes a path where the caller may fetch the file of an app, once.
//
//	POST /app/{id}/export/{token}?skipdata=false&exportscope=approved
func (s *Server) export(r *request) (answer, error) {
	skip, err := r.flag("skipdata", false)
	if err != nil {
		return answer{}, err
	}
	token, err := uuid.Parse(r.args["token"])
	if err != nil {
		return answer{}, badRequest("token: %v", err)
	}
	scope := repository.ApprovedObjects
	switch strings.ToLower(r.query["exportscope"]) {
	case "", "approved":
	case "all":
		scope = repository.AllObjects
	default:
		return answer{}, badRequest("exportscope=%s is neither approved nor all", r.query["exportscope"])
	}
	ticket, name, err := s.repo.Export(r, r.caller, r.args["id"], token.String(), skip, scope)
	if err != nil {
		return answer{}, err
	}
	return created(map[string]any{
		"exportToken": token.String(), "appId": r.args["id"], "cancelled": false, "schemaPath": "AppExport",
		"downloadPath": fmt.Sprintf("%s%s/%s?serverNodeId=%s", TempPrefix, ticket, url.PathEscape(name), s.repo.LocalID()),
	})
}

func (s *Server) cancelExport(r *request) (answer, error) {
	s.repo.CancelExport(r.caller, r.args["token"])
	return ok(map[string]any{"exportToken": r.args["token"], "appId": r.args["id"], "cancelled": true, "schemaPath": "AppExport"})
}

// exportTicket is the older form of export: a ticket, with which the file is
// fetched below /download.
//
//	GET /app/{id}/export
func (s *Server) exportTicket(r *request) (answer, error) {
	ticket, _, err := s.repo.Export(r, r.caller, r.args["id"], uuid.NewString(), false, repository.ApprovedObjects)
	if err != nil {
		return answer{}, err
	}
	return ok(value(ticket))
}

// downloadApp answers the file of a ticket, once.
//
//	GET /download/app/{id}/{ticket}/{name}
func (s *Server) downloadApp(r *request) (answer, error) {
	file, _, size, err := s.repo.Fetch(r.caller, r.args["ticket"])
	if err != nil {
		return answer{}, err
	}
	r.ctx.Response.Header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": r.args["name"]}))
	return answer{fasthttp.StatusOK, download{file, size, "application/vnd.qlik.sense.app"}}, nil
}

// appRoutes are the operations on apps and their files.
func (s *Server) appRoutes() []route {
	return []route{
		transfer("POST /app/upload", s.upload),
		transfer("POST /app/upload/replace", s.uploadReplace),
		long("POST /app/import", s.importApp),
		long("POST /app/import/replace", s.importReplace),
		at("GET /app/importfolder", s.importFolder),
		at("GET /app/{id}/export", s.exportTicket),
		long("GET /download/app/{id}/{ticket}/{name}", s.downloadApp),
		at("POST /app/{id}/export/{token}", s.export),
		at("DELETE /app/{id}/export/{token}", s.cancelExport),
		long("POST /app/{id}/copy", s.copyApp),
		at("PUT /app/{id}/publish", s.publishApp),
		long("PUT /app/{id}/replace", s.replaceApp),
		long("PUT /app/{id}/replace/target", s.replaceTarget),
		long("POST /app/{id}/reload", s.reloadApp),
		at("GET /app/hublist", s.hubList(false)),
		at("GET /app/hublist/full", s.hubList(true)),
		at("GET /app/{id}/privileges", s.appPrivileges),
		at("GET /app/{id}/hubinfo", s.hubInfo),
		at("GET /app/{id}/state", s.appState),
		at("PUT /app/object/{id}/publish", s.declare(s.repo.SetPublished, true, ok)),
		at("PUT /app/object/{id}/unpublish", s.declare(s.repo.SetPublished, false, ok)),
		at("POST /app/object/{id}/approve", s.declare(s.repo.SetApproved, true, created)),
		at("POST /app/object/{id}/unapprove", s.declare(s.repo.SetApproved, false, created)),
	}
}

// HandleTemp answers requests below [TempPrefix].
func (s *Server) HandleTemp(ctx *fasthttp.RequestCtx, c repository.Caller) {
	token, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(string(ctx.Path())), TempPrefix), "/")
	file, name, size, err := s.repo.Fetch(&c, token)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	ctx.SetContentType("application/vnd.qlik.sense.app")
	ctx.Response.Header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	ctx.SetBodyStream(file, int(size)) // which closes it
}

func (s *Server) copyApp(r *request) (answer, error) {
	with, err := r.flag("includecustomproperties", false)
	if err != nil {
		return answer{}, err
	}
	app, err := s.repo.Copy(r, r.caller, r.args["id"], r.query["name"], with)
	if err != nil {
		return answer{}, err
	}
	return created(app)
}

func (s *Server) publishApp(r *request) (answer, error) {
	app, err := s.repo.Publish(r, r.caller, r.args["id"], r.query["stream"], r.query["name"])
	if err != nil {
		return answer{}, err
	}
	return ok(app)
}

func (s *Server) replaceApp(r *request) (answer, error) {
	app, err := s.repo.ReplaceApp(r, r.caller, r.args["id"], r.query["app"])
	if err != nil {
		return answer{}, err
	}
	return ok(app)
}

// reloadApp starts the task that reloads an app by hand. Without a scheduler it
// reloads it at once, and answers when the script has ended.
func (s *Server) reloadApp(r *request) (answer, error) {
	if s.opt.Tasks != nil {
		task, err := s.repo.ManualTask(r, r.caller, r.args["id"])
		if err != nil {
			return answer{}, err
		}
		if _, err := s.opt.Tasks.Start(r, task); err != nil {
			return answer{}, err
		}
		return empty()
	}
	if err := s.repo.Reload(r, r.caller, r.args["id"], false, io.Discard); err != nil {
		return answer{}, err
	}
	return empty()
}

// ofHub narrows a filter to what a hub shows: what is published and the caller's
// own. What others work on is not shown to whom a rule lets see it, though he may
// open it.
func ofHub(text string, c *repository.Caller) (string, error) {
	where, err := filter.Parse(text)
	if err != nil {
		return "", err
	}
	own := filter.All(filter.Equal("owner.userDirectory", c.Directory), filter.Equal("owner.userId", c.ID))
	return filter.All(where, filter.Any(filter.Equal("published", "true"), own)).String(), nil
}

// hubList lists apps as the hub shows them: with the caller's rights on each.
func (s *Server) hubList(full bool) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		q, err := r.list()
		if err != nil {
			return answer{}, err
		}
		if q.Privileges, err = r.flag("allprivileges", true); err != nil {
			return answer{}, err
		}
		if r.caller.Context == rules.ContextHub && !r.caller.IsService() {
			if q.Filter, err = ofHub(q.Filter, r.caller); err != nil {
				return answer{}, err
			}
		}
		read := s.repo.Condensed
		if full {
			read = s.repo.List
		}
		found, err := read(r, r.caller, s.schema.Type("App"), q)
		if err != nil {
			return answer{}, err
		}
		return ok(append([]map[string]any{}, found...))
	}
}

func (s *Server) appPrivileges(r *request) (answer, error) {
	app, err := s.repo.Get(r, r.caller, s.schema.Type("App"), r.args["id"], true)
	if err != nil {
		return answer{}, err
	}
	return ok(app["privileges"])
}

// hubInfo answers an app as the hub shows it.
func (s *Server) hubInfo(r *request) (answer, error) {
	return s.get(r, s.schema.Type("App"), r.args["id"])
}

// appState tells whether an app can be opened: an app of ours always can.
func (s *Server) appState(r *request) (answer, error) {
	if _, err := s.repo.Get(r, r.caller, s.schema.Type("App"), r.args["id"], false); err != nil {
		return answer{}, err
	}
	return ok(map[string]any{"appIsEnabled": true, "schemaPath": "AppState"})
}

// replaceTarget gives the app that an app was made from what that one has.
func (s *Server) replaceTarget(r *request) (answer, error) {
	app, err := s.repo.ReplaceTarget(r, r.caller, r.args["id"])
	if err != nil {
		return answer{}, err
	}
	return ok(app)
}

// declare publishes or approves an object of an app, or takes that back.
func (s *Server) declare(set func(context.Context, *repository.Caller, string, bool) (map[string]any, error), on bool, reply func(any) (answer, error)) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		e, err := set(r, r.caller, r.args["id"], on)
		if err != nil {
			return answer{}, err
		}
		return reply(e)
	}
}
