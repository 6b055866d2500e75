package telemetry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Two files that are rolled over within a second have two names, also if the
// first one was archived; one that cannot be moved does not keep others back.
func TestArchive(t *testing.T) {
	c := newClock()
	o := testOptions(t, c)
	o.Archive = filepath.Join(t.TempDir(), "other")
	archived := func() string {
		files, err := filepath.Glob(filepath.Join(o.Archive, "Proxy", "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, strings.TrimPrefix(f, o.Archive+string(filepath.Separator)), string(text[:min(9, len(text))]))
		}
		return strings.Join(out, " ")
	}
	run := func() {
		t.Helper()
		a := newTestAudit(t, o)
		a.Activity(Event{Command: "Log in"})
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if moved, err := ArchiveRolled(o); err != nil || moved != 1 {
			t.Errorf("%d moved, %v", moved, err)
		}
	}
	run()
	run()
	stamp := c.Now().UTC().Format(rolledStamp)
	name := filepath.Join("Proxy", "Audit", "node1_AuditActivity_Proxy_"+stamp)
	if got, want := archived(), name+"-001Z.log Sequence# "+name+"Z.log Sequence#"; got != want {
		t.Errorf("archived %s, want %s", got, want)
	}
	audit := filepath.Join("Proxy", "Audit")
	for _, f := range []string{filepath.Join(o.Root, audit, "stays_1Z.log", "x"), filepath.Join(o.Archive, audit, "stays_1Z.log", "y"), filepath.Join(o.Root, audit, "goes_2Z.log")} {
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte("goes"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if moved, err := ArchiveRolled(o); moved != 1 || err == nil || !strings.Contains(err.Error(), "stays_1Z.log") {
		t.Errorf("%d moved, %v", moved, err)
	}
	if _, err := os.Stat(filepath.Join(o.Archive, audit, "goes_2Z.log")); err != nil {
		t.Error(err)
	}
}

// Another file system gets a copy.
func TestCopyWhole(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(from, []byte("rows"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := copyWhole(from, to); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(to)
	if left, globErr := filepath.Glob(filepath.Join(dir, ".*")); err != nil || globErr != nil || string(text) != "rows" || len(left) != 0 {
		t.Errorf("%q, %v, left %v %v", text, err, left, globErr)
	}
	if err := copyWhole(filepath.Join(dir, "nothing"), to); !os.IsNotExist(err) {
		t.Error(err)
	}
}
