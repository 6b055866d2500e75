package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository"
)

// TestScheduledReload makes an app, a task with a schedule and a chain behind it,
// and waits until both have run: once each for a slot.
func TestScheduledReload(t *testing.T) {
	s := start(t, t.TempDir())
	self := repository.Service("api")
	repo, types := s.Repo(), s.Repo().Schema()
	id, err := s.Library().Create("Nightly")
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Library().Open(id)
	if err != nil {
		t.Fatal(err)
	}
	a.SetScript("T: LOAD RecNo() AS x AUTOGENERATE 9;")
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	s.Library().Close(a)
	if err := repo.Adopt(t.Context(), &self, id, repository.AppInfo{Title: "Nightly"}); err != nil {
		t.Fatal(err)
	}
	task := func(name string, events ...map[string]any) string {
		t.Helper()
		doc := map[string]any{"name": name, "app": ref(id), "enabled": true, "taskSessionTimeout": number(10), "maxRetries": number(0)}
		var schemas, chains []map[string]any
		for _, e := range events {
			if e["compositeRules"] != nil {
				chains = append(chains, e)
			} else {
				schemas = append(schemas, e)
			}
		}
		made, err := repo.CreateTask(t.Context(), &self, types.Type("ReloadTask"), repository.TaskChange{Task: doc, SchemaEvents: schemas, CompositeEvents: chains})
		if err != nil {
			t.Fatal(err)
		}
		return made["id"].(string)
	}
	first := task("first", map[string]any{
		"name": "soon", "enabled": true, "timeZone": "Europe/Stockholm", "daylightSavingTime": number(0), "incrementOption": number(1),
		"startDate": time.Now().Add(3 * time.Second).UTC().Format("2006-01-02T15:04:05.000Z"), "expirationDate": "9999-01-01T00:00:00.000Z",
		"schemaFilterDescription": []any{"* * - * * * * *"}, "incrementDescription": "0 1 0 0",
	})
	second := task("second", map[string]any{
		"name": "then", "enabled": true, "timeConstraint": map[string]any{"minutes": number(360)},
		"compositeRules": []any{map[string]any{"ruleState": number(1), "reloadTask": ref(first)}},
	})
	results := func() (n map[string]int) {
		t.Helper()
		found, err := repo.List(t.Context(), &self, types.Type("ExecutionResult"), repository.Query{})
		if err != nil {
			t.Fatal(err)
		}
		n = map[string]int{}
		for _, r := range found {
			n[fmt.Sprint(r["taskID"], " ", r["status"])]++
		}
		return n
	}
	want := map[string]int{first + " 7": 1, second + " 7": 1}
	for end := time.Now().Add(30 * time.Second); fmt.Sprint(results()) != fmt.Sprint(want); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("results %v, want %v", results(), want)
		}
	}
	app, err := repo.Get(t.Context(), &self, types.Type("App"), id, false)
	if err != nil {
		t.Fatal(err)
	}
	if loaded, _ := app["lastReloadTime"].(string); loaded < "2000" {
		t.Errorf("the app was last reloaded at %q", loaded)
	}
	done, err := repo.Get(t.Context(), &self, types.Type("ReloadTask"), first, false)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(done["operational"])
	if err != nil || done["operational"] == nil {
		t.Errorf("the task knows nothing of its last execution: %s, %v", text, err)
	}

	admin := s.visitor(t) // and by hand, over the interface
	if status, _ := admin.logIn("admin", s.password); status != http.StatusOK {
		t.Fatal(status)
	}
	if status, text := admin.ask("POST", "qrs/task/"+second+"/start/synchronous", nil); status != 403 && status != 404 {
		t.Errorf("in the hub an administrator has no rights of the console: %d %s", status, text)
	}
	execution, err := s.tasks.Start(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	want[second+" 7"]++
	for end := time.Now().Add(30 * time.Second); fmt.Sprint(results()) != fmt.Sprint(want); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("results %v, want %v", results(), want)
		}
	}
	if _, err := repo.Get(t.Context(), &self, types.Type("ExecutionSession"), execution, false); !errors.Is(err, repository.ErrNotFound) {
		t.Errorf("an execution that has ended: %v", err)
	}
}

// The settings of a scheduler say how many tasks its node runs at a time, from
// its next start on.
func TestSlots(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []int{4, 2} {
		t.Run(fmt.Sprint(want), func(t *testing.T) {
			s := start(t, dir)
			if got := s.worker.Slots(); got != want {
				t.Errorf("%d slots, want %d", got, want)
			}
			self := repository.Service("api")
			list, err := s.Repo().List(t.Context(), &self, s.Repo().Schema().Type("SchedulerService"), repository.Query{})
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			list[0]["settings"].(map[string]any)["maxConcurrentEngines"] = number(2)
			if _, err := s.Repo().Update(t.Context(), &self, s.Repo().Schema().Type("SchedulerService"), list[0]["id"].(string), list[0]); err != nil {
				t.Fatal(err)
			}
		})
	}
}
