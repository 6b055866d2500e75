package hub

import (
	"fmt"
	"slices"
	"strings"
)

// A document is one of JSON:API (https://jsonapi.org/format/).
type document struct {
	Data     any               `json:"data"`
	Included []*resource       `json:"included,omitempty"`
	Links    map[string]string `json:"links,omitempty"`
}

// A resource is an entity in a document.
type resource struct {
	Type          string         `json:"type"`
	ID            string         `json:"id"`
	Attributes    map[string]any `json:"attributes,omitempty"`
	Relationships map[string]any `json:"relationships,omitempty"`
}

func newDocument(list []*resource, included ...*resource) *document {
	if list == nil {
		list = []*resource{}
	}
	return &document{Data: list, Included: included}
}

// apps lists the apps of a filter.
func (s *Server) apps(filter string) func(*request) (any, error) {
	return func(r *request) (any, error) {
		list, err := r.reader.List(r, "App", filter)
		if err != nil {
			return nil, err
		}
		return appDocument(list), nil
	}
}

// own lists the reader's apps, those of a filter. What rules let him see of
// others' is not his work.
func (s *Server) own(filter string) func(*request) (any, error) {
	return func(r *request) (any, error) {
		me, err := r.reader.Who(r)
		if err != nil {
			return nil, err
		}
		return s.apps(filter + "owner.userDirectory eq " + quoted(me.Directory) + " and owner.userId eq " + quoted(me.ID))(r)
	}
}

// quoted writes a text so that it is nothing else in a filter.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// appsOf lists the apps of a stream that the reader sees.
func (s *Server) appsOf(stream string) func(*request) (any, error) {
	return func(r *request) (any, error) {
		seen, err := r.reader.List(r, "Stream", "id eq "+stream)
		if err != nil {
			return nil, err
		}
		if len(seen) == 0 {
			return nil, ErrNotFound
		}
		return s.apps("published eq true and stream.id eq " + stream)(r)
	}
}

func (s *Server) favorites(r *request) (any, error) {
	ids, err := r.reader.Favorites(r)
	if err != nil || len(ids) == 0 {
		return newDocument(nil), err
	}
	var each []string
	for _, id := range ids {
		if isID(id) {
			each = append(each, "id eq "+id)
		}
	}
	var apps []Entity
	for some := range slices.Chunk(each, askedMax) {
		list, err := r.reader.List(r, "App", strings.Join(some, " or "))
		if err != nil {
			return nil, err
		}
		apps = append(apps, list...)
	}
	if len(each) > askedMax {
		slices.SortStableFunc(apps, func(a, b Entity) int {
			return strings.Compare(strings.ToLower(fmt.Sprint(a["name"])), strings.ToLower(fmt.Sprint(b["name"])))
		})
	}
	return appDocument(apps), nil
}

// askedMax is for how many apps one filter asks: the repository takes no filters
// of any length.
const askedMax = 100

// appAttributes are those of an app that clients read.
var appAttributes = []string{
	"name", "fileSize", "sourceAppId", "targetAppId", "privileges", "lastReloadTime", "createdDate", "modifiedDate", "publishTime", "published", "description",
	"dynamicColor", "thumbnail", "availabilityStatus", "customProperties",
}

func appDocument(list []Entity) *document {
	var apps, included []*resource
	for _, e := range list {
		a := newResource("App", e, appAttributes...)
		a.Attributes["features"] = []any{}
		a.Relationships = map[string]any{}
		for name, kind := range map[string]string{"owner": "User", "stream": "Stream"} {
			other, ok := e[name].(map[string]any)
			if !ok {
				continue
			}
			to := newResource(kind, other, "name", "userId", "userDirectory", "privileges")
			a.Relationships[name] = relation(to)
			if !slices.ContainsFunc(included, func(x *resource) bool { return x.ID == to.ID }) {
				included = append(included, to)
			}
		}
		apps = append(apps, a)
	}
	slices.SortStableFunc(included, func(a, b *resource) int { return strings.Compare(a.Type, b.Type) })
	return newDocument(apps, included...)
}

func (s *Server) streams(r *request) (any, error) {
	list, err := r.reader.List(r, "Stream", "")
	if err != nil {
		return nil, err
	}
	var streams []*resource
	for _, e := range list {
		x := newResource("Stream", e, "name", "modifiedDate", "privileges")
		if owner, ok := e["owner"].(map[string]any); ok {
			x.Relationships = map[string]any{"owner": relation(newResource("User", owner))}
		}
		streams = append(streams, x)
	}
	return newDocument(streams), nil
}

// newResource takes the attributes over that an entity has.
func newResource(kind string, e Entity, attributes ...string) *resource {
	r := &resource{Type: kind, ID: fmt.Sprint(e["id"]), Attributes: map[string]any{}}
	for _, name := range attributes {
		v, ok := e[name]
		switch {
		case !ok:
			continue
		case v == nil && (name == "privileges" || name == "customProperties"):
			v = []any{}
		}
		r.Attributes[name] = v
	}
	return r
}

func relation(to *resource) any {
	return map[string]any{"data": map[string]string{"id": to.ID, "type": to.Type}}
}

func (s *Server) user(r *request) (any, error) {
	me, err := r.reader.Who(r)
	if err != nil {
		return nil, err
	}
	return &document{Data: &resource{Type: "User", ID: me.Directory + `\` + me.ID, Attributes: map[string]any{"name": me.Name, "userId": me.ID, "userDirectory": me.Directory}}}, nil
}

// privileges tell what the reader may make.
func (s *Server) privileges(r *request) (any, error) {
	attributes := map[string]any{"features": []string{}, "installation": "Enterprise"}
	for name, typ := range map[string]string{"app": "App", "stream": "Stream"} {
		may, err := r.reader.MayCreate(r, typ)
		if err != nil {
			return nil, err
		}
		attributes[name] = []string{}
		if may {
			attributes[name] = []string{"create"}
		}
	}
	return &document{Data: &resource{Type: "Privileges", ID: "1", Attributes: attributes}}, nil
}
