package site

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/telemetry"
)

// A monitor collects the datagrams of a site.
type monitor struct {
	mu   sync.Mutex
	rows []string
	port string
}

func newMonitor(t *testing.T) *monitor {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	m := &monitor{}
	_, m.port, _ = net.SplitHostPort(c.LocalAddr().String())
	go func() {
		for buf := make([]byte, 65536); ; {
			n, _, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.rows = append(m.rows, string(buf[:n]))
			m.mu.Unlock()
		}
	}()
	return m
}

// install gives a service of a site a file of appenders that send here.
func (m *monitor) install(t *testing.T, dir, service, file string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "telemetry", "testdata", "appenders", file))
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`999\d" />`).ReplaceAll(text, []byte(m.port+`" />`))
	write(t, filepath.Join(dir, service, "LocalLogConfig.xml"), text)
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// got reports whether a row came that begins so and holds the other.
func (m *monitor) got(begin, holds string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rows {
		if strings.HasPrefix(r, begin) && strings.Contains(r, holds) {
			return true
		}
	}
	return false
}

// TestMonitors has monitors listen to a reload and a session, and ask what they
// ask.
func TestMonitors(t *testing.T) {
	dir, m := t.TempDir(), newMonitor(t)
	m.install(t, dir, "Scheduler", "scheduler.xml")
	m.install(t, dir, "Proxy", "proxy.xml")
	write(t, filepath.Join(dir, "Repository", "LocalLogConfig.xml"), []byte("<configuration><appender/></configuration>"))
	s := run(t, Options{Dir: dir, Version: "1.2.3", Roles: Roles{Proxy: true, Engine: true, Scheduler: true}})
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}

	nobody := s.visitor(t)
	status, text := nobody.ask("GET", "engine/healthcheck", nil)
	var health struct {
		Version, Started string
		Apps             struct {
			InMemory []string `json:"in_memory_docs"`
		}
		Session struct{ Total int }
		CPU     struct{ Total *float64 }
	}
	if err := json.Unmarshal(text, &health); status != 200 || err != nil || health.Version != "1.2.3" || health.Apps.InMemory == nil || health.CPU.Total == nil {
		t.Errorf("health through the proxy: %d %s, %v", status, text, err)
	}

	admin := s.visitor(t)
	if status, _ := admin.logIn("admin", s.password); status != 200 {
		t.Fatal(status)
	}
	id, err := s.Library().Create("Nightly")
	if err != nil {
		t.Fatal(err)
	}
	owner, self := repository.Caller{Directory: LocalDirectory, ID: FirstUser}, repository.Service("api")
	if err := s.Repo().Adopt(t.Context(), &owner, id, repository.AppInfo{Title: "Nightly"}); err != nil {
		t.Fatal(err)
	}
	task, err := s.Repo().CreateTask(t.Context(), &self, s.Repo().Schema().Type("ReloadTask"), repository.TaskChange{
		Task: map[string]any{"name": "Every night", "app": ref(id), "enabled": true, "taskSessionTimeout": number(10), "maxRetries": number(0)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.tasks.Start(t.Context(), task["id"].(string)); err != nil {
		t.Fatal(err)
	}
	if got, err := admin.socket("/app/"+id, `{"jsonrpc":"2.0","id":7,"handle":-1,"method":"OpenDoc","params":["`+id+`"]}`); err != nil || !strings.Contains(got, `"Doc"`) {
		t.Fatal(got, err)
	}
	for begin, holds := range map[string]string{
		"/scheduler-task-success//;" + host + ";Every night;Nightly;":                                              ";" + id + ";",
		"/qseow-proxy-session/;" + host + ";Start session;LOCAL;admin;AppAccess;":                                  "Start session for user",
		"/qseow-proxy-connection/;" + host + ";Open connection;LOCAL;admin;AppAccess;/app/" + strings.ToLower(id):  "connection Opened for session",
		"/qseow-proxy-connection/;" + host + ";Close connection;LOCAL;admin;AppAccess;/app/" + strings.ToLower(id): "connection Closed for session",
	} {
		eventually(t, begin, func() bool { return m.got(begin, holds) })
	}

	log := func(service, sub, kind string) string {
		text, _ := os.ReadFile(filepath.Join(dir, "Log", service, sub, host+"_"+kind+"_"+service+".txt")) // not there yet: nothing
		return string(text)
	}
	for _, want := range []struct{ service, sub, kind, text string }{
		{"Repository", "Trace", "System", "the appenders of a log are not heeded"},
		{"Engine", "Audit", "AuditActivity", "\t" + id + "\tNightly\tEngine\tAppAccess\tEngine\tOpen app\t200\t"},
		{"Proxy", "Trace", "Audit", "\tLOCAL\tadmin\t"},
	} {
		eventually(t, want.text, func() bool { return strings.Contains(log(want.service, want.sub, want.kind), want.text) })
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "Log", "Engine", "Audit", "*Security*")); len(files) != 0 {
		t.Errorf("the engine has a security log: %v", files)
	}
	s.proxyPerformance()
	if text := log("Proxy", "Trace", "Performance"); !strings.Contains(text, "\tPerformance.Proxy.Proxy\t") {
		t.Error(text)
	}
	s.metricsOverTLS(t)
}

// metricsOverTLS asks for metrics where only services of the site may ask.
func (r *running) metricsOverTLS(t *testing.T) {
	t.Helper()
	for at, want := range map[net.Addr]string{r.RepositoryAddr(): "cognate_proxy_decisions_total ", r.EngineAddr(): "cognate_engine_calls_total "} {
		url := "https://" + at.String() + "/metrics"
		client := http.Client{Transport: &http.Transport{TLSClientConfig: r.certs.ClientTLS()}}
		answer, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s, %v", at, answer.StatusCode, text, err)
		}
		stranger := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: r.roots}}}
		if answer, err := stranger.Get(url); err == nil {
			_ = answer.Body.Close()
			t.Errorf("%s answers strangers", at)
		}
	}
}

// TestVerbosity has the repository say how much logs tell.
func TestVerbosity(t *testing.T) {
	s := start(t, t.TempDir())
	log := s.log.engine.trace.With(telemetry.FacilityKey, "QixPerformance")
	if log.Enabled(t.Context(), 8) {
		t.Fatal("requests of clients are told without being asked")
	}
	self := repository.Service("repository")
	change := func(typ string, to map[string]any) {
		t.Helper()
		list, err := s.Repo().List(t.Context(), &self, s.Repo().Schema().Type(typ), repository.Query{})
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		settings := objectOf(list[0]["settings"])
		for k, v := range to {
			if v, ok := v.(map[string]any); ok {
				for name, n := range v {
					objectOf(settings[k])[name] = n
				}
				continue
			}
			settings[k] = v
		}
		if _, err := s.Repo().Update(t.Context(), &self, s.Repo().Schema().Type(typ), list[0]["id"].(string), list[0]); err != nil {
			t.Fatal(err)
		}
	}
	change("EngineService", map[string]any{"qixPerformanceLogVerbosity": number(int(telemetry.Info))})
	eventually(t, "that they are told", func() bool { return log.Enabled(t.Context(), 0) })
	change("RepositoryService", map[string]any{"logVerbosity": map[string]any{"logVerbosityPerformance": number(int(telemetry.Debug))}})
	perf := s.log.repository.trace.With(telemetry.FacilityKey, "Performance")
	eventually(t, "that all requests are told", func() bool { return perf.Enabled(t.Context(), -4) })
}
