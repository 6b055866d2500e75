package site

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/cognate-bi/cognate/services/repository/store"
)

// A follower acts on changes of entities of some types.
type follower struct {
	store *store.Store
	log   *slog.Logger
	types []string
	// begin is called at the start, and after a failure, as anything may have
	// changed; changed is called with what has changed since.
	begin   func(context.Context) error
	changed func(context.Context, []store.Change) error
}

// run follows until ctx ends. After a failure it begins again.
func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.once(ctx)
		if err == nil || ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
			return
		}
		f.log.Error("changes could not be followed, trying again", "of", f.types, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (f *follower) once(ctx context.Context) error {
	since, err := f.store.LastChange(ctx)
	if err != nil {
		return err
	}
	if err := f.begin(ctx); err != nil {
		return err
	}
	return f.store.Subscribe(ctx, since, func(changes []store.Change) error {
		changes = slices.DeleteFunc(changes, func(c store.Change) bool { return !slices.Contains(f.types, c.Type) })
		if len(changes) == 0 {
			return nil
		}
		return f.changed(ctx, changes)
	})
}

// followSettings calls again at the start and whenever entities of the types
// have changed.
func (s *Site) followSettings(again func(context.Context) error, types ...string) func(context.Context) {
	f := &follower{store: s.store, log: s.opt.Log, types: types, begin: again, changed: func(ctx context.Context, _ []store.Change) error { return again(ctx) }}
	return f.run
}

// followApps has the engine take over what others have made of apps that are
// open here.
func (s *Site) followApps(ctx context.Context) {
	refresh := func(ids []string) error {
		for _, id := range ids {
			if err := s.lib.Refresh(id); err != nil { // it stays as it is
				s.opt.Log.Error("an app that has changed could not be read", "app", id, "err", err)
			}
		}
		return nil
	}
	f := &follower{
		store: s.store, log: s.opt.Log, types: []string{"App", "AppObject"},
		begin: func(context.Context) error { return refresh(s.lib.OpenApps()) },
		changed: func(_ context.Context, changes []store.Change) error {
			var ids []string
			for _, c := range changes {
				if c.Type == "App" && !slices.Contains(ids, c.ID) {
					ids = append(ids, c.ID)
				}
			}
			return errors.Join(refresh(ids), s.announce(ctx, changes))
		},
	}
	f.run(ctx)
}

// announce tells sessions of this engine of objects that were published,
// approved or given away.
func (s *Site) announce(ctx context.Context, changes []store.Change) error {
	var ids []string
	for _, c := range changes {
		if c.Type == "AppObject" && c.Kind == store.Updated {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 || len(s.lib.OpenApps()) == 0 {
		return nil
	}
	rows, err := s.store.ByIDs(ctx, ids)
	if err != nil {
		return err
	}
	for _, row := range rows {
		app, _ := row.Doc["app"].(map[string]any)
		id, _ := app["id"].(string)
		object, _ := row.Doc["engineObjectId"].(string)
		s.lib.Announce(id, object)
	}
	return nil
}
