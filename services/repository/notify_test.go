package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// A mailbox is a subscriber that answers with an error a few times first.
type mailbox struct {
	mu    sync.Mutex
	fails int
	got   []string
	news  chan struct{}
}

func (m *mailbox) post(_ context.Context, address string, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails > 0 {
		m.fails--
		return errors.New("away")
	}
	var list []struct {
		ChangeType           int
		ObjectType, ObjectID string
		ChangedProperties    []string
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return err
	}
	for _, c := range list {
		m.got = append(m.got, fmt.Sprint(address[len("https://h/"):], " ", c.ChangeType, " ", c.ObjectType, " ", c.ChangedProperties))
	}
	select {
	case m.news <- struct{}{}:
	default:
	}
	return nil
}

// await waits until so many changes were told, and returns them by subscriber.
func (m *mailbox) await(t *testing.T, n int) []string {
	t.Helper()
	within := time.After(20 * time.Second)
	for {
		m.mu.Lock()
		got := slices.Clone(m.got)
		m.mu.Unlock()
		if len(got) >= n {
			slices.Sort(got)
			return got
		}
		select {
		case <-m.news:
		case <-within:
			t.Fatalf("told of %q, want %d", got, n)
		}
	}
}

func TestNotify(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		repo, err := Open(t.Context(), Options{Store: db})
		if err != nil {
			t.Fatal(err)
		}
		defer repo.Close()
		ctx, stop := context.WithCancel(t.Context())
		m, done := &mailbox{news: make(chan struct{}, 1), fails: 2}, make(chan struct{})
		subscribe := func(s Subscription) string {
			t.Helper()
			handle, err := repo.Subscribe(t.Context(), &service, s)
			if err != nil {
				t.Fatal(err)
			}
			return handle
		}
		subscribe(Subscription{Type: "tag", URL: "https://h/all"}) // before anybody delivers
		go func() { repo.Notify(ctx, m.post); close(done) }()
		defer func() { stop(); <-done }()
		subscribe(Subscription{Type: "Tag", Kind: store.Deleted, URL: "https://h/deleted"})
		subscribe(Subscription{Type: "Tag", Filter: "name sw 'a'", Kind: store.Updated, URL: "https://h/filtered"})
		gone := subscribe(Subscription{Type: "Tag", URL: "https://h/gone"})
		if err := repo.Unsubscribe(t.Context(), &service, gone); err != nil {
			t.Fatal(err)
		}
		subscribe(Subscription{Type: "Stream", Property: "NAME", URL: "https://h/names"})
		subscribe(Subscription{Type: "Stream", Property: "owner", URL: "https://h/owners"})
		tag, stream := repo.Schema().Type("Tag"), repo.Schema().Type("Stream")
		made, err := repo.Create(t.Context(), &service, tag, map[string]any{"name": "b"})
		if err != nil {
			t.Fatal(err)
		}
		id := made[0]["id"].(string)
		if _, err := repo.Update(t.Context(), &service, tag, id, map[string]any{"name": "c"}); err != nil {
			t.Fatal(err)
		}
		if _, err := repo.Update(t.Context(), &service, tag, id, map[string]any{"name": "a"}); err != nil {
			t.Fatal(err)
		}
		streams, err := repo.Create(t.Context(), &service, stream, map[string]any{"name": "s"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := repo.Update(t.Context(), &service, stream, streams[0]["id"].(string), map[string]any{"name": "t"}); err != nil {
			t.Fatal(err)
		}
		// The filter asks what the tag is when the change is sorted, which may be
		// after the second one: one or two.
		m.await(t, 5)
		if err := repo.Delete(t.Context(), &service, tag, id); err != nil {
			t.Fatal(err)
		}
		var got []string
		for len(got) < 7 || !slices.Contains(got, "all 3 Tag []") || !slices.Contains(got, "deleted 3 Tag []") {
			got = m.await(t, len(got)+1)
		}
		got = slices.Compact(got) // both updates are the same
		want := []string{"all 1 Tag []", "all 2 Tag [name]", "all 3 Tag []", "deleted 3 Tag []", "filtered 2 Tag [name]", "names 2 Stream [name]"}
		if !slices.Equal(got, want) {
			t.Errorf("told of %q, want %q", got, want)
		}
	})
}

func TestSubscriptions(t *testing.T) {
	repo, err := Open(t.Context(), Options{Store: storetest.Open(t, storetest.Config(t, store.SQLite))})
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	for name, s := range map[string]Subscription{
		"no such type":     {Type: "Colour", URL: "https://h/"},
		"no such property": {Type: "Tag", Property: "colour", URL: "https://h/"},
		"bad filter":       {Type: "Tag", Filter: "name eq", URL: "https://h/"},
		"unknown in it":    {Type: "Tag", Filter: "colour eq 1", URL: "https://h/"},
		"no TLS":           {Type: "Tag", URL: "http://h/"},
		"no host":          {Type: "Tag", URL: "https:///x"},
		"a user":           {Type: "Tag", URL: "https://me@h/"},
		"a file":           {Type: "Tag", URL: "file:///etc/passwd"},
		"bad id":           {Type: "Tag", ID: "x", URL: "https://h/"},
	} {
		if _, err := repo.Subscribe(t.Context(), &service, s); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	ann := &Caller{Directory: "DOM", ID: "ann"}
	if _, err := repo.Subscribe(t.Context(), ann, Subscription{Type: "Tag", URL: "https://h/"}); !errors.Is(err, ErrForbidden) {
		t.Errorf("a user subscribes: %v", err)
	}
}

// TestBox: what waits is bounded, and the newest stay.
func TestBox(t *testing.T) {
	b := &box{bell: make(chan struct{}, 1)}
	for i := range noticesMax + 5 {
		b.put(store.Change{Seq: int64(i)})
	}
	batch, lost := b.take()
	if len(batch) != noticesBatch || lost != 5 || batch[0].Seq != 5 {
		t.Errorf("%d changes from %d, %d lost", len(batch), batch[0].Seq, lost)
	}
	if _, lost := b.take(); lost != 0 {
		t.Errorf("%d lost again", lost)
	}
}
