package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/session"
)

// scriptFlags say where a script finds its files.
type scriptFlags struct {
	Folder map[string]string `help:"Folder connection NAME=PATH for lib://NAME/." placeholder:"NAME=PATH"`
	Base   string            `help:"Folder for paths without lib://. Default: the folder of the script." type:"path"`
}

func (f *scriptFlags) library(script string, log *slog.Logger) (*app.Library, error) {
	base := f.Base
	if base == "" && script != "" {
		base = filepath.Dir(script)
	}
	return app.NewLibrary(app.Options{Folders: f.Folder, BaseDir: base, Log: log})
}

// reloadCmd runs a load script.
type reloadCmd struct {
	scriptFlags
	Script string `arg:"" help:"Load script." type:"existingfile"`
}

// Run reloads a script and prints its tables.
func (c *reloadCmd) Run(ctx context.Context, log *slog.Logger) error {
	lib, err := c.library(c.Script, log)
	if err != nil {
		return err
	}
	s, err := loadScript(ctx, lib, c.Script, log)
	if err != nil {
		return err
	}
	defer s.Close()
	return printTables(os.Stdout, s.Data().Model)
}

// loadScript runs a script in an app in memory and returns a session on it.
func loadScript(ctx context.Context, lib *app.Library, path string, log *slog.Logger) (*session.Session, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := session.New("cli", "", lib, log)
	if _, err := s.CreateSessionApp(""); err != nil {
		return nil, err
	}
	a, err := s.App()
	if err != nil {
		return nil, err
	}
	a.SetScript(string(src))
	stop := showProgress(os.Stderr, a)
	ok, err := a.Reload(ctx, "")
	stop()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%s: %s", path, reasons(a.Progress()))
	}
	s.Begin()
	return s, nil
}

// reasons returns the errors of a reload, each with its statement on a line of
// its own.
func reasons(p app.Progress) string {
	var lines []string
	for _, e := range p.Errors {
		lines = append(lines, e.Message)
		if e.Statement != "" {
			lines = append(lines, "  in "+strings.Join(strings.Fields(e.Statement), " "))
		}
	}
	return strings.Join(lines, "\n")
}

// showProgress keeps one line about the running reload, until stop is called.
// Where nobody looks at it, it writes nothing.
func showProgress(w *os.File, a *app.App) (stop func()) {
	info, err := w.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-quit:
				fmt.Fprint(w, "\r\x1b[K")
				return
			case <-tick.C:
				drawProgress(w, n, a.Progress())
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// barWidth is the width of the moving bar: how long a script takes is not
// known before its end.
const barWidth = 20

func drawProgress(w io.Writer, n int, p app.Progress) {
	bar := []byte(strings.Repeat(".", barWidth))
	for i := range 4 {
		bar[(n+i)%barWidth] = '#'
	}
	line := strings.Join(strings.Fields(p.Current), " ")
	if len(line) > 60 {
		line = line[:60]
	}
	fmt.Fprintf(w, "\r\x1b[K[%s] %5.1fs %d tables  %s", bar, p.Took.Seconds(), len(p.Lines), line)
}

func printTables(w io.Writer, m *model.Model) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "TABLE\tROWS\tFIELDS")
	for _, t := range m.Tables {
		fmt.Fprintf(tw, "%s\t%d\t%s\n", t.Name, t.Rows, strings.Join(t.FieldNames(), ", "))
	}
	return tw.Flush()
}

// evalCmd evaluates expressions against a script's data or an app.
type evalCmd struct {
	scriptFlags
	Script string            `help:"Load script to evaluate against." type:"existingfile" xor:"what" required:""`
	App    string            `help:"App to evaluate against, by id or title." xor:"what" required:""`
	Apps   string            `help:"Folder of the apps." default:"apps" type:"path"`
	Select map[string]string `help:"Selection FIELD=SEARCH made before, e.g. Year='>2020'." placeholder:"FIELD=SEARCH"`
	Exprs  []string          `arg:"" name:"expression" help:"Expressions; each prints one line."`
}

// Run prints the values of expressions.
func (c *evalCmd) Run(ctx context.Context, log *slog.Logger) error {
	s, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer s.Close()
	for field, match := range c.Select {
		f := s.FieldOf(field)
		if f == nil {
			return fmt.Errorf("no field %q", field)
		}
		codes, err := s.Search(ctx, f, "", match)
		if err != nil {
			return err
		}
		ok, err := s.Select(f, codes, session.Pick{})
		if err != nil {
			return fmt.Errorf("select %s=%s: %w", field, match, err)
		}
		if !ok {
			return fmt.Errorf("no value of %s matches %s", field, match)
		}
	}
	for _, e := range c.Exprs {
		text, err := s.Context("").Text(ctx, e)
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		fmt.Println(text)
	}
	return nil
}

func (c *evalCmd) open(ctx context.Context, log *slog.Logger) (*session.Session, error) {
	if c.Script != "" {
		lib, err := c.library(c.Script, log)
		if err != nil {
			return nil, err
		}
		return loadScript(ctx, lib, c.Script, log)
	}
	lib, err := app.NewLibrary(app.Options{Dir: c.Apps, Folders: c.Folder, Log: log})
	if err != nil {
		return nil, err
	}
	s := session.New("cli", "", lib, log)
	if _, err := s.OpenDoc(c.App); err != nil {
		s.Close()
		return nil, err
	}
	s.Begin()
	return s, nil
}
