package api

import (
	"strings"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// selectItems makes a selection of the entities in the body.
func (s *Server) selectItems(r *request) (answer, error) {
	var body struct{ Items []repository.Item }
	if err := r.json(&body); err != nil {
		return answer{}, err
	}
	return s.selected(r, body.Items)
}

// selectFiltered makes a selection of the entities of a type that a filter
// chooses.
func (s *Server) selectFiltered(r *request) (answer, error) {
	t := s.schema.ByPath(r.args["type"])
	if t == nil {
		return answer{}, badRequest("there is no type %q", r.args["type"])
	}
	q, err := r.list()
	if err != nil {
		return answer{}, err
	}
	found, err := s.repo.List(r, r.caller, t, q)
	if err != nil {
		return answer{}, err
	}
	var items []repository.Item
	for _, e := range found {
		id, _ := e[schema.ID].(string)
		items = append(items, repository.Item{Type: t.SchemaPath, ObjectID: id})
	}
	return s.selected(r, items)
}

func (s *Server) selected(r *request, items []repository.Item) (answer, error) {
	id, err := s.repo.Select(r.caller, items)
	if err != nil {
		return answer{}, err
	}
	if items == nil {
		items = []repository.Item{}
	}
	return created(map[string]any{schema.ID: id, "items": items, schema.SchemaPath: "Selection"})
}

func (s *Server) dropSelection(r *request) (answer, error) {
	s.repo.Unselect(r.caller, r.args["sid"])
	return empty()
}

// chosen returns a query of the entities of a selection that are of a type.
func (s *Server) chosen(r *request) (*schema.Type, repository.Query, error) {
	t := s.schema.ByPath(r.args["type"])
	if t == nil {
		return nil, repository.Query{}, badRequest("there is no type %q", r.args["type"])
	}
	items, err := s.repo.Selected(r.caller, r.args["sid"])
	if err != nil {
		return nil, repository.Query{}, err
	}
	q, err := r.list()
	q.IDs = []string{}
	for _, item := range items {
		if strings.EqualFold(item.Type, t.SchemaPath) || strings.EqualFold(item.Type, t.Name) {
			q.IDs = append(q.IDs, item.ObjectID)
		}
	}
	return t, q, err
}

func (s *Server) selectionList(full bool) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		t, q, err := s.chosen(r)
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
		return ok(append([]map[string]any{}, found...))
	}
}

func (s *Server) selectionCount(r *request) (answer, error) {
	t, q, err := s.chosen(r)
	if err != nil {
		return answer{}, err
	}
	n, err := s.repo.Count(r, r.caller, t, q)
	if err != nil {
		return answer{}, err
	}
	return ok(value(n))
}

// selectionDelete deletes the entities of a selection, all or none.
func (s *Server) selectionDelete(r *request) (answer, error) {
	t, q, err := s.chosen(r)
	if err != nil {
		return answer{}, err
	}
	if err := s.repo.Delete(r, r.caller, t, q.IDs...); err != nil {
		return answer{}, err
	}
	return empty()
}

// favorite adds an app to the caller's favourites or takes it out.
func (s *Server) favorite(add bool) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		if err := s.repo.Favorite(r, r.caller, r.args["appid"], add); err != nil {
			return answer{}, err
		}
		return empty()
	}
}
