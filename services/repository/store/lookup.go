package store

import "context"

// ByIDs returns the entities with the given ids, of whatever type, by id. Those
// that are not there are left out.
func (r reader) ByIDs(ctx context.Context, ids []string) (map[string]*Entity, error) {
	return r.byIDs(ctx, canonicalIDs(ids))
}
