package api

import (
	"errors"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// standard answers the operations that types have in common. known is false if
// the path is none of them.
func (s *Server) standard(r *request) (a answer, known bool, err error) {
	for n := min(len(r.path), 2); n > 0; n-- { // license/useraccesstype before license
		t := s.schema.ByPath(strings.Join(r.path[:n], "/"))
		if t == nil {
			continue
		}
		if op, handle := s.operation(r, t, r.path[n:]); handle != nil && t.Operations.Has(op) {
			a, err = handle()
			return a, true, err
		}
	}
	return answer{}, false, nil
}

// operation returns the standard operation that a method and the rest of a
// path mean, and what does it; nil if there is none.
func (s *Server) operation(r *request, t *schema.Type, rest []string) (schema.Operations, func() (answer, error)) {
	last := ""
	switch len(rest) {
	case 0:
	case 1:
		last = rest[0]
	default:
		return 0, nil
	}
	switch r.method + " " + last {
	case "GET ":
		return schema.List, func() (answer, error) { return s.list(r, t, false) }
	case "GET full":
		return schema.Full, func() (answer, error) { return s.list(r, t, true) }
	case "GET count":
		return schema.Count, func() (answer, error) { return s.count(r, t) }
	case "POST ":
		return schema.Create, func() (answer, error) { return s.create(r, t) }
	case "POST many":
		return schema.Many, func() (answer, error) { return s.createMany(r, t) }
	case "POST table":
		return schema.Table, func() (answer, error) { return s.table(r, t) }
	case "POST previewcreateprivilege":
		return schema.PreviewCreatePrivilege, func() (answer, error) { return s.previewCreate(r, t) }
	case "POST previewprivileges":
		return schema.PreviewPrivileges, func() (answer, error) { return s.previewPrivileges(r, t) }
	}
	switch {
	case last == "":
	case r.method == fasthttp.MethodGet:
		return schema.Get, func() (answer, error) { return s.get(r, t, last) }
	case r.method == fasthttp.MethodPut:
		return schema.Update, func() (answer, error) { return s.update(r, t, last) }
	case r.method == fasthttp.MethodDelete:
		return schema.Delete, func() (answer, error) { return s.delete(r, t, last) }
	}
	return 0, nil
}

func (s *Server) list(r *request, t *schema.Type, full bool) (answer, error) {
	q, err := r.list()
	if err != nil {
		return answer{}, err
	}
	read := s.repo.Condensed
	if full {
		read = s.repo.List
	}
	found, err := read(r, r.caller, t, q)
	if err != nil {
		return answer{}, err
	}
	if found == nil {
		found = []map[string]any{}
	}
	return ok(found)
}

func (s *Server) count(r *request, t *schema.Type) (answer, error) {
	q, err := r.list()
	if err != nil {
		return answer{}, err
	}
	n, err := s.repo.Count(r, r.caller, t, q)
	if err != nil {
		return answer{}, err
	}
	return ok(value(n))
}

func (s *Server) get(r *request, t *schema.Type, id string) (answer, error) {
	privileges, err := r.flag("privileges", false)
	if err != nil {
		return answer{}, err
	}
	e, err := s.repo.Get(r, r.caller, t, id, privileges)
	if err != nil {
		return answer{}, err
	}
	return ok(e)
}

func (s *Server) create(r *request, t *schema.Type) (answer, error) {
	privileges, err := r.flag("privileges", false)
	if err != nil {
		return answer{}, err
	}
	doc := map[string]any{}
	if err := r.json(&doc); err != nil {
		return answer{}, err
	}
	made, err := s.repo.Create(r, r.caller, t, doc)
	if err == nil && privileges {
		err = s.privileged(r, t, made...)
	}
	if err != nil {
		return answer{}, err
	}
	return created(made[0])
}

func (s *Server) createMany(r *request, t *schema.Type) (answer, error) {
	privileges, err := r.flag("privileges", false)
	if err != nil {
		return answer{}, err
	}
	var docs []map[string]any
	if err := r.json(&docs); err != nil {
		return answer{}, err
	}
	made, err := s.repo.Create(r, r.caller, t, docs...)
	if err == nil && privileges {
		err = s.privileged(r, t, made...)
	}
	if err != nil {
		return answer{}, err
	}
	return created(made)
}

func (s *Server) update(r *request, t *schema.Type, id string) (answer, error) {
	privileges, err := r.flag("privileges", false)
	if err != nil {
		return answer{}, err
	}
	doc := map[string]any{}
	if err := r.json(&doc); err != nil {
		return answer{}, err
	}
	e, err := s.repo.Update(r, r.caller, t, id, doc)
	if err == nil && privileges {
		err = s.privileged(r, t, e)
	}
	if err != nil {
		return answer{}, err
	}
	return ok(e)
}

// privileged adds to entities that were stored what the caller may do with
// them now; nothing to those that he may not read.
func (s *Server) privileged(r *request, t *schema.Type, list ...map[string]any) error {
	for _, e := range list {
		id, _ := e[schema.ID].(string)
		whole, err := s.repo.Get(r, r.caller, t, id, true)
		if errors.Is(err, repository.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		e[schema.Privileges] = whole[schema.Privileges]
	}
	return nil
}

func (s *Server) delete(r *request, t *schema.Type, id string) (answer, error) {
	if err := s.repo.Delete(r, r.caller, t, id); err != nil {
		return answer{}, err
	}
	return empty()
}

func (s *Server) previewCreate(r *request, t *schema.Type) (answer, error) {
	doc := map[string]any{}
	if err := r.json(&doc); err != nil {
		return answer{}, err
	}
	may, err := s.repo.MayCreate(r, r.caller, t, doc)
	if err != nil {
		return answer{}, err
	}
	return ok(value(may))
}

func (s *Server) previewPrivileges(r *request, t *schema.Type) (answer, error) {
	doc := map[string]any{}
	if err := r.json(&doc); err != nil {
		return answer{}, err
	}
	rights, err := s.repo.Rights(r, r.caller, t, doc)
	if err != nil {
		return answer{}, err
	}
	return ok(rights.Names())
}
