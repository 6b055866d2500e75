package enginehost

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// health asks how an engine is.
func health(t *testing.T, h *Host, path string) (x map[string]any, raw []byte) {
	t.Helper()
	answer, err := http.Get("http://" + h.Addr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	raw, err = io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
		t.Fatal(answer.StatusCode, answer.Header, err)
	}
	if err := json.Unmarshal(raw, &x); err != nil {
		t.Fatal(err)
	}
	return x, raw
}

// at finds a value of nested objects.
func at(t *testing.T, x map[string]any, path string) any {
	t.Helper()
	var v any = x
	for part := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		next, there := m[part]
		if !there {
			t.Fatalf("no %s in %v", path, x)
		}
		v = next
	}
	return v
}

// TestHealth has two people use an app, and reads of it what monitors read.
func TestHealth(t *testing.T) {
	h := start(t, func(o *Options) { o.Version = "1.2.3" })
	x, _ := health(t, h, "/healthcheck")
	if at(t, x, "version") != "1.2.3" || !regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}[+-]\d{4}$`).MatchString(at(t, x, "started").(string)) {
		t.Errorf("%v", x)
	}
	ann := http.Header{"X-Qlik-User": {"UserDirectory=DOM; UserId=ann"}}
	first := dial(t, h, "/app/SessionApp_1", ann)
	ask(t, first, -1, "GetActiveDoc", "[]")
	ask(t, first, 1, "SetScript", `["T: LOAD RecNo() AS x AUTOGENERATE 9;"]`)
	ask(t, first, 1, "DoReload", "[]")
	for range 2 { // the second one is found
		ask(t, first, 1, "EvaluateEx", `["Sum(x)"]`)
	}
	ask(t, first, 1, "ClearAll", "[]")
	idle := dial(t, h, "/app/engineData", http.Header{"X-Qlik-User": {"UserDirectory=DOM; UserId=bob"}})
	read(t, idle)
	for _, path := range []string{"/healthcheck/", "/engine/healthcheck"} {
		x, raw := health(t, h, path)
		for name, want := range map[string]any{
			"session.active": 1.0, "session.total": 2.0, "users.active": 1.0, "users.total": 2.0, "apps.calls": 6.0, "apps.selections": 1.0, "cache.hits": 1.0, "cache.lookups": 2.0,
			"cache.added": 1.0, "cache.replaced": 0.0, "saturated": false,
		} {
			if got := at(t, x, name); got != want {
				t.Errorf("%s: %s is %v, want %v in %s", path, name, got, want, raw)
			}
		}
		for _, list := range []string{"active_docs", "loaded_docs", "in_memory_docs"} {
			if ids, _ := at(t, x, "apps."+list).([]any); len(ids) != 1 || ids[0] != "SessionApp_1" {
				t.Errorf("%s: %v", list, ids)
			}
		}
		if at(t, x, "cache.bytes_added").(float64) <= 0 || at(t, x, "cpu.total").(float64) < 0 || at(t, x, "cpu.total").(float64) > 100 {
			t.Errorf("%s", raw)
		}
		committed, total := at(t, x, "mem.committed").(float64), at(t, x, "mem.total").(float64)
		if committed < 5 || committed > total || at(t, x, "mem.free").(float64) <= 0 || at(t, x, "mem.allocated").(float64) < committed {
			t.Errorf("memory: %s", raw)
		}
	}
}

func TestLoad(t *testing.T) {
	var l load
	if l.percent(time.Now(), time.Hour) != 0 {
		t.Error("without a reading")
	}
	begun := time.Unix(0, 0)
	for i := range 20 { // idle first, then one processor busy
		l.note(begun.Add(time.Duration(i)*readingEvery), time.Duration(max(0, i-12))*readingEvery)
	}
	one := 100 / float64(runtime.NumCPU())
	if got := l.percent(begun.Add(19*readingEvery), 7*readingEvery); got < one*0.99 || got > one*1.01 {
		t.Errorf("%v of %v", got, one)
	}
	if got := l.percent(begun.Add(25*readingEvery), 7*readingEvery); got > one*0.51 {
		t.Errorf("%v after a rest", got)
	}
}

// A buffer is written by several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestRows looks for the rows of audit and trace that an app leaves behind.
func TestRows(t *testing.T) {
	var trace, audit buffer
	h := start(t, func(o *Options) {
		o.Trace, o.Audit = slog.New(slog.NewTextHandler(&trace, nil)), slog.New(slog.NewTextHandler(&audit, nil))
		o.PerformanceEvery, o.Slow = 10*time.Millisecond, Slow{WarningBytes: 1, ErrorBytes: 1 << 40}
	})
	ws := dial(t, h, "/app/SessionApp_7", http.Header{"X-Qlik-User": {"UserDirectory=DOM; UserId=ann"}, "X-Qlik-Proxysession": {"abc"}})
	ask(t, ws, -1, "GetActiveDoc", "[]")
	ask(t, ws, -1, "OpenDoc", `["nowhere"]`)
	ask(t, ws, 1, "SetScript", `["LOAD 1 AS x AUTOGENERATE 1;"]`)
	ask(t, ws, 1, "DoReload", "[]")
	_ = ws.Close()
	for _, want := range []struct {
		log   *buffer
		parts []string
	}{
		{&audit, []string{`msg="Open app" user=DOM\ann session=abc command="Open app" context=Engine objectid=nowhere`, "result=500"}},
		{&audit, []string{`command="Change script"`, "result=200"}},
		{&audit, []string{`command="Reload app"`, "objectid=SessionApp_7", "result=200"}},
		{&trace, []string{"level=WARN", "facility=QixPerformance", "session=abc", "ActiveUserDirectory=DOM", "Method=Doc::DoReload", "AppId=SessionApp_7", "Handle=1"}},
		{&trace, []string{"facility=Session", "ActiveUserId=ann", "Calls=4", "Selections=0", "AppId=SessionApp_7"}},
		{&trace, []string{"facility=Performance", "DocSessionStarts=1", "DocLoadFails=0", "VMCommitted(MB)="}},
	} {
		found := func() bool {
			for line := range strings.Lines(want.log.String()) {
				all := true
				for _, part := range want.parts {
					all = all && strings.Contains(line, part)
				}
				if all {
					return true
				}
			}
			return false
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		for !found() && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		if cancel(); !found() {
			t.Errorf("no row of %q in\n%s", want.parts, want.log)
		}
	}
}

func TestSlow(t *testing.T) {
	s := Slow{WarningBytes: 1}
	if s.validate() == nil || (&Slow{WarningTime: 2, ErrorTime: 1}).validate() == nil {
		t.Error("limits that do not go together")
	}
	s = Slow{}
	if err := s.validate(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		took  time.Duration
		bytes int64
		want  slog.Level
	}{
		{30 * time.Second, 1 << 30, slog.LevelInfo},
		{30*time.Second + 1, 0, slog.LevelWarn},
		{0, 1<<30 + 1, slog.LevelWarn},
		{time.Minute + 1, 0, slog.LevelError},
		{0, 1<<31 + 1, slog.LevelError},
	} {
		if got := s.level(tt.took, tt.bytes); got != tt.want {
			t.Errorf("%v, %d bytes: %v, want %v", tt.took, tt.bytes, got, tt.want)
		}
	}
}
