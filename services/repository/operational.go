package repository

import (
	"context"
	"fmt"

	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// operational is the field of tasks and events that says what becomes of them.
// It refers to an entity of a type of its own, which each one has from its
// beginning: clients read the last result of a task, and when it is next due,
// without asking whether there is any.
const operational = "operational"

// isOperated reports whether entities of a type have such a field.
func isOperated(t *schema.Type) bool {
	f := t.Field(operational)
	return f != nil && f.Kind == schema.Reference
}

// createOperated creates a task or an event that has nothing done yet, whatever
// the document says.
func createOperated(ctx context.Context, tx *store.Tx, t *schema.Type, doc map[string]any) (*store.Entity, error) {
	fresh, err := createOperational(ctx, tx, t)
	if err != nil {
		return nil, err
	}
	doc[operational] = ref(fresh)
	return tx.Create(ctx, t.Name, doc)
}

func createOperational(ctx context.Context, tx *store.Tx, t *schema.Type) (id string, err error) {
	doc := map[string]any{}
	switch t.Name {
	case "SchemaEvent":
		doc["lastEventDate"] = schema.NullDate
	case "CompositeEvent":
	default: // a task
		none, err := tx.Create(ctx, "ExecutionResult", map[string]any{
			"status": number(0), "executingNodeName": "", "startTime": schema.NullDate, "stopTime": schema.NullDate, "duration": number(0),
		})
		if err != nil {
			return "", err
		}
		doc["lastExecutionResult"] = ref(none.ID)
	}
	e, err := tx.Create(ctx, t.Field(operational).Of, doc)
	if err != nil {
		return "", err
	}
	return e.ID, nil
}

// deleteOperated deletes a task or an event with what it has done; the results
// of executions stay.
func (r *Repository) deleteOperated(ctx context.Context, tx *store.Tx, e *store.Entity) error {
	if err := tx.Delete(ctx, e.Type, e.ID); err != nil {
		return err
	}
	id := refID(e.Doc[operational])
	if id == "" {
		return nil
	}
	state, err := tx.Get(ctx, r.schema.Type(e.Type).Field(operational).Of, id)
	if err != nil {
		return err
	}
	if err := tx.Delete(ctx, state.Type, state.ID); err != nil {
		return err
	}
	return DropNeverStarted(ctx, tx, refID(state.Doc["lastExecutionResult"]))
}

// DropNeverStarted deletes the result of a task that has none, once it has one
// or is gone. Other results stay.
func DropNeverStarted(ctx context.Context, tx *store.Tx, resultID string) error {
	if resultID == "" {
		return nil
	}
	e, err := tx.Get(ctx, "ExecutionResult", resultID)
	if err != nil || fmt.Sprint(e.Doc["status"]) != "0" {
		return err
	}
	return tx.Delete(ctx, e.Type, e.ID)
}

// mendOperated gives tasks and events of earlier versions what they lack.
func (r *Repository) mendOperated(ctx context.Context) error {
	self := Service("repository")
	return r.store.Tx(ctx, func(tx *store.Tx) error {
		tx.User = self.String()
		for _, parent := range []string{"Task", "Event"} {
			list, err := tx.List(ctx, parent, store.Query{})
			if err != nil {
				return err
			}
			for _, e := range list {
				if refID(e.Doc[operational]) != "" {
					continue
				}
				id, err := createOperational(ctx, tx, r.schema.Type(e.Type))
				if err != nil {
					return err
				}
				if _, err := tx.Update(ctx, e.Type, e.ID, map[string]any{operational: ref(id)}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
