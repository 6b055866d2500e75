package site

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository/store"
)

func TestSplitArguments(t *testing.T) {
	for line, want := range map[string][]string{
		"":                      nil,
		" a  b\tc\n":            {"a", "b", "c"},
		`"a b" c""d "" e`:       {"a b", "cd", "", "e"},
		`say \"hi\" "a \" b"`:   {"say", `"hi"`, `a " b`},
		`$HOME ; rm * 'a b' \n`: {"$HOME", ";", "rm", "*", "'a", "b'", `\n`},
	} {
		if got, err := splitArguments(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v, want %q", line, got, err, want)
		}
	}
	for _, line := range []string{`"open`, "a\x00b"} {
		if got, err := splitArguments(line); err == nil {
			t.Errorf("%q: %q", line, got)
		}
	}
}

// A program that is stopped ends with what it has started, and its output is
// bounded.
func TestProgram(t *testing.T) {
	sh := "/bin/sh"
	if _, err := os.Stat(sh); err != nil {
		t.Skip("there is no /bin/sh")
	}
	x := &executor{programs: []string{sh}}
	task := func(parameters string) *store.Entity {
		return &store.Entity{ID: "1", Doc: map[string]any{"path": sh, "parameters": parameters, "name": "n"}}
	}
	done, err := x.program(t.Context(), task(`-c "yes x | head -c 1000001; echo $COGNATE_TASK_NAME; exit 3"`))
	if err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a program that fails: %v", err)
	}
	if said := done.Details[0].Message; len(said) > outputMax || !strings.HasSuffix(said, "x\nxn") {
		t.Errorf("%d bytes of output, the end %q", len(said), said[max(0, len(said)-10):])
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	mark := t.TempDir() + "/late"
	begun := time.Now()
	if _, err := x.program(ctx, task(`-c "(sleep 2; touch `+mark+`) & wait"`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a program that is stopped: %v", err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %v to stop it", took)
	}
	time.Sleep(2200*time.Millisecond - time.Since(begun))
	if _, err := os.Stat(mark); err == nil {
		t.Error("what the program had started went on")
	}
	if _, err := x.program(t.Context(), &store.Entity{Doc: map[string]any{"path": "/bin/ls"}}); err == nil || !strings.Contains(err.Error(), "--program") {
		t.Errorf("a program that is not allowed: %v", err)
	}
}
