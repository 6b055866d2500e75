package site

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/scheduler"
)

const (
	outputMax = 64 << 10 // bytes of a program's output that are kept, the last ones
	killAfter = 5 * time.Second
)

// program runs the program of a task, without a shell. It is one of those that
// whoever runs the node has allowed.
func (x *executor) program(ctx context.Context, task *store.Entity) (done scheduler.Done, err error) {
	path := text(task, "path")
	if !slices.Contains(x.programs, path) {
		return done, fmt.Errorf("the program %q may not be run here: nodes run those of their option --program", path)
	}
	args, err := splitArguments(text(task, "parameters"))
	if err != nil {
		return done, fmt.Errorf("parameters: %w", err)
	}
	var out tail
	c := exec.CommandContext(ctx, path, args...)
	c.Stdout, c.Stderr, c.WaitDelay = &out, &out, killAfter
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "COGNATE_TASK_ID=" + task.ID, "COGNATE_TASK_NAME=" + text(task, "name")}
	endWithChildren(c)
	err = c.Run()
	if said := strings.TrimSpace(strings.ToValidUTF8(string(out.kept), "\uFFFD")); said != "" {
		done.Details = append(done.Details, scheduler.Detail{Severity: scheduler.DetailInformation, Message: said, Created: time.Now()})
	}
	if ctx.Err() != nil {
		return done, ctx.Err()
	}
	if err != nil {
		return done, fmt.Errorf("program %s: %w", path, err)
	}
	return done, nil
}

// A tail keeps the end of what is written to it.
type tail struct{ kept []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-outputMax):]
	return len(p), nil
}

// splitArguments splits a command line at blanks; double quotes keep them
// together, and \" is a quote.
func splitArguments(line string) (args []string, err error) {
	var word strings.Builder
	quoted, begun := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == 0:
			return nil, errors.New("a zero byte")
		case c == '\\' && i+1 < len(line) && line[i+1] == '"':
			i++
			word.WriteByte('"')
			begun = true
		case c == '"':
			quoted, begun = !quoted, true
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			if begun {
				args = append(args, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if quoted {
		return nil, errors.New("a quote is not closed")
	}
	if begun {
		args = append(args, word.String())
	}
	return args, nil
}
