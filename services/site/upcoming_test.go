package site

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
	"github.com/cognate-bi/cognate/services/scheduler"
)

// TestTasksTellWhatBecomesOfThem looks at the operational parts of a task and
// its events before it has run, once it is scheduled, and after its deletion.
func TestTasksTellWhatBecomesOfThem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		n := newNode(t, t.TempDir(), db)
		self := repository.Service("api")
		if _, err := n.repo.Join(t.Context(), repository.Node{Name: "Central", Host: "127.0.0.1", Central: true, Scheduler: repository.SchedulesAndRuns}); err != nil {
			t.Fatal(err)
		}
		app, err := n.session("ann").CreateApp("A")
		if err != nil {
			t.Fatal(err)
		}
		call := func(method, path string, body any, status int, to any) {
			t.Helper()
			var raw []byte
			if body != nil {
				if raw, err = json.Marshal(body); err != nil {
					t.Fatal(err)
				}
			}
			answer := n.do(`INTERNAL\sa_api`, method, path, raw, status)
			if to == nil {
				return
			}
			if err := json.Unmarshal(answer, to); err != nil {
				t.Fatal(err)
			}
		}
		type state struct {
			NextExecution       string
			LastExecutionResult *struct {
				ID, StopTime string
				Status       int
				Details      []any
			}
			TimesTriggered *int
		}
		type entity struct {
			ID          string
			Operational *state
		}
		var first, task entity
		change := map[string]any{
			"task": map[string]any{"name": "a", "app": ref(app), "enabled": true, "taskSessionTimeout": 10, "maxRetries": 0}, "compositeEvents": []any{},
			"schemaEvents": []any{map[string]any{
				"name": "daily", "enabled": true, "eventType": 0, "startDate": "2020-01-01T10:00:00.000Z", "expirationDate": "9999-01-01T00:00:00.000Z", "timeZone": "UTC",
				"schemaFilterDescription": []any{"* * - * * * * *"}, "incrementDescription": "0 0 1 0", "incrementOption": 2,
			}},
		}
		call("POST", "/qrs/reloadtask/create", change, 201, &first)
		call("GET", "/qrs/reloadtask/"+first.ID, nil, 200, &task)
		s := task.Operational
		if s == nil || s.NextExecution != "1753-01-01T00:00:00.000Z" || s.LastExecutionResult == nil || s.LastExecutionResult.Status != 0 || s.LastExecutionResult.StopTime != "1753-01-01T00:00:00.000Z" || s.LastExecutionResult.Details == nil {
			t.Fatalf("a new task: %+v", s)
		}

		// A copy by hand of the whole task does not share what becomes of it.
		var whole map[string]any
		var copied entity
		call("GET", "/qrs/reloadtask/"+first.ID, nil, 200, &whole)
		delete(whole, "id")
		call("POST", "/qrs/reloadtask", whole, 201, &copied)
		if copied.Operational == nil || copied.Operational.LastExecutionResult.ID == s.LastExecutionResult.ID {
			t.Errorf("a copy by hand: %+v", copied.Operational)
		}

		wrong := func(field, value string) map[string]any {
			e := map[string]any{
				"name": "wrong", "reloadTask": ref(first.ID), "startDate": "2020-01-01T10:00:00.000Z", "expirationDate": "9999-01-01T00:00:00.000Z", "timeZone": "UTC",
				"schemaFilterDescription": []any{"* * - * * * * *"}, "incrementDescription": "0 0 1 0",
			}
			if e[field] = value; field == "schemaFilterDescription" {
				e[field] = []any{value}
			}
			return e
		}
		for field, value := range map[string]string{"timeZone": "Nope/Zone", "incrementDescription": "daily", "schemaFilterDescription": "* * - 9 1 * * *"} {
			call("POST", "/qrs/schemaevent", wrong(field, value), 400, nil) // it would never fire
		}

		b := &board{db: db, ended: func(*endedAttempt) {}}
		c := &calendar{board: b}
		event := func() (e entity) {
			t.Helper()
			var list []entity
			call("GET", "/qrs/schemaevent/full?filter=reloadTask.id+eq+"+first.ID, nil, 200, &list)
			if len(list) != 1 || list[0].Operational == nil || list[0].Operational.TimesTriggered == nil {
				t.Fatalf("events: %+v", list)
			}
			return list[0]
		}
		next := func(now, want string) {
			t.Helper()
			at, err := time.Parse(time.RFC3339, now)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.step(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			call("GET", "/qrs/reloadtask/"+first.ID, nil, 200, &task)
			if e := event(); task.Operational.NextExecution != want || e.Operational.NextExecution != want {
				t.Errorf("at %s: task %s, event %s, want %s", now, task.Operational.NextExecution, e.Operational.NextExecution, want)
			}
		}
		next("2026-02-03T09:00:00Z", "2026-02-03T10:00:00.000Z")
		next("2026-02-03T10:00:00Z", "2026-02-04T10:00:00.000Z")
		call("PUT", "/qrs/schemaevent/"+event().ID, map[string]any{"incrementDescription": "daily"}, 400, nil)
		call("PUT", "/qrs/reloadtask/"+first.ID, map[string]any{"enabled": false, "operational": nil}, 200, nil)
		next("2026-02-03T10:00:01Z", "1753-01-01T00:00:00.000Z")
		call("PUT", "/qrs/reloadtask/"+first.ID, map[string]any{"enabled": true}, 200, nil)
		next("2026-02-03T10:00:02Z", "2026-02-04T10:00:00.000Z")

		// A run by the schedule is counted, and its result takes the place of none.
		err = b.Update(t.Context(), func(b *scheduler.Board) ([]scheduler.Result, error) {
			b.Executions = append(b.Executions, &scheduler.Execution{
				ID: "00000000-0000-4000-8000-000000000001", TaskID: first.ID, Cause: "schedule " + event().ID + " 2026-02-04T10:00:00Z", Status: scheduler.Triggered, Triggered: time.Now(),
			})
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := *event().Operational.TimesTriggered; got != 1 {
			t.Errorf("triggered %d times", got)
		}
		call("GET", "/qrs/executionresult/"+s.LastExecutionResult.ID, nil, 404, nil)

		call("DELETE", "/qrs/reloadtask/"+first.ID, nil, 204, nil)
		call("DELETE", "/qrs/app/"+app, nil, 204, nil) // the copy goes with it
		call("GET", "/qrs/reloadtask/"+copied.ID, nil, 404, nil)
		for _, typ := range []string{"ReloadTaskOperational", "SchemaEventOperational"} {
			list, err := n.repo.List(t.Context(), &self, n.repo.Schema().Type(typ), repository.Query{})
			if err != nil || len(list) != 0 {
				t.Errorf("%s of no task: %v, %v", typ, list, err)
			}
		}
	})
}
