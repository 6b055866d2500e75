package site

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
	"github.com/cognate-bi/cognate/services/scheduler"
)

// A task is deleted with its triggers, and taken out of the chains of others:
// those that watch nothing any more go, too.
func TestTasksAreDeletedWithTheirEvents(t *testing.T) {
	for _, driver := range storetest.Drivers {
		t.Run(driver, func(t *testing.T) {
			n := newNode(t, t.TempDir(), storetest.Open(t, storetest.Config(t, driver)))
			self, reload := repository.Service("api"), n.repo.Schema().Type("ReloadTask")
			id, err := n.session("ann").CreateApp("A")
			if err != nil {
				t.Fatal(err)
			}
			add := func(name string, after ...string) string {
				t.Helper()
				change := repository.TaskChange{Task: map[string]any{"name": name, "app": ref(id), "enabled": true, "taskSessionTimeout": number(10), "maxRetries": number(0)}}
				change.SchemaEvents = []map[string]any{{
					"name": name, "enabled": true, "eventType": number(0), "startDate": "2030-01-01T00:00:00.000Z", "expirationDate": "9999-01-01T00:00:00.000Z", "timeZone": "UTC",
					"schemaFilterDescription": []any{"* * - * * * * *"}, "incrementDescription": "0 0 1 0", "incrementOption": number(2),
				}}
				rules := []any{}
				for _, id := range after {
					rules = append(rules, map[string]any{"ruleState": number(1), "reloadTask": ref(id)})
				}
				if len(rules) > 0 {
					change.CompositeEvents = []map[string]any{{
						"name": name, "enabled": true, "eventType": number(1), "compositeRules": rules,
						"timeConstraint": map[string]any{"days": number(0), "hours": number(0), "minutes": number(0), "seconds": number(0)},
					}}
				}
				made, err := n.repo.CreateTask(t.Context(), &self, reload, change)
				if err != nil {
					t.Fatal(err)
				}
				return made["id"].(string)
			}
			events := func() string {
				t.Helper()
				out := ""
				for _, typ := range []string{"SchemaEvent", "CompositeEvent"} {
					list, err := n.repo.List(t.Context(), &self, n.repo.Schema().Type(typ), repository.Query{OrderBy: "name"})
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range list {
						rules, _ := e["compositeRules"].([]any)
						out += fmt.Sprint(e["name"], len(rules), " ")
					}
				}
				return out
			}
			a := add("a")
			b := add("b", a)
			add("c", a, b)
			if got, want := events(), "a0 b0 c0 b1 c2 "; got != want {
				t.Fatalf("events %q, want %q", got, want)
			}
			n.do(`INTERNAL\sa_api`, "DELETE", "/qrs/reloadtask/"+a, nil, 204)
			if got, want := events(), "b0 c0 c1 "; got != want {
				t.Errorf("without a: events %q, want %q", got, want)
			}
			if err := n.repo.DeleteApp(t.Context(), &self, id); err != nil {
				t.Fatal(err)
			}
			if got := events(); got != "" {
				t.Errorf("without the app: events %q", got)
			}
		})
	}
}

// TestResultsOfAnyText stores results whose messages hold whatever scripts and
// programs say.
func TestResultsOfAnyText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		n := newNode(t, t.TempDir(), db)
		self := repository.Service("api")
		id, err := n.session("ann").CreateApp("A")
		if err != nil {
			t.Fatal(err)
		}
		task, err := n.repo.CreateTask(t.Context(), &self, n.repo.Schema().Type("ReloadTask"), repository.TaskChange{
			Task: map[string]any{"name": "a", "app": ref(id), "enabled": true, "taskSessionTimeout": number(10), "maxRetries": number(0)},
		})
		if err != nil {
			t.Fatal(err)
		}
		b := &board{db: db, ended: func(*endedAttempt) {}}
		for _, message := range []string{"plain", "a\x00b", "\xff\xfe", strings.Repeat("long ", 1<<20)} {
			err := b.Update(t.Context(), func(*scheduler.Board) ([]scheduler.Result, error) {
				return []scheduler.Result{{
					ExecutionID: "00000000-0000-4000-8000-000000000001", TaskID: task["id"].(string), Status: scheduler.FinishedFail, Started: time.Now(), Stopped: time.Now(),
					Details: []scheduler.Detail{{Severity: scheduler.DetailError, Message: message, Created: time.Now()}},
				}}, nil
			})
			if err != nil {
				t.Errorf("%.20q: %v", message, err)
			}
		}
	})
}
