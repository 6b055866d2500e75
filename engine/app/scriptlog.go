package app

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/script"
)

// scriptLogTime is the form of times in script logs.
const scriptLogTime = "20060102T150405.000-0700"

// A scriptLog writes the log of a reload. Lines of the script have its line
// numbers, others are set in.
type scriptLog struct {
	to  io.Writer
	now func() time.Time
}

// line writes one line, whatever is in the text; what the writer says is not
// asked, as a reload does not end for its log.
func (l *scriptLog) line(number int, text string) {
	place := strings.Repeat(" ", 6)
	if number > 0 {
		place = fmt.Sprintf("%06d", number)
	}
	for _, part := range strings.Split(text, "\n") {
		_, _ = fmt.Fprintf(l.to, "%s %s  %s\n", l.now().Format(scriptLogTime), place, strings.TrimRight(part, "\r"))
		place = strings.Repeat(" ", 6)
	}
}

func (l *scriptLog) begin(a *App) {
	l.line(0, "Execution started.")
	l.line(0, fmt.Sprintf("App %s (%s), last reload %s", a.Title(), a.ID, reloadTime(a.Loaded())))
}

func reloadTime(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(scriptLogTime)
}

func (l *scriptLog) event(e script.Event) {
	switch e.Kind {
	case script.StatementStarted:
		l.line(e.Line, strings.TrimSpace(e.Text))
	case script.TableFinished:
		l.line(0, fetched(e))
	case script.Traced:
		l.line(0, e.Text)
	case script.ErrorIgnored:
		l.line(e.Line, "Error ignored: "+e.Text)
	}
}

func (l *scriptLog) end(ok bool, errs []ScriptError) {
	if ok {
		l.line(0, "Execution finished.")
		return
	}
	for _, e := range errs {
		l.line(e.Line, "Error: "+e.Message)
	}
	l.line(0, "Execution failed.")
}
