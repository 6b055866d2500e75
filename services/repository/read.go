package repository

import (
	"context"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A Query chooses entities of a type.
type Query struct {
	Filter     string // of the interface's filter language
	OrderBy    string
	Skip, Take int      // of those that the caller may read; Take 0 = all
	IDs        []string // nil = all
	Privileges bool     // tell what the caller may do with each

	where filter.Node // that they fit, too; nil = all
}

// parse reads the texts of a query. Errors are [filter.Error].
func (q *Query) parse() (store.Query, error) {
	where, err := filter.Parse(q.Filter)
	if err != nil {
		return store.Query{}, err
	}
	order, err := filter.ParseOrder(q.OrderBy)
	return store.Query{Where: filter.All(where, q.where), OrderBy: order, IDs: q.IDs}, err
}

// List returns the entities of a query that the caller may read, whole and with
// their references condensed.
func (r *Repository) List(ctx context.Context, c *Caller, t *schema.Type, q Query) ([]map[string]any, error) {
	d, found, err := r.list(ctx, c, t, q)
	if err != nil {
		return nil, err
	}
	return r.present(ctx, d, found, q.Privileges, r.store.Full)
}

// Condensed is List with the condensed form of each.
func (r *Repository) Condensed(ctx context.Context, c *Caller, t *schema.Type, q Query) ([]map[string]any, error) {
	d, found, err := r.list(ctx, c, t, q)
	if err != nil {
		return nil, err
	}
	return r.present(ctx, d, found, q.Privileges, r.store.Condense)
}

// Count returns how many entities of a query the caller may read.
func (r *Repository) Count(ctx context.Context, c *Caller, t *schema.Type, q Query) (int, error) {
	q.Skip, q.Take, q.OrderBy = 0, 0, ""
	_, _, keys, err := r.keys(ctx, c, t, q)
	return len(keys), err
}

// keys returns the keys of the entities of a query that the caller may read.
// Entities are fetched only where a decision is not known.
func (r *Repository) keys(ctx context.Context, c *Caller, t *schema.Type, q Query) (*decider, *loader, []store.Key, error) {
	return r.find(ctx, c, t, q, (*decider).named)
}

// find is keys with a way to read what may be found.
func (r *Repository) find(ctx context.Context, c *Caller, t *schema.Type, q Query, read candidates) (*decider, *loader, []store.Key, error) {
	query, err := q.parse()
	if err != nil {
		return nil, nil, nil, err
	}
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := d.visible(ctx, t, &query); err != nil {
		return nil, nil, nil, err
	}
	if query.Where, err = d.bounded(ctx, t, query); err != nil {
		return nil, nil, nil, err
	}
	wanted := 0
	if q.Take > 0 {
		wanted = max(q.Skip, 0) + q.Take
	}
	l, keys, err := d.first(ctx, t, query, wanted, read)
	if err != nil {
		return nil, nil, nil, err
	}
	keys = keys[min(max(q.Skip, 0), len(keys)):]
	if q.Take > 0 {
		keys = keys[:min(q.Take, len(keys))]
	}
	return d, l, keys, nil
}

// A candidates function reads what a query finds, to be decided on by its keys.
type candidates func(*decider, context.Context, *schema.Type, store.Query) (*loader, []store.Key, error)

func (d *decider) named(ctx context.Context, t *schema.Type, query store.Query) (*loader, []store.Key, error) {
	keys, err := d.r.store.Keys(ctx, t.Name, query)
	return d.r.lazy(ctx, d.r.store, keys), keys, err
}

// wholeMax is how many entities are read together with their keys: most of what
// fits the bounds is shown in the end. Of more it may be little.
const wholeMax = 2000

func (d *decider) whole(ctx context.Context, t *schema.Type, query store.Query) (*loader, []store.Key, error) {
	some := query
	if some.Take == 0 || some.Take > wholeMax {
		some.Take = wholeMax + 1
	}
	found, err := d.r.store.List(ctx, t.Name, some)
	if err != nil {
		return nil, nil, err
	}
	if len(found) > wholeMax {
		return d.named(ctx, t, query)
	}
	keys := make([]store.Key, len(found))
	for i, e := range found {
		keys[i] = store.Key{Type: e.Type, ID: e.ID}
	}
	return d.r.loader(ctx, d.r.store, found...), keys, nil
}

// first returns the keys of at least the wanted number of entities of a query
// that the caller may read, if there are as many; 0 wants all. Most of what fits
// the bounds he may read, so it tries with a few more than are wanted.
func (d *decider) first(ctx context.Context, t *schema.Type, query store.Query, wanted int, read candidates) (*loader, []store.Key, error) {
	for query.Take = wanted + wanted/8; ; query.Take = 0 {
		l, keys, err := read(d, ctx, t, query)
		if err != nil {
			return nil, nil, err
		}
		may, err := d.readable(l, keys, wanted)
		if err != nil || len(may) >= wanted || query.Take == 0 || len(keys) < query.Take {
			return l, may, err
		}
	}
}

func (r *Repository) list(ctx context.Context, c *Caller, t *schema.Type, q Query) (*decider, []*store.Entity, error) {
	read := (*decider).whole
	if q.Skip > q.Take { // most of what is read is skipped
		read = (*decider).named
	}
	d, l, keys, err := r.find(ctx, c, t, q, read)
	if err != nil {
		return nil, nil, err
	}
	missing := []string{}
	for _, k := range keys {
		if l.known[k.ID] == nil {
			missing = append(missing, k.ID)
		}
	}
	if err := l.load(missing); err != nil {
		return nil, nil, err
	}
	found := make([]*store.Entity, 0, len(keys))
	for _, k := range keys {
		if e := l.known[k.ID]; e != nil { // else somebody has deleted it
			found = append(found, e)
		}
	}
	return d, found, nil
}

// Full returns an entity, whole, with its references as they are stored.
func (r *Repository) Full(e *store.Entity) map[string]any { return r.store.Full(e) }

// Get returns an entity, whole.
func (r *Repository) Get(ctx context.Context, c *Caller, t *schema.Type, id string, privileges bool) (map[string]any, error) {
	var d *decider
	var e *store.Entity
	var err error
	if t.Name == executionType {
		d, e, err = r.execution(ctx, c, id)
	} else {
		d, e, err = r.allowed(ctx, c, t.Name, id, rules.Read)
	}
	if err != nil {
		return nil, err
	}
	return r.one(ctx, d, e, privileges)
}

// one is present for one entity.
func (r *Repository) one(ctx context.Context, d *decider, e *store.Entity, privileges bool) (map[string]any, error) {
	out, err := r.present(ctx, d, []*store.Entity{e}, privileges, r.store.Full)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// present makes answers of entities, in a form of the store. It takes the
// entities: what they refer to is put into their documents.
func (r *Repository) present(ctx context.Context, d *decider, found []*store.Entity, privileges bool, form func(*store.Entity) map[string]any) ([]map[string]any, error) {
	rights := make([][]string, len(found))
	if privileges {
		l := r.loader(ctx, r.store, found...)
		for i, e := range found {
			got, err := d.may(l, e, rules.All)
			if err != nil {
				return nil, err
			}
			rights[i] = append([]string{}, got.Names()...)
		}
	}
	out, shown := make([]map[string]any, len(found)), make([]*store.Entity, len(found))
	for i, e := range found {
		out[i] = form(e)
		shown[i] = &store.Entity{Type: e.Type, Doc: out[i]} // the form may have less to expand
	}
	if err := r.store.Expand(ctx, shown...); err != nil {
		return nil, err
	}
	for i := range out {
		if privileges {
			out[i][schema.Privileges] = rights[i]
		}
	}
	return out, nil
}
