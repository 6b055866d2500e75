package repository

import (
	"context"
	"maps"

	"github.com/cognate-bi/cognate/services/repository/store"
)

// CreateTask creates a reload task with the events that start it, all or
// nothing.
func (r *Repository) CreateTask(ctx context.Context, c *Caller, task map[string]any, schemaEvents, compositeEvents []map[string]any) (map[string]any, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	var made *store.Entity
	err = r.change(ctx, c, func(tx *store.Tx) error {
		if made, err = r.create(ctx, tx, d, r.schema.Type("ReloadTask"), task); err != nil {
			return err
		}
		for typ, events := range map[string][]map[string]any{"SchemaEvent": schemaEvents, "CompositeEvent": compositeEvents} {
			for _, event := range events {
				event = maps.Clone(event)
				event["reloadTask"] = ref(made.ID)
				if _, err := r.create(ctx, tx, d, r.schema.Type(typ), event); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.one(ctx, d, made, false)
}
