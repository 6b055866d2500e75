package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
	"github.com/google/go-cmp/cmp"
)

type doc = map[string]any

func ref(e *store.Entity) doc { return doc{"id": e.ID} }

func create(t testing.TB, s *store.Store, typ string, d doc) *store.Entity {
	t.Helper()
	var e *store.Entity
	err := s.Tx(t.Context(), func(tx *store.Tx) (err error) {
		e, err = tx.Create(t.Context(), typ, d)
		return err
	})
	if err != nil {
		t.Fatalf("create %s: %v", typ, err)
	}
	return e
}

func update(t testing.TB, s *store.Store, e *store.Entity, d doc) (got *store.Entity, err error) {
	t.Helper()
	err = s.Tx(t.Context(), func(tx *store.Tx) (err error) {
		tx.User = `DIR\u`
		got, err = tx.Update(t.Context(), e.Type, e.ID, d)
		return err
	})
	return got, err
}

func remove(t testing.TB, s *store.Store, e *store.Entity) error {
	t.Helper()
	return s.Tx(t.Context(), func(tx *store.Tx) error { return tx.Delete(t.Context(), e.Type, e.ID) })
}

func newUser(t testing.TB, s *store.Store, name string) *store.Entity {
	return create(t, s, "User", doc{"userId": name, "userDirectory": "DIR", "name": name})
}

func where(t testing.TB, text string) filter.Node {
	t.Helper()
	n, err := filter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCreateGet(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		u := newUser(t, s, "anna")
		const id = "5B0F1F1E-7A52-4C3C-9C92-D1CFD9A3A001"
		e := create(t, s, "Stream", doc{"ID": id, "name": "Ä b", "owner": ref(u)})
		if e.ID != strings.ToLower(id) {
			t.Errorf("the id is %s", e.ID)
		}
		got, err := s.Get(t.Context(), "stream", id)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, got); d != "" {
			t.Error(d)
		}
		for _, tt := range []struct {
			typ  string
			d    doc
			want any
		}{
			{"Stream", doc{"id": id, "name": "x", "owner": ref(u)}, store.ErrExists},
			{"User", doc{"userId": "ANNA", "userDirectory": "dir"}, store.ErrExists},
			{"Stream", doc{"name": "x", "owner": ref(e)}, "owner"},
			{"Stream", doc{"name": "x", "owner": doc{"id": "5b0f1f1e-7a52-4c3c-9c92-d1cfd9a3a002"}}, "owner"},
			{"Stream", doc{"id": "x", "name": "x", "owner": ref(u)}, "id"},
			{"Nonsense", doc{}, "type"},
			{"CustomPropertyValue", doc{}, "type"},
			{"Task", doc{}, "Task"},
		} {
			err := s.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Create(t.Context(), tt.typ, tt.d)
				return err
			})
			var invalid *store.ErrInvalid
			if want, ok := tt.want.(error); ok && !errors.Is(err, want) || !ok && (!errors.As(err, &invalid) || invalid.Field != tt.want) {
				t.Errorf("%s %v: %v, want %v", tt.typ, tt.d, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "constraint") {
				t.Errorf("%s %v: %v says how the database keeps it", tt.typ, tt.d, err)
			}
		}
		if _, err := s.Get(t.Context(), "App", e.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a stream is no app: %v", err)
		}
	})
}

func TestUpdate(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		cfg.Clock = func() time.Time { return at } // it stands still
		s := storetest.Open(t, cfg)
		u := newUser(t, s, "anna")
		tag := create(t, s, "Tag", doc{"name": "t"})
		e := create(t, s, "Stream", doc{"name": "a", "owner": ref(u), "tags": []any{ref(tag)}})

		got, err := update(t, s, e, doc{"name": "b"})
		if err != nil {
			t.Fatal(err)
		}
		if got.Doc["name"] != "b" || len(got.Doc["tags"].([]any)) != 1 || got.ModifiedBy != `DIR\u` || !got.Modified.After(e.Modified) {
			t.Errorf("got %+v", got)
		}
		if _, err := update(t, s, e, doc{"name": "c", "modifiedDate": schema.FormatDate(e.Modified)}); !errors.Is(err, store.ErrStale) {
			t.Errorf("stale: %v", err)
		}
		if got, err = update(t, s, e, doc{"tags": []any{}, "modifiedDate": schema.FormatDate(got.Modified)}); err != nil || len(got.Doc["tags"].([]any)) != 0 || got.Doc["name"] != "b" {
			t.Errorf("a list that is sent replaces: %+v, %v", got, err)
		}
		if list, err := s.Referrers(t.Context(), tag.ID); err != nil || len(list) != 0 {
			t.Errorf("the tag is referred to by %v, %v", list, err)
		}
		var invalid *store.ErrInvalid
		if _, err := update(t, s, e, doc{"id": u.ID}); !errors.As(err, &invalid) || invalid.Field != "id" {
			t.Errorf("another id: %v", err)
		}
		if _, err := update(t, s, e, doc{"owner": nil}); !errors.As(err, &invalid) || invalid.Field != "owner" {
			t.Errorf("no owner: %v", err)
		}
		stored, err := s.Get(t.Context(), "Stream", e.ID)
		if d := cmp.Diff(got, stored); d != "" || err != nil {
			t.Errorf("%v\n%s", err, d)
		}
	})
}

