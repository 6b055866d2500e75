package telemetry

import (
	"crypto/ed25519"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 3, 29, 0, 59, 59, 123e6, time.FixedZone("", 3600))}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type key ed25519.PrivateKey

func (k key) Sign(message []byte) []byte { return ed25519.Sign(ed25519.PrivateKey(k), message) }

func testOptions(t *testing.T, c *clock) Options {
	return Options{
		Root: t.TempDir(), Service: "Proxy", Machine: "node1", Version: "1.2.3", Now: c.Now,
		Failed: func(err error) { t.Error(err) },
	}
}

func newTestAudit(t *testing.T, o Options) *Audit {
	t.Helper()
	a, err := NewAudit(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// rows returns the fields of the rows of a file, its names first.
func rows(t *testing.T, path string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows
}

func TestActivityRow(t *testing.T) {
	o := testOptions(t, newClock())
	a := newTestAudit(t, o)
	a.Activity(Event{
		SessionID: "secret", PackageID: "7", RequestSequence: "1.0", UserDirectory: "DOM", UserID: "ann\tforged\nrow\f\r",
		ObjectIDs: []string{"t", "a"}, ObjectNames: []string{"Task", "App"}, Origin: ManagementAccess, Context: "/qrs/task",
		Command: "Start", Result: 204, Message: "started",
	})
	a.Activity(Event{Command: "Clean", Result: 500})
	got := rows(t, filepath.Join(o.Root, "Proxy", "Audit", "node1_AuditActivity_Proxy.txt"))
	if len(got) != 3 || strings.Join(got[0], " ") != strings.Join(activityColumns, " ") {
		t.Fatalf("rows: %q", got)
	}
	row := map[string]string{}
	for i, name := range got[0] {
		row[name] = got[1][i]
	}
	for name, want := range map[string]string{
		"Sequence#": "1", "ProductVersion": "1.2.3", "Timestamp": "20260329T005959.123+0100", "Hostname": "node1",
		"Description": "Command=Start;Result=204;ResultText=Success", "ProxySessionId": a.SessionHash("secret"), "ProxyPackageId": "7",
		"RequestSequenceId": "1.0", "UserDirectory": "DOM", "UserId": "ann⇔forged↓row→↵", "ObjectId": "t|a", "ObjectName": "Task|App",
		"Service": "Proxy", "Origin": "ManagementAccess", "Context": "/qrs/task", "Command": "Start", "Result": "204", "Message": "started",
	} {
		if row[name] != want {
			t.Errorf("%s is %q, want %q", name, row[name], want)
		}
	}
	if strings.Contains(strings.Join(got[1], " "), "secret") {
		t.Error("the session can be taken over by its log")
	}
	if system := got[2]; system[9] != "System" || system[10] != "System" || system[6] != "0" || system[11] != "0" || !strings.HasSuffix(system[5], "ResultText=Failure") {
		t.Errorf("row of the system: %q", system)
	}
}

func TestRollOver(t *testing.T) {
	c := newClock()
	o := testOptions(t, c)
	o.SizeMax = 2000
	o.sequence = sequenceMax - 1
	a := newTestAudit(t, o)
	dir := filepath.Join(o.Root, "Proxy", "Audit")
	logs := func() []string {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(dir, "*Activity*.log"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	for range 3 {
		a.Activity(Event{Command: "a"})
	}
	got := rows(t, filepath.Join(dir, "node1_AuditActivity_Proxy.txt"))
	if got[1][0] != "2147483647" || got[2][0] != "1" {
		t.Errorf("the sequence goes %s, %s at its end", got[1][0], got[2][0])
	}
	c.add(12*time.Hour - time.Second)
	a.Activity(Event{Command: "a"})
	if n := len(logs()); n != 0 {
		t.Fatalf("%d files are rolled before their time", n)
	}
	c.add(time.Second)
	a.Activity(Event{Command: "a"})
	want := filepath.Join(dir, "node1_AuditActivity_Proxy_20260329T115959Z.log")
	if names := logs(); len(names) != 1 || names[0] != want {
		t.Fatalf("rolled by age: %v, want %s", names, want)
	}
	for range 100 {
		a.Activity(Event{Command: "a"})
	}
	if n := len(logs()); n < 8 {
		t.Errorf("%d files are rolled by size", n)
	}
	for _, name := range logs() {
		if info, err := os.Stat(name); err != nil || info.Size() > 2500 {
			t.Errorf("%s has %d bytes: %v", name, info.Size(), err)
		}
	}
	before := len(logs())
	o.sequence = 0
	newTestAudit(t, o).Activity(Event{Command: "after a crash"}) // the first one was not closed
	if len(logs()) != before+1 {
		t.Error("the file of the process before was not set aside")
	}
	if got := rows(t, filepath.Join(dir, "node1_AuditActivity_Proxy.txt")); len(got) != 2 || got[1][0] != "1" {
		t.Errorf("after a restart: %q", got)
	}
}

func TestSecurityLogIsChained(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	o := testOptions(t, c)
	o.Signer = key(private)
	o.Archive = t.TempDir()
	path, archived := filepath.Join(o.Root, "Proxy", "Audit", "node1_AuditSecurity_Proxy.txt"), filepath.Join(o.Archive, "Proxy", "Audit")
	for i := range 3 { // three processes, after the second of which files are archived
		a, err := NewAudit(o)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			a.Security(Event{Command: "Log in", UserDirectory: "D", UserID: "u", Address: "10.0.0.1", Class: ClassLicense})
			c.add(5 * time.Hour)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if moved, err := ArchiveRolled(o); err != nil || moved < 2 {
				t.Fatalf("%d files archived, %v", moved, err)
			}
		}
	}
	a := newTestAudit(t, o)
	a.Security(Event{Command: "last"})
	v, err := Verify(path, archived, public)
	if err != nil || v.Rows != 13 || v.Files < 4 || v.Signatures != v.Files-1 {
		t.Fatalf("%+v, %v", v, err)
	}
	files, err := logFiles(path, archived)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func() error{
		"a row is changed": func() error {
			return edit(files[1], func(s string) string { return strings.Replace(s, "10.0.0.1", "10.0.0.2", 1) })
		},
		"a row is taken out": func() error { return edit(files[0], func(s string) string { return without(s, 2) }) },
		"the last row is gone": func() error {
			return edit(files[1], func(s string) string { return without(s, strings.Count(s, "\n")-1) })
		},
		"a file is taken out":   func() error { return os.Remove(files[1]) },
		"the names are gone":    func() error { return edit(files[2], func(s string) string { return without(s, 0) }) },
		"a signature is gone":   func() error { return os.Remove(files[0] + signatureSuffix) },
		"another's signature":   func() error { return copyFile(files[0]+signatureSuffix, files[1]+signatureSuffix) },
		"a row is put in":       func() error { return edit(path, func(s string) string { return s + strings.SplitAfter(s, "\n")[1] }) },
		"the first file is all": func() error { return copyFile(files[0], files[1]) },
	} {
		t.Run(name, func(t *testing.T) {
			kept := map[string][]byte{}
			for _, f := range append(files, files[0]+signatureSuffix, files[1]+signatureSuffix) {
				kept[f], _ = os.ReadFile(f)
			}
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(path, archived, public); !errors.Is(err, ErrTampered) {
				t.Errorf("not noticed: %v", err)
			}
			for f, text := range kept {
				if err := os.WriteFile(f, text, 0o640); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if err := os.Remove(files[0]); err != nil { // somebody made room
		t.Fatal(err)
	}
	if _, err := Verify(path, archived, public); err != nil {
		t.Errorf("without the oldest file: %v", err)
	}
}

func edit(path string, f func(string) string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(f(string(text))), 0o640)
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o640)
}

// without returns a text without a line.
func without(s string, line int) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(append(lines[:line:line], lines[line+1:]...), "")
}

func TestServiceLog(t *testing.T) {
	o := testOptions(t, newClock())
	s, err := NewService(o)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(s).With("node", "n1").WithGroup("db")
	log.Debug("not written")
	log.Warn("slow answer", "ms", 12, "sql", "SELECT 1")
	slog.New(s).Error("refused", "user", "ann", "directory", "DOM", "result", 403)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(o.Root, "Proxy", "System", "node1_Service_Proxy_*Z.log"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	got := rows(t, files[0])
	if len(got) != 3 || len(got[1]) != len(serviceColumns) {
		t.Fatalf("%q", got)
	}
	if got[1][3] != "Warning" || got[1][19] != `slow answer node=n1 db.ms=12 db.sql="SELECT 1"` {
		t.Errorf("%q", got[1])
	}
	if got[2][10] != "DOM" || got[2][11] != "ann" || got[2][18] != "403" {
		t.Errorf("%q", got[2])
	}
}

func TestConcurrentRows(t *testing.T) {
	o := testOptions(t, newClock())
	o.SizeMax = 5000
	a := newTestAudit(t, o)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				a.Security(Event{Command: "x"})
			}
		})
	}
	wg.Wait()
	v, err := Verify(filepath.Join(o.Root, "Proxy", "Audit", "node1_AuditSecurity_Proxy.txt"), "", nil)
	if err != nil || v.Rows != 400 {
		t.Errorf("%+v, %v", v, err)
	}
}
