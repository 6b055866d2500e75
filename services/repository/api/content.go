package api

import (
	"github.com/cognate-bi/cognate/services/repository"
)

// putContent keeps the body as a file of a library.
//
//	POST /contentlibrary/{name}/uploadfile?externalpath&overwrite=false
func (s *Server) putContent(k repository.ContentKind) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		overwrite, err := r.flag("overwrite", k == repository.SharedContent) // which has no such parameter
		if err != nil {
			return answer{}, err
		}
		if scan, err := r.flag("scanfile", false); err != nil || scan {
			return answer{}, badRequest("scanfile: this server has no virus scanner")
		}
		path, err := s.repo.PutContent(r, r.caller, k, r.args["library"], r.query["externalpath"], overwrite, r.file)
		if err != nil {
			return answer{}, err
		}
		return created(path)
	}
}

// deleteContent deletes a file of a library.
//
//	DELETE /contentlibrary/{name}/deletecontent?externalpath
func (s *Server) deleteContent(k repository.ContentKind) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		if err := s.repo.RemoveContent(r, r.caller, k, r.args["library"], r.query["externalpath"]); err != nil {
			return answer{}, err
		}
		return empty()
	}
}

// contentRoutes are the operations on static content.
func (s *Server) contentRoutes() []route {
	routes := []route{
		at("GET /app/content/{appid}/fileextensionwhitelist", s.appWhiteList),
		at("GET /staticcontent/enumeratefiles", s.enumerateFiles),
		transfer("POST /extension/upload", s.importExtensions),
		transfer("POST /extension/name/{extension}", s.importExtension),
		at("DELETE /extension/name/{extension}", s.deleteExtension),
		at("GET /extension/schema", s.extensionSchema),
	}
	for _, k := range repository.ContentKinds() {
		path := "/" + s.schema.Type(k.Library).Path
		if k == repository.AppContent {
			path = "/appcontent"
		}
		routes = append(routes, transfer("POST "+path+"/{library}/uploadfile", s.putContent(k)), at("DELETE "+path+"/{library}/deletecontent", s.deleteContent(k)))
	}
	return routes
}

func (s *Server) appWhiteList(r *request) (answer, error) {
	list, err := s.repo.WhiteList(r, r.caller, r.args["appid"])
	if err != nil {
		return answer{}, err
	}
	return ok(list)
}

// enumerateFiles lists the files below a path that the caller may read.
//
//	GET /staticcontent/enumeratefiles?path=/content/Default
func (s *Server) enumerateFiles(r *request) (answer, error) {
	paths, err := s.repo.ContentFiles(r, r.caller, r.query["path"])
	if err != nil {
		return answer{}, err
	}
	out := make([]map[string]any, len(paths))
	for i, p := range paths {
		out[i] = map[string]any{"path": p, "schemaPath": "EnumeratedFile"}
	}
	return ok(out)
}

// importExtensions makes extensions of a ZIP file.
//
//	POST /extension/upload?pwd&replace=false
func (s *Server) importExtensions(r *request) (answer, error) {
	replace, err := r.flag("replace", false)
	if err != nil {
		return answer{}, err
	}
	if r.query["pwd"] != "" {
		return answer{}, badRequest("pwd: encrypted archives cannot be read")
	}
	made, err := s.repo.ImportExtensions(r, r.caller, repository.Import{Replace: replace}, r.file)
	if err != nil {
		return answer{}, err
	}
	return created(made)
}

// importExtension makes the extension of a name of a ZIP file.
//
//	POST /extension/name/{extension}
func (s *Server) importExtension(r *request) (answer, error) {
	made, err := s.repo.ImportExtensions(r, r.caller, repository.Import{Name: r.args["extension"]}, r.file)
	if err != nil {
		return answer{}, err
	}
	return created(made[0])
}

func (s *Server) deleteExtension(r *request) (answer, error) {
	if err := s.repo.DeleteExtension(r, r.caller, r.args["extension"]); err != nil {
		return answer{}, err
	}
	return empty()
}

func (s *Server) extensionSchema(r *request) (answer, error) {
	said, err := s.repo.ExtensionSchema(r, r.caller)
	if err != nil {
		return answer{}, err
	}
	return ok(said)
}