func TestDelete(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		u := newUser(t, s, "anna")
		tag := create(t, s, "Tag", doc{"name": "t"})
		def := create(t, s, "CustomPropertyDefinition", doc{"name": "d", "valueType": "Text"})
		stream := create(t, s, "Stream", doc{"name": "s", "owner": ref(u)})
		app := create(t, s, "App", doc{
			"name": "a", "owner": ref(u), "stream": ref(stream), "tags": []any{ref(tag)},
			"customProperties": []any{doc{"value": "v", "definition": ref(def)}},
		})
		var inUse *store.ErrInUse
		if err := remove(t, s, u); !errors.As(err, &inUse) || inUse.Field != "owner" {
			t.Errorf("an owner is needed: %v", err)
		}
		for _, e := range []*store.Entity{tag, def, stream} {
			if err := remove(t, s, e); err != nil {
				t.Error(err)
			}
			if _, err := s.Get(t.Context(), e.Type, e.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s is still there: %v", e.Type, err)
			}
		}
		got, err := s.Get(t.Context(), "App", app.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Doc["tags"].([]any)) != 0 || len(got.Doc["customProperties"].([]any)) != 0 || got.Doc["stream"] != nil {
			t.Errorf("the app still has %v", got.Doc)
		}
		if err := remove(t, s, app); err != nil {
			t.Error(err)
		}
		if err := remove(t, s, u); err != nil {
			t.Error(err)
		}
	})
}

func TestAbstractOrderPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		u := newUser(t, s, "anna")
		app := create(t, s, "App", doc{"name": "a", "owner": ref(u)})
		task := doc{"name": "B", "taskSessionTimeout": 1, "maxRetries": 0, "app": ref(app)}
		create(t, s, "ReloadTask", task)
		create(t, s, "ExternalProgramTask", doc{"name": "a", "taskSessionTimeout": 1, "maxRetries": 0, "path": "p"})
		order, err := filter.ParseOrder("name desc")
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.List(t.Context(), "task", store.Query{OrderBy: order})
		if err != nil || len(list) != 2 || list[0].Type != "ReloadTask" || list[1].Type != "ExternalProgramTask" {
			t.Errorf("tasks: %v, %v", list, err)
		}
		list, err = s.List(t.Context(), "task", store.Query{OrderBy: order, Skip: 1, Take: 5})
		if err != nil || len(list) != 1 || list[0].Doc["name"] != "a" {
			t.Errorf("second page: %v, %v", list, err)
		}
		n, err := s.Count(t.Context(), "Task", store.Query{Where: where(t, "app.name eq 'A'")})
		if err != nil || n != 1 {
			t.Errorf("%d tasks of the app, %v", n, err)
		}
		var wrong *filter.Error
		if _, err := s.List(t.Context(), "Task", store.Query{Where: where(t, "nonsense eq 1")}); !errors.As(err, &wrong) {
			t.Errorf("unknown property: %v", err)
		}
	})
}

