package api

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/repository"
)

// TempPrefix is where exported files are fetched, beside the interface.
const TempPrefix = "/tempcontent/"

// upload makes an app of the body.
//
//	POST /app/upload?name&keepdata=true
func (s *Server) upload(r *request) (answer, error) {
	keep, err := r.flag("keepdata", true)
	if err != nil {
		return answer{}, err
	}
	file, err := r.file()
	if err != nil {
		return answer{}, err
	}
	app, err := s.repo.Upload(r, r.caller, file, r.query["name"], keep)
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
	return ok(app)
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
//	POST /app/{id}/export/{token}?skipdata=false
func (s *Server) export(r *request) (answer, error) {
	skip, err := r.flag("skipdata", false)
	if err != nil {
		return answer{}, err
	}
	token, err := uuid.Parse(r.args["token"])
	if err != nil {
		return answer{}, badRequest("token: %v", err)
	}
	ticket, name, err := s.repo.Export(r, r.caller, r.args["id"], token.String(), skip)
	if err != nil {
		return answer{}, err
	}
	return created(map[string]any{
		"exportToken": token.String(), "appId": r.args["id"], "cancelled": false, "schemaPath": "AppExport",
		"downloadPath": fmt.Sprintf("%s%s/%s?serverNodeId=%s", TempPrefix, ticket, url.PathEscape(name), s.opt.NodeID),
	})
}

func (s *Server) cancelExport(r *request) (answer, error) {
	s.repo.CancelExport(r.caller, r.args["token"])
	return empty()
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
	if err := s.repo.Reload(r, r.caller, r.args["id"], io.Discard); err != nil {
		return answer{}, err
	}
	return empty()
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
