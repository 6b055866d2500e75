package site

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/scheduler"
)

// A calendar keeps in the repository when tasks and their schedules are next
// due, for those who look at them; the scheduler itself does not need it. It is
// for one goroutine.
type calendar struct {
	board *board
	plan  *scheduler.Plan // that was looked at last
	said  scheduler.Upcoming
	begun bool // said is what the repository says, too
}

// calendarEvery is how often the plan is looked at.
const calendarEvery = time.Second

// followPlan keeps the calendar until ctx ends.
func (s *Site) followPlan(ctx context.Context) {
	c := &calendar{board: s.tasks.board}
	tick := time.NewTicker(calendarEvery)
	defer tick.Stop()
	for {
		if err := c.step(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.log.scheduler.Error("next executions could not be noted", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// step writes what has changed since the last step.
func (c *calendar) step(ctx context.Context, now time.Time) error {
	plan, err := c.board.Plan(ctx)
	if err != nil || plan == c.plan && (c.said.First.IsZero() || now.Before(c.said.First)) {
		return err
	}
	next := plan.Upcoming(now)
	if err := c.write(ctx, "Task", c.said.Tasks, next.Tasks); err != nil {
		return err
	}
	if err := c.write(ctx, "SchemaEvent", c.said.Events, next.Events); err != nil {
		return err
	}
	c.plan, c.said, c.begun = plan, next, true
	return nil
}

// changed returns the keys whose times are others than before.
func changed(before, now map[string]time.Time) []string {
	ids := []string{}
	for id, t := range now {
		if was, ok := before[id]; !ok || !was.Equal(t) {
			ids = append(ids, id)
		}
	}
	for id := range before {
		if _, ok := now[id]; !ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// write notes when the entities of a type are next due, those that are due at
// another time than was said before; those that are not named are not due. At
// first it looks at all, as nobody knows what was said.
func (c *calendar) write(ctx context.Context, typ string, before, next map[string]time.Time) error {
	var q store.Query
	if c.begun {
		if q.IDs = changed(before, next); len(q.IDs) == 0 {
			return nil
		}
	}
	list, err := c.board.db.List(ctx, typ, q)
	if err != nil {
		return err
	}
	ids := map[string]string{} // of what says it, by entity
	for _, e := range list {
		if id := refID(e.Doc["operational"]); id != "" {
			ids[e.ID] = id
		}
	}
	said, err := c.board.db.ByIDs(ctx, slices.Collect(maps.Values(ids)))
	if err != nil {
		return err
	}
	for entity, id := range ids {
		at := schema.NullDate
		if t, ok := next[entity]; ok {
			at = schema.FormatDate(t)
		}
		state := said[id]
		if state == nil || text(state, "nextExecution") == at {
			continue
		}
		err := c.board.db.Tx(ctx, func(tx *store.Tx) error {
			tx.User = repository.InternalDirectory + `\sa_scheduler`
			_, err := tx.Update(ctx, state.Type, id, map[string]any{"nextExecution": at})
			return err
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) { // deleted meanwhile
			return err
		}
	}
	return nil
}