func TestExpand(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		u := newUser(t, s, "anna")
		def := create(t, s, "CustomPropertyDefinition", doc{"name": "d", "valueType": "Text", "choiceValues": []any{"v"}})
		stream := create(t, s, "Stream", doc{"name": "s", "owner": ref(u)})
		app := create(t, s, "App", doc{"name": "a", "owner": ref(u), "stream": ref(stream), "customProperties": []any{doc{"value": "v", "definition": ref(def)}}})
		task := create(t, s, "ReloadTask", doc{"name": "B", "taskSessionTimeout": 1, "maxRetries": 0, "app": ref(app)})
		if err := s.Expand(t.Context(), app, task); err != nil {
			t.Fatal(err)
		}
		if got := app.Doc["owner"].(doc)["userId"]; got != "anna" {
			t.Errorf("owner: %v", app.Doc["owner"])
		}
		if got := app.Doc["customProperties"].([]any)[0].(doc)["definition"].(doc)["name"]; got != "d" {
			t.Errorf("definition: %v", app.Doc["customProperties"])
		}
		if got := task.Doc["app"].(doc)["stream"].(doc)["name"]; got != "s" {
			t.Errorf("stream of the task's app: %v", task.Doc["app"])
		}
		if _, err := update(t, s, task, s.Full(task)); err != nil {
			t.Errorf("what was expanded cannot be sent back: %v", err)
		}
		if got := s.Full(task)["schemaPath"]; got != "ReloadTask" {
			t.Errorf("schemaPath: %v", got)
		}
	})
}

func TestSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		dir := create(t, s, "UserDirectory", doc{"name": "d", "type": "LDAP", "syncOnlyLoggedInUsers": true, "settings": []any{
			doc{"name": "password", "secret": true, "secretValue": "open sesame"},
		}})
		item := dir.Doc["settings"].([]any)[0].(doc)
		if _, has := item["secretValue"]; has {
			t.Error("a secret is in a document")
		}
		path := "settings/" + item["id"].(string) + "/secretValue"
		check := func(want string, wantErr error) {
			t.Helper()
			if got, err := s.Secret(t.Context(), dir.ID, path); got != want || !errors.Is(err, wantErr) {
				t.Errorf("secret %q, %v; want %q, %v", got, err, want, wantErr)
			}
		}
		check("open sesame", nil)
		if _, err := update(t, s, dir, doc{"settings": dir.Doc["settings"]}); err != nil {
			t.Fatal(err)
		}
		check("open sesame", nil) // a client sends back what it got, without the secret
		if _, err := update(t, s, dir, doc{"settings": []any{}}); err != nil {
			t.Fatal(err)
		}
		check("", store.ErrNotFound)
	})
}

func TestChanges(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		listener := s
		if cfg.Driver == store.Postgres {
			listener = storetest.Open(t, cfg) // as in another process
		}
		early := create(t, s, "Tag", doc{"name": "early"})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		got := make(chan store.Change)
		ended := make(chan error, 1)
		go func() {
			ended <- listener.Subscribe(ctx, 0, func(batch []store.Change) error {
				for _, c := range batch {
					got <- c
				}
				clear(batch) // it is the listener's
				return nil
			})
		}()
		want := func(kind store.ChangeKind, e *store.Entity, properties ...string) {
			t.Helper()
			select {
			case c := <-got:
				if c.Kind != kind || c.ID != e.ID || c.Type != e.Type || strings.Join(c.Properties, " ") != strings.Join(properties, " ") {
					t.Errorf("got %+v", c)
				}
			case <-ctx.Done():
				t.Fatal("no change")
			}
		}
		want(store.Added, early)
		if _, err := update(t, s, early, doc{"name": "late"}); err != nil {
			t.Fatal(err)
		}
		want(store.Updated, early, "name")
		failed := errors.New("no")
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Create(t.Context(), "Tag", doc{"name": "never"}); err != nil {
				return err
			}
			return failed
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		if err := remove(t, s, early); err != nil {
			t.Fatal(err)
		}
		want(store.Deleted, early)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if list, err := s.ChangesSince(t.Context(), time.UnixMilli(0), "tag"); err != nil || len(list) != 3 {
			t.Errorf("changes: %v, %v", list, err)
		}
	})
}

func TestBusy(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		cfg.MaxConns, cfg.Wait = 1, time.Second
		s := storetest.Open(t, cfg)
		err := s.Tx(t.Context(), func(*store.Tx) error {
			return s.Tx(t.Context(), func(*store.Tx) error { return nil })
		})
		if !errors.Is(err, store.ErrBusy) {
			t.Errorf("got %v", err)
		}
	})
}

func TestMemory(t *testing.T) {
	s := storetest.Open(t, store.Config{Driver: store.SQLite, DSN: ":memory:"})
	create(t, s, "Tag", doc{"name": "t"})
	if n, err := s.Count(t.Context(), "Tag", store.Query{}); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
