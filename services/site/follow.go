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
		store: s.store, log: s.opt.Log, types: []string{"App"},
		begin: func(context.Context) error { return refresh(s.lib.OpenApps()) },
		changed: func(_ context.Context, changes []store.Change) error {
			var ids []string
			for _, c := range changes {
				if !slices.Contains(ids, c.ID) {
					ids = append(ids, c.ID)
				}
			}
			return refresh(ids)
		},
	}
	f.run(ctx)
}
