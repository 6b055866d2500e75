package site

import (
	"testing"

	"github.com/cognate-bi/cognate/services/repository"
)

// TestExecutionsAreShown looks at a task while it waits, runs and has ended, as
// clients do that wait for it.
func TestExecutionsAreShown(t *testing.T) {
	s := start(t, t.TempDir())
	p := s.program(t)
	self := repository.Service("api")
	id, err := s.Library().Create("Slow")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Repo().Adopt(t.Context(), &self, id, repository.AppInfo{Title: "Slow"}); err != nil {
		t.Fatal(err)
	}
	script := func(text string) {
		t.Helper()
		a, err := s.Library().Open(id)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Library().Close(a)
		a.SetScript(text)
		if err := a.Save(); err != nil {
			t.Fatal(err)
		}
	}
	type result struct {
		ID, ExecutionID, StartTime, StopTime, ExecutingNodeName, ExecutingNodeID string
		Status                                                                   int
	}
	type entity struct{ ID, Name string }
	var task entity
	p.call(201, "POST", "reloadtask/create", map[string]any{
		"task": map[string]any{"name": "slow", "app": ref(id), "enabled": true, "taskSessionTimeout": 10, "maxRetries": 0}, "schemaEvents": []any{}, "compositeEvents": []any{},
	}, &task)
	last := func() (r result) {
		t.Helper()
		var now struct {
			Operational struct{ LastExecutionResult result }
		}
		p.call(200, "GET", "reloadtask/"+task.ID, nil, &now)
		return now.Operational.LastExecutionResult
	}
	begin := func() string {
		t.Helper()
		var execution struct{ Value string }
		p.call(201, "POST", "task/"+task.ID+"/start/synchronous", nil, &execution)
		return execution.Value
	}
	type session struct {
		ID, AbortAt, ModifiedDate, SchemaPath string
		ExecutionResult                       result
		ReloadTask, App, ExecutingNode        entity
		UserSyncTask                          *entity
	}
	sessions := func() (list []session) {
		t.Helper()
		p.call(200, "GET", "executionsession/full?filter=reloadTask.name+eq+'slow'", nil, &list)
		return list
	}
	count := func() int {
		t.Helper()
		var n struct{ Value int }
		p.call(200, "GET", "executionsession/count", nil, &n)
		return n.Value
	}

	var results []result
	script("T: LOAD 1 AS x AUTOGENERATE 1;")
	begin()
	eventually(t, "a first run", func() bool { return last().Status == 7 })
	first := last()

	script("SLEEP 2000; T: LOAD 2 AS x AUTOGENERATE 1;")
	execution := begin()
	if r := last(); r.Status != 1 && r.Status != 2 || r.ID == first.ID {
		t.Errorf("right after the start the last result is %+v", r)
	}
	eventually(t, "the run", func() bool { return last().Status == 2 })
	running := last()
	if running.ExecutingNodeName != "Central" || running.StopTime > running.StartTime {
		t.Errorf("while it runs: %+v", running)
	}
	skipped := begin()
	p.call(200, "GET", "executionresult/full?filter=ExecutionId+eq+"+skipped, nil, &results)
	if r := last(); r.ID != running.ID || len(results) != 1 || results[0].Status != 9 {
		t.Errorf("started again while it runs, the last result is %+v, that of the second start %+v", r, results)
	}
	list := sessions()
	if len(list) != 1 || count() != 1 {
		t.Fatalf("%d execution sessions while a task runs: %+v", len(list), list)
	}
	if e := list[0]; e.ID != execution || e.ExecutionResult.ID != running.ID || e.ReloadTask.Name != "slow" || e.App.Name != "Slow" || e.UserSyncTask != nil || e.ExecutingNode.ID == "" || e.AbortAt < e.ModifiedDate || e.SchemaPath != "ExecutionSession" {
		t.Errorf("an execution session: %+v", e)
	}
	var one entity
	p.call(200, "GET", "executionsession/"+execution, nil, &one)
	if one.ID != execution {
		t.Errorf("by its id: %+v", one)
	}

	eventually(t, "the end", func() bool { return count() == 0 })
	p.call(404, "GET", "executionsession/"+execution, nil, nil)
	if r := last(); r.ID != running.ID || r.Status != 7 || r.StopTime < r.StartTime {
		t.Errorf("in the end: %+v", r)
	}
	p.call(200, "GET", "executionresult/full?filter=ExecutionId+eq+"+execution, nil, &results)
	if len(results) != 1 || results[0].ExecutionID != execution || results[0].Status != 7 || results[0].ExecutingNodeID != s.node {
		t.Errorf("results of an execution: %+v", results)
	}

	begin()
	eventually(t, "another run", func() bool { return last().Status == 2 })
	p.call(204, "DELETE", "reloadtask/"+task.ID, nil, nil)
	if n := count(); n != 0 {
		t.Errorf("%d execution sessions of a task that is deleted", n)
	}
	eventually(t, "the end of what a deleted task did", func() bool {
		p.call(200, "GET", "executionresult/full?filter=taskID+eq+"+task.ID+"&orderby=startTime+desc", nil, &results)
		return results[0].Status == 6 && results[0].StopTime > results[0].StartTime
	})
}
