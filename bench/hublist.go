package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/pgtemp"
)

// The site of the hub's list: so many apps in so many streams, of which a rule
// each gives every tenth to the user, beside the rules of every site.
const (
	hubApps    = 10_000
	hubStreams = 200
	hubPage    = 100
)

// runHubList measures the first page of a user's apps and all of them, with
// nothing known of him, and again, on each database.
func runHubList(ctx context.Context, s *suite) error {
	dir, err := os.MkdirTemp("", "cognate-hub")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	key := sha256.Sum256([]byte("hub list"))
	if err := s.hubList(ctx, "SQLite", store.Config{Driver: store.SQLite, DSN: filepath.Join(dir, "repository.db"), SiteKey: key[:]}); err != nil {
		return err
	}
	server, err := pgtemp.Start()
	if errors.Is(err, pgtemp.ErrMissing) {
		s.report.Notes = append(s.report.Notes, "The hub's list was not measured on PostgreSQL: "+err.Error()+".")
		return nil
	}
	if err != nil {
		return err
	}
	defer server.Close()
	dsn, err := server.Create(ctx)
	if err != nil {
		return err
	}
	return s.hubList(ctx, "PostgreSQL", store.Config{Driver: store.Postgres, DSN: dsn, SiteKey: key[:]})
}

// hubLists yields what is measured on a database, and how many apps it takes:
// the first page, and all.
func hubLists(database string) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		_ = yield("hub list, "+database, hubPage) && yield("all of a user's apps, "+database, 0)
	}
}

func (s *suite) hubList(ctx context.Context, database string, cfg store.Config) (err error) {
	db, err := store.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	repo, err := repository.Open(ctx, repository.Options{Store: db})
	if err != nil {
		return err
	}
	defer repo.Close()
	ann := &repository.Caller{Directory: "DOM", ID: "ann", Context: rules.ContextHub}
	if _, _, err := repo.LogIn(ctx, ann, ""); err != nil {
		return err
	}
	if err := fillHub(ctx, repo); err != nil {
		return err
	}
	list := func(take int) func() (string, error) {
		return func() (string, error) {
			found, err := repo.Condensed(ctx, ann, repo.Schema().Type("App"), repository.Query{OrderBy: "name", Take: take})
			if err != nil || len(found) == 0 {
				return "", fmt.Errorf("%d apps: %w", len(found), err)
			}
			return fmt.Sprintf("%d apps, %v to %v", len(found), found[0]["name"], found[len(found)-1]["name"]), nil
		}
	}
	forget := func() error {
		repo.ResetRules("measured anew")
		return nil
	}
	for name, take := range hubLists(database) {
		if err := s.repeat(ctx, name+", nothing known", forget, list(take)); err != nil {
			return err
		}
		if err := s.repeat(ctx, name+", again", nil, list(take)); err != nil {
			return err
		}
	}
	return nil
}

// fillHub makes streams, rules and apps.
func fillHub(ctx context.Context, repo *repository.Repository) error {
	service := repository.Service("api")
	create := func(typ string, docs []map[string]any) ([]map[string]any, error) {
		return repo.Create(ctx, &service, repo.Schema().Type(typ), docs...)
	}
	var docs []map[string]any
	for i := range hubStreams {
		docs = append(docs, map[string]any{"name": fmt.Sprint("stream ", i)})
	}
	streams, err := create("Stream", docs)
	if err != nil {
		return err
	}
	docs = nil
	for i, stream := range streams {
		who := "someone else"
		if i%10 == 0 {
			who = "ann"
		}
		docs = append(docs, map[string]any{
			"name": fmt.Sprint("rule ", i), "category": "Security", "type": "Custom", "actions": 2, "resourceFilter": fmt.Sprintf("Stream_%s", stream["id"]),
			"rule": fmt.Sprintf(`user.userId = "%s" or user.group = "g%d"`, who, i), "ruleContext": 0,
		})
	}
	if _, err := create("SystemRule", docs); err != nil {
		return err
	}
	docs = nil
	for i := range hubApps {
		docs = append(docs, map[string]any{"name": fmt.Sprintf("app %05d", i), "published": true, "stream": map[string]any{"id": streams[i%hubStreams]["id"]}})
	}
	_, err = create("App", docs)
	return err
}
