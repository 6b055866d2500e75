package telemetry

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTrace(t *testing.T) {
	root := t.TempDir()
	trace, err := NewTrace(Options{Root: root, Service: "Scheduler", Machine: "m"})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(trace)
	log.Debug("not written")
	log.With("TaskName", "nightly").WithGroup("g").Warn("line\none", "err", errors.New("why\tnot"), "n", 3)
	log.Info("run", FacilityKey, "TaskExecution", ClassKey, "Task", "taskid", "1", "status", "failed", "more", "a b", "StartTime", time.Date(2026, 11, 27, 8, 44, 21, 314218721, time.UTC))
	log.Error("elsewhere", FacilityKey, "NoSuch")
	for _, tt := range []struct {
		facility string
		rows     []string // of columns that are the same each time
	}{
		{"System", []string{
			"WARN|System.Scheduler.Scheduler|line↓one g.err=why⇔not g.n=3||0|nightly|||||",
			"ERROR|System.Scheduler.Scheduler|elsewhere||0||||||",
		}},
		{"TaskExecution", []string{"INFO|TaskExecution.Scheduler.Task|run more=\"a b\"||0|1||||||failed|20261127T084421.314+0000|||"}},
	} {
		text, err := os.ReadFile(filepath.Join(root, "Scheduler", "Trace", "m_"+tt.facility+"_Scheduler.txt"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		head := strings.Split(lines[0], "\t")
		if want := append(append([]string{}, traceHead...), append(facilities["Scheduler"][tt.facility], "Id2")...); strings.Join(head, " ") != strings.Join(want, " ") {
			t.Errorf("%s: columns %q, want %q", tt.facility, head, want)
		}
		if len(lines)-1 != len(tt.rows) {
			t.Fatalf("%s: %q", tt.facility, lines)
		}
		for i, line := range lines[1:] {
			f := strings.Split(line, "\t")
			if len(f) != len(head) {
				t.Fatalf("%s: %d fields of %d in %q", tt.facility, len(f), len(head), line)
			}
			if got := strings.Join([]string{f[2], f[4], f[8], f[9], f[11], strings.Join(f[12:len(f)-1], "|")}, "|"); got != tt.rows[i] {
				t.Errorf("%s: %s, want %s", tt.facility, got, tt.rows[i])
			}
		}
	}
	if err := trace.Close(); err != nil {
		t.Fatal(err)
	}
	if rolled, _ := filepath.Glob(filepath.Join(root, "Scheduler", "Trace", "m_System_Scheduler_????-??-??T??.??.??Z.log")); len(rolled) != 1 {
		t.Errorf("rolled files %v", rolled)
	}
}
