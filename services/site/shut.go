package site

import (
	"context"
	"slices"

	"github.com/cognate-bi/cognate/services/proxy/session"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// followUsers ends the sessions of users who are blocked, removed, renamed or
// deleted: a log-in is looked at once, and a session that is used does not end by
// itself.
func (s *Site) followUsers(ctx context.Context) {
	f := &follower{
		store: s.store, log: s.log.proxy.Logger, types: []string{"User"}, changed: s.shutChanged,
		begin: func(ctx context.Context) error { return s.shut(ctx, s.sessions.Entities(), nil) },
	}
	f.run(ctx)
}

func (s *Site) shutChanged(ctx context.Context, changes []store.Change) error {
	var ids []string
	renamed := map[string]bool{}
	for _, c := range changes {
		if c.Kind != store.Added {
			ids = append(ids, c.ID)
			renamed[c.ID] = renamed[c.ID] || slices.Contains(c.Properties, "userId") || slices.Contains(c.Properties, "userDirectory")
		}
	}
	return s.shut(ctx, ids, renamed)
}

// shut ends the sessions of those users who may not go on. Sessions that a
// session module has made are found by names.
func (s *Site) shut(ctx context.Context, ids []string, renamed map[string]bool) error {
	if len(ids) == 0 {
		return nil
	}
	shut, err := s.repo.Shut(ctx, ids, renamed)
	if err != nil {
		return err
	}
	for id, name := range shut {
		s.sessions.EndEntity(id, session.Closed)
		if name[1] != "" {
			s.sessions.EndUserEverywhere(name[0], name[1], session.Closed)
		}
	}
	return nil
}
