package repository

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A loader fetches what rules read beside the entities that are decided on. It
// serves one request: what it has fetched it keeps.
//
// Entities that are decided on together are its batch: what one of them refers
// to by a field is fetched for all of them at once. The batch itself may be keys
// only: its entities are fetched when a rule looks into the first of them, which
// none does where the decisions are known.
type loader struct {
	ctx   context.Context
	repo  *Repository
	from  reader
	keys  []store.Key // of the batch, as long as it is not fetched
	batch []*store.Entity
	known map[string]*store.Entity
	seen  map[string]bool // fields whose targets are fetched for all of the batch
}

// A reader reads entities: the store, or a transaction, which sees its own
// changes.
type reader interface {
	Get(ctx context.Context, typ, id string) (*store.Entity, error)
	List(ctx context.Context, typ string, q store.Query) ([]*store.Entity, error)
	ByIDs(ctx context.Context, ids []string) (map[string]*store.Entity, error)
	Referrers(ctx context.Context, id string) ([]store.Referrer, error)
}

func (r *Repository) loader(ctx context.Context, from reader, batch ...*store.Entity) *loader {
	l := &loader{ctx: ctx, repo: r, from: from, batch: batch, known: map[string]*store.Entity{}, seen: map[string]bool{}}
	for _, e := range batch {
		l.known[e.ID] = e
	}
	return l
}

// lazy returns a loader of a batch of which only the keys are known.
func (r *Repository) lazy(ctx context.Context, from reader, keys []store.Key) *loader {
	l := r.loader(ctx, from)
	l.keys = keys
	return l
}

// resource returns an entity as rules see it.
func (l *loader) resource(e *store.Entity) *resource {
	return &resource{l, l.repo.schema.Type(e.Type), e.ID, e}
}

// keyed is resource of an entity of the batch that may not be fetched yet.
func (l *loader) keyed(k store.Key) *resource {
	return &resource{l, l.repo.schema.Type(k.Type), k.ID, nil}
}

// A resource is an entity as rules see it.
type resource struct {
	l  *loader
	t  *schema.Type
	id string
	e  *store.Entity // nil: not fetched yet
}

// entity returns the entity, and fetches the batch if it is not there yet. One
// that somebody has deleted meanwhile has nothing.
func (r *resource) entity() (*store.Entity, error) {
	if r.e != nil {
		return r.e, nil
	}
	if err := r.l.fetchBatch(); err != nil {
		return nil, err
	}
	if r.e = r.l.known[r.id]; r.e == nil {
		r.e = &store.Entity{Type: r.t.Name}
	}
	return r.e, nil
}

// fetchBatch fetches the entities of the keys.
func (l *loader) fetchBatch() error {
	if l.keys == nil {
		return nil
	}
	ids := make([]string, len(l.keys))
	for i, k := range l.keys {
		ids[i] = k.ID
	}
	l.keys = nil
	found, err := l.from.ByIDs(l.ctx, ids)
	if err != nil {
		return err
	}
	for id, e := range found {
		l.known[id] = e
		l.batch = append(l.batch, e)
	}
	return nil
}

var _ rules.Entity = (*resource)(nil)

// Type implements [rules.Entity].
func (r *resource) Type() string { return r.t.SchemaPath }

// ID implements [rules.Entity].
func (r *resource) ID() string { return r.id }

// Attr implements [rules.Entity].
func (r *resource) Attr(name string) ([]rules.Value, error) {
	if name == "id" {
		return rules.Texts(r.id), nil
	}
	if _, err := r.entity(); err != nil {
		return nil, err
	}
	if strings.HasPrefix(name, "@") {
		return r.customProperty(name[1:])
	}
	switch name {
	case "createddate":
		return []rules.Value{rules.Date(r.e.Created)}, nil
	case "modifieddate":
		return []rules.Value{rules.Date(r.e.Modified)}, nil
	case "modifiedbyusername":
		return rules.Texts(r.e.ModifiedBy), nil
	}
	if f := r.t.Field(name); f != nil && f.Kind != schema.Secret {
		return values(f, r.e.Doc[f.Name]), nil
	}
	if r.t.Name == "User" {
		return r.userAttribute(name), nil
	}
	return nil, nil
}

// values turns what a document has into values; references and embedded
// objects have none.
func values(f *schema.Field, v any) (out []rules.Value) {
	if list, ok := v.([]any); ok {
		for _, item := range list {
			out = append(out, values(f, item)...)
		}
		return out
	}
	switch v := v.(type) {
	case string:
		if t, err := schema.ParseDate(v); f.Kind == schema.Date && err == nil {
			return []rules.Value{rules.Date(t)}
		}
		return rules.Texts(v)
	case json.Number:
		if x, err := v.Float64(); err == nil {
			return []rules.Value{rules.Number(x)}
		}
	case float64:
		return []rules.Value{rules.Number(v)}
	case bool:
		return []rules.Value{rules.Bool(v)}
	}
	return nil
}

