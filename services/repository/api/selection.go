package api

import (
	"slices"
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
	t, err := s.selectionType(r)
	if err != nil {
		return answer{}, err
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

// selectionType returns the type of a path, which may have two parts.
func (s *Server) selectionType(r *request) (*schema.Type, error) {
	path := r.args["type"]
	if part := r.args["part"]; part != "" {
		path += "/" + part
	}
	if t := s.schema.ByPath(path); t != nil {
		return t, nil
	}
	return nil, badRequest("there is no type %q", path)
}

// selectionRoutes are the operations of selections. A type may have a path of
// two parts; none of the second ones is the name of an operation.
func (s *Server) selectionRoutes() []route {
	out := []route{
		at("POST /selection", s.selectItems),
		at("DELETE /selection/{sid}", s.dropSelection),
	}
	operations := []struct {
		call, below string
		handle      func(*request) (answer, error)
	}{
		{"GET", "/full", s.selectionList(true)},
		{"GET", "/count", s.selectionCount},
		{"POST", "/table", s.selectionTable},
		{"GET", "/synthetic", s.synthetic},
		{"PUT", "/synthetic", s.updateSynthetic},
		{"GET", "", s.selectionList(false)},
		{"DELETE", "", s.selectionDelete},
	}
	for _, path := range []string{"{type}", "{type}/{part}"} {
		out = append(out, at("POST /selection/"+path, s.selectFiltered))
		for _, o := range operations {
			out = append(out, at(o.call+" /selection/{sid}/"+path+o.below, o.handle))
		}
	}
	// Operations before types of two parts.
	slices.SortStableFunc(out, func(a, b route) int {
		return strings.Count(strings.Join(a.pattern, "/"), "{") - strings.Count(strings.Join(b.pattern, "/"), "{")
	})
	return out
}

// chosen returns a query of the entities of a selection that are of a type.
func (s *Server) chosen(r *request) (*schema.Type, repository.Query, error) {
	return s.choose(r, (*repository.Repository).Choose)
}

// related is chosen for those who only look: where the selection has no entity of
// the type, those that belong to what it has.
func (s *Server) related(r *request) (*schema.Type, repository.Query, error) {
	return s.choose(r, (*repository.Repository).ChooseRelated)
}

func (s *Server) choose(r *request, narrow func(*repository.Repository, *repository.Query, *schema.Type, []repository.Item)) (*schema.Type, repository.Query, error) {
	t, err := s.selectionType(r)
	if err != nil {
		return nil, repository.Query{}, err
	}
	items, err := s.repo.Selected(r.caller, r.args["sid"])
	if err != nil {
		return nil, repository.Query{}, err
	}
	q, err := r.list()
	narrow(s.repo, &q, t, items)
	return t, q, err
}

func (s *Server) selectionList(full bool) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		t, q, err := s.related(r)
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
	t, q, err := s.related(r)
	if err != nil {
		return answer{}, err
	}
	n, err := s.repo.Count(r, r.caller, t, q)
	if err != nil {
		return answer{}, err
	}
	return ok(value(n))
}

// selectionTable answers a table of the entities of a selection.
func (s *Server) selectionTable(r *request) (answer, error) {
	t, q, err := s.related(r)
	if err != nil {
		return answer{}, err
	}
	return s.tableOf(r, t, q)
}

// syntheticEntity is a SyntheticRootEntity, or a SyntheticEntity in one.
type syntheticEntity struct {
	SchemaPath string              `json:"schemaPath"`
	Name       string              `json:"name"`
	Type       string              `json:"type"`
	Access     []string            `json:"access"`
	Children   []syntheticEntity   `json:"children"`
	Properties []syntheticProperty `json:"properties"`
	Latest     string              `json:"latestModifiedDate,omitempty"`
}

type syntheticProperty struct {
	SchemaPath  string `json:"schemaPath"`
	Name        string `json:"name"`
	Value       any    `json:"value"`
	IsDifferent bool   `json:"valueIsDifferent"`
	IsModified  bool   `json:"valueIsModified"`
}

// synthetic answers what the entities of a selection have in common.
func (s *Server) synthetic(r *request) (answer, error) {
	t, q, err := s.chosen(r)
	if err != nil {
		return answer{}, err
	}
	found, err := s.repo.Synthetic(r, r.caller, t, q.IDs)
	if err != nil {
		return answer{}, err
	}
	out := syntheticOf(found)
	out.SchemaPath, out.Latest = "SyntheticRootEntity", schema.FormatDate(found.Latest)
	return ok(out)
}

func syntheticOf(in *repository.Synthetic) syntheticEntity {
	out := syntheticEntity{SchemaPath: "SyntheticEntity", Name: in.Name, Type: in.Type, Access: in.Access, Children: []syntheticEntity{}, Properties: []syntheticProperty{}}
	for i := range in.Children {
		out.Children = append(out.Children, syntheticOf(&in.Children[i]))
	}
	for _, p := range in.Properties {
		value := p.Value
		if v, isList := value.(repository.ListValue); isList {
			value = map[string]any{"common": v.Common, "some": v.Some, "added": v.Added, "removed": v.Removed}
		}
		out.Properties = append(out.Properties, syntheticProperty{"SyntheticProperty", p.Name, value, p.IsDifferent, p.IsModified})
	}
	return out
}

// syntheticDepth bounds children of children in a body.
const syntheticDepth = 8

func (e *syntheticEntity) parse(depth int) (*repository.Synthetic, error) {
	if depth > syntheticDepth {
		return nil, badRequest("children: are nested deeper than %d", syntheticDepth)
	}
	out := &repository.Synthetic{Name: e.Name, Type: e.Type}
	for _, p := range e.Properties {
		out.Properties = append(out.Properties, repository.Property{Name: p.Name, Value: p.Value, IsModified: p.IsModified})
	}
	for i := range e.Children {
		child, err := e.Children[i].parse(depth + 1)
		if err != nil {
			return nil, err
		}
		out.Children = append(out.Children, *child)
	}
	return out, nil
}

// updateSynthetic changes the modified properties in all entities of a
// selection.
func (s *Server) updateSynthetic(r *request) (answer, error) {
	var body syntheticEntity
	if err := r.json(&body); err != nil {
		return answer{}, err
	}
	t, q, err := s.chosen(r)
	if err != nil {
		return answer{}, err
	}
	if body.Type != "" && s.schema.Type(body.Type) != t {
		return answer{}, badRequest("type: the selection is of %s, the body of %q", t.SchemaPath, body.Type)
	}
	change, err := body.parse(0)
	if err != nil {
		return answer{}, err
	}
	if change.Latest, err = schema.ParseDate(body.Latest); err != nil {
		return answer{}, badRequest("latestModifiedDate: %v", err)
	}
	if err := s.repo.UpdateAll(r, r.caller, t, q.IDs, change); err != nil {
		return answer{}, err
	}
	return s.synthetic(r)
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
