package site

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository"
)

// TestLogs does what monitors look for, and looks for it as they do.
func TestLogs(t *testing.T) {
	dir := t.TempDir()
	s := run(t, Options{Dir: dir, Roles: Roles{Proxy: true, Engine: true, Scheduler: true}, Metrics: "127.0.0.1:0"})
	admin := s.visitor(t)
	if status, _ := admin.logIn("admin", s.password); status != http.StatusOK {
		t.Fatal(status)
	}
	self := repository.Service("api")
	id, err := s.Library().Create("Nightly")
	if err != nil {
		t.Fatal(err)
	}
	owner := repository.Caller{Directory: LocalDirectory, ID: FirstUser}
	if err := s.Repo().Adopt(t.Context(), &owner, id, repository.AppInfo{Title: "Nightly"}); err != nil {
		t.Fatal(err)
	}
	task := func(name, script string, partial bool) {
		t.Helper()
		a, err := s.Library().Open(id)
		if err != nil {
			t.Fatal(err)
		}
		a.SetScript(script)
		if err := a.Save(); err != nil {
			t.Fatal(err)
		}
		s.Library().Close(a)
		made, err := s.Repo().CreateTask(t.Context(), &self, s.Repo().Schema().Type("ReloadTask"), repository.TaskChange{
			Task: map[string]any{"name": name, "app": ref(id), "enabled": true, "taskSessionTimeout": number(10), "maxRetries": number(0), "isPartialReload": partial},
		})
		if err != nil {
			t.Fatal(err)
		}
		execution, err := s.tasks.Start(t.Context(), made["id"].(string))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the end of "+name, func() bool {
			_, err := s.Repo().Get(t.Context(), &self, s.Repo().Schema().Type("ExecutionSession"), execution, false)
			return errors.Is(err, repository.ErrNotFound)
		})
	}
	task("good", "T: LOAD RecNo() AS x AUTOGENERATE 9;", false)
	task("more", "ADD LOAD RecNo() AS x AUTOGENERATE 2; U: LOAD 1 as u AUTOGENERATE 1;", true)
	if a, err := s.Library().Open(id); err != nil {
		t.Error(err)
	} else {
		if m := a.Data().Model; len(m.Tables) != 1 || m.Tables[0].Rows != 11 {
			t.Errorf("after a partial reload: %d tables, %d rows in the first", len(m.Tables), m.Tables[0].Rows)
		}
		s.Library().Close(a)
	}

	task("bad", "T: LOAD nothing FROM [lib://nowhere/x.csv];", false)
	for path, body := range map[string]string{
		"applicationlog": `{"logLevel":"Warning","applicationName":"mashup","message":"a chart\tis missing"}`, "managementconsolelog": `{"logLevel":"Error","browser":"Firefox","message":"no answer"}`,
	} {
		if status, text := admin.ask("POST", "qrs/"+path, []byte(body)); status != 204 {
			t.Errorf("%s: %d %s", path, status, text)
		}
		if status, text := admin.ask("POST", "qrs/"+path, []byte(`{"logLevel":"Loud","message":"x"}`)); status != 400 || !bytes.Contains(text, []byte("Loud")) {
			t.Errorf("%s with a level that there is not: %d %s", path, status, text)
		}
	}
	if status, text := admin.ask("POST", "qrs/stream", []byte(`{"name":"New"}`)); status == 200 {
		t.Errorf("%d %s", status, text)
	}

	log := func(service, sub, kind string) string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "Log", service, sub, "*_"+kind+"_"+service+".txt"))
		if err != nil || len(files) != 1 {
			t.Fatalf("files of %s %s: %v, %v", service, kind, files, err)
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, want := range []struct{ service, sub, kind, text string }{
		{"Scheduler", "Trace", "System", "\tINFO\t"},
		{"Scheduler", "Trace", "System", "\tSystem.Scheduler.Scheduler.Master.Task.TaskSession\t"},
		{"Scheduler", "Trace", "System", "\tExecution State Change to FinishedSuccess\t\t\t0\tgood\t"},
		{"Scheduler", "Trace", "System", "\tMax retries reached reason="},
		{"Scheduler", "Trace", "System", "\tSystem.Scheduler.Scheduler.Slave.Tasks.ReloadTask\t"},
		{"Scheduler", "Trace", "TaskExecution", "\tsuccessful\t"},
		{"Scheduler", "Trace", "TaskExecution", "\tfailed\t"},
		{"Scheduler", "Audit", "AuditActivity", "\tCommand=Run task;Result=200;ResultText=Success\t"},
		{"Scheduler", "System", "Service", "ResultText=Execution State Change to FinishedSuccess\t"},
		{"Repository", "Audit", "AuditActivity", "\tAdd stream\t"},
		{"Repository", "Audit", "AuditActivity", "\tLOCAL\tadmin\t"},
		{"Repository", "Trace", "Application", "\tWARN\t"},
		{"Repository", "Trace", "Application", "a chart⇔is missing user=LOCAL\\admin\t\t\t0\tmashup\t"},
		{"Repository", "Trace", "ManagementConsole", "\tFirefox\t"},
		{"Proxy", "Audit", "AuditActivity", "Start session for user"},
		{"Proxy", "System", "Service", "ResultText=an engine answers\t"},
	} {
		if text := log(want.service, want.sub, want.kind); !strings.Contains(text, want.text) {
			t.Errorf("%s %s: no %q in\n%s", want.service, want.kind, want.text, text)
		}
	}

	answer, err := http.Get("http://" + s.MetricsAddr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`cognate_scheduler_attempts_total{status="FinishedSuccess"} 2`, `cognate_scheduler_attempts_total{status="FinishedFail"} 1`, `cognate_repository_requests_total{method="POST",status="`,
		"cognate_scheduler_starts_total 3", "cognate_scheduler_done_total 2", "cognate_scheduler_failed_total 1", "cognate_scheduler_workers 1", "cognate_repository_pool_queue 0",
		"cognate_proxy_sessions 1", "cognate_proxy_engines 1", "cognate_repository_pool_connections ", "go_goroutines ", "process_cpu_seconds_total ",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("metrics: no %q", want)
		}
	}
}