// userAttribute returns the values of an attribute that a directory gave the
// user.
func (r *resource) userAttribute(name string) (out []rules.Value) {
	for _, a := range objects(r.e.Doc["attributes"]) {
		if strings.EqualFold(text(a["attributeType"]), name) {
			out = append(out, rules.Texts(text(a["attributeValue"]))...)
		}
	}
	return out
}

// customProperty returns the values of a custom property.
func (r *resource) customProperty(name string) (out []rules.Value, err error) {
	for _, p := range objects(r.e.Doc["customProperties"]) {
		id := refID(p["definition"])
		definition, err := r.l.get(id)
		if err != nil {
			return nil, err
		}
		if definition != nil && strings.EqualFold(text(definition.Doc["name"]), name) {
			out = append(out, rules.Texts(text(p["value"]))...)
		}
	}
	return out, nil
}

// Related implements [rules.Entity].
func (r *resource) Related(name string) ([]rules.Entity, error) {
	f := r.t.Field(name)
	if f == nil {
		return r.back(name)
	}
	if f.Kind != schema.Reference {
		return nil, nil
	}
	if _, err := r.entity(); err != nil {
		return nil, err
	}
	if err := r.l.fetch(f.Name); err != nil {
		return nil, err
	}
	var out []rules.Entity
	for _, id := range refIDs(r.e.Doc[f.Name]) {
		e, err := r.l.get(id)
		if err != nil {
			return nil, err
		}
		if e != nil {
			out = append(out, r.l.resource(e))
		}
	}
	return out, nil
}

// Back implements [rules.Entity].
func (r *resource) Back(name string) bool { return r.t.Field(name) == nil && r.backType(name) != nil }

// backName is the name of the back reference to the entities of a type.
func backName(typ string) string { return strings.ToLower(typ) + "s" }

// backType returns the type that a name of a back reference is about.
func (r *resource) backType(name string) *schema.Type {
	typ, ok := strings.CutSuffix(name, "s")
	if !ok {
		return nil
	}
	if t := r.l.repo.schema.Type(typ); t != nil && !t.Embedded {
		return t
	}
	return nil
}

// back returns the entities that refer to this one, by the name of their type
// with an s behind.
func (r *resource) back(name string) ([]rules.Entity, error) {
	t := r.backType(name)
	if t == nil || r.id == "" {
		return nil, nil
	}
	referrers, err := r.l.from.Referrers(r.l.ctx, r.id)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, from := range referrers {
		if from.Type == t.Name {
			ids = append(ids, from.ID)
		}
	}
	if err := r.l.load(ids); err != nil {
		return nil, err
	}
	var out []rules.Entity
	for _, id := range ids {
		if e := r.l.known[id]; e != nil {
			out = append(out, r.l.resource(e))
		}
	}
	return out, nil
}

// fetch fetches what all entities of the batch refer to by a field.
func (l *loader) fetch(field string) error {
	if l.seen[field] {
		return nil
	}
	l.seen[field] = true
	var missing []string
	for _, e := range l.batch {
		for _, id := range refIDs(e.Doc[field]) {
			if _, ok := l.known[id]; !ok {
				l.known[id] = nil // once
				missing = append(missing, id)
			}
		}
	}
	return l.load(missing)
}

// load fetches entities; those that are not there are known to be missing.
func (l *loader) load(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		l.known[id] = nil
	}
	found, err := l.from.ByIDs(l.ctx, ids)
	if err != nil {
		return err
	}
	maps.Copy(l.known, found)
	return nil
}

// get returns an entity, nil if there is none.
func (l *loader) get(id string) (*store.Entity, error) {
	if id == "" {
		return nil, nil
	}
	if _, ok := l.known[id]; !ok {
		if err := l.load([]string{id}); err != nil {
			return nil, err
		}
	}
	return l.known[id], nil
}

// objects returns the objects of a list of a document.
func objects(v any) (out []map[string]any) {
	list, _ := v.([]any)
	for _, item := range list {
		if o, ok := item.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

// refID returns the id of a reference, "" if it is none.
func refID(v any) string {
	o, _ := v.(map[string]any)
	return text(o["id"])
}

// refIDs returns the ids of a reference or of a list of them.
func refIDs(v any) (ids []string) {
	for _, o := range objects(v) {
		ids = append(ids, text(o["id"]))
	}
	if id := refID(v); id != "" {
		ids = append(ids, id)
	}
	return ids
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// ref is a reference to an entity.
func ref(id string) map[string]any { return map[string]any{"id": id} }
