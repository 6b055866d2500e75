package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/script"
)

// folderType is the type of connections that name a folder.
const folderType = "folder"

// Reload runs the load script and, if it succeeds, exchanges the data. The
// former data serves until then, and stays after a failure: ok = false, the
// reasons are in [App.Progress]. It blocks; one reload of an app runs at a
// time.
func (a *App) Reload(ctx context.Context, user string) (ok bool, err error) {
	return a.ReloadWith(ctx, Reloading{User: user})
}

// Reloading is how an app is reloaded.
type Reloading struct {
	User string // for the script
	ID   string // by which whoever reloads knows the progress for his
	// Partial runs only the loads with ADD or REPLACE; the tables of others stay.
	// The error is [access.ErrDenied] if section access hides any of them from
	// Identity.
	Partial bool
	// Identity is who section access lets take data of this app and of others; nil
	// takes everything.
	Identity *access.User
	// Connections are what the script may load from, beside those of the app
	// unless [Options.SiteConnections] says that those do not count.
	Connections []Connection
	// Log gets the script log: each statement, what came of it, and the end, a
	// line each with its time. What it cannot write is left out. nil = none.
	Log io.Writer
}

// ReloadWith is Reload with more to say.
func (a *App) ReloadWith(ctx context.Context, r Reloading) (ok bool, err error) {
	if !a.reloading.TryLock() {
		return false, fmt.Errorf("%w: %s", ErrReloading, a.ID)
	}
	defer a.reloading.Unlock()
	var kept *script.Kept
	if r.Partial {
		if kept, err = a.keptFor(r.Identity); err != nil {
			return false, err
		}
	}
	a.progress.start(r.ID, a.now())
	defer func() { a.progress.finish(a.now()) }()
	if r.Log == nil {
		r.Log = io.Discard
	}
	sl := scriptLog{to: r.Log, now: a.now}
	sl.begin(a)
	defer func() { sl.end(ok, a.Progress().Errors) }()

	within, cancel := a.lib.within(ctx)
	defer cancel()
	res, err := script.Run(within, a.Script(), a.scriptOptions(&r, &sl, kept))
	if err == nil {
		err = a.take(res)
	}
	if err == nil {
		if !r.Partial { // others are of loads that did not run
			a.dropBuffers(res.Buffers)
		}
	}
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		a.progress.fail(ScriptError{Message: "the reload was cancelled"})
		return false, ctx.Err()
	case within.Err() != nil:
		err = context.Cause(within)
	}
	a.progress.fail(scriptError(err))
	return false, nil
}

// within bounds the time of a reload.
func (l *Library) within(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := l.Limits().ReloadTime
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("the script took longer than %v, which is the limit for reloads", limit))
}

// bufferFolder is the folder of the files that BUFFER loads keep.
const bufferFolder = "buffers"

// dropBuffers removes the buffers of the app that its script does not use any
// more. One that cannot be removed takes room, and does no other harm.
func (a *App) dropBuffers(used []string) {
	if a.lib.opt.Dir == "" || a.Session {
		return
	}
	dir := filepath.Join(a.lib.opt.Dir, bufferFolder)
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		if strings.HasPrefix(f.Name(), a.ID+"_") && !slices.Contains(used, f.Name()) {
			_ = os.Remove(filepath.Join(dir, f.Name()))
		}
	}
}

func scriptError(err error) ScriptError {
	var e *script.Error
	if errors.As(err, &e) {
		return ScriptError{Message: e.Error(), Statement: e.Statement, Line: e.Line, Col: e.Col}
	}
	return ScriptError{Message: err.Error()}
}

func (a *App) scriptOptions(r *Reloading, sl *scriptLog, kept *script.Kept) script.Options {
	o := script.Options{
		Now: a.now, User: r.User, AppName: a.Title(), AppID: a.ID, ReloadTime: a.Loaded(),
		Kept: kept, MayTake: mayTake(r.Identity), Folders: maps.Clone(a.lib.opt.Folders), BaseDir: a.lib.opt.BaseDir, Progress: func(e script.Event) { a.onScript(e); sl.event(e) }, Keys: a.lib.keys(),
	}
	limits := a.lib.Limits()
	o.Limits.MaxBytes = limits.MemoryMax
	if limits.ReloadBytes > 0 && (limits.MemoryMax <= 0 || limits.ReloadBytes < limits.MemoryMax) {
		o.Limits.MaxBytes = limits.ReloadBytes
	}
	if a.lib.opt.SealQVDs && a.lib.opt.Keys != nil {
		o.SealFor = a.lib.opt.Keys.Recipients()
	}
	if a.lib.opt.Dir != "" && !a.Session {
		o.BufferDir = filepath.Join(a.lib.opt.Dir, bufferFolder)
	}
	if o.Folders == nil {
		o.Folders = map[string]string{}
	}
	connections := r.Connections
	if !a.lib.opt.SiteConnections {
		connections = append(a.Connections(), connections...)
	}
	for _, c := range connections {
		if strings.EqualFold(c.Type, folderType) {
			o.Folders[c.Name] = c.String
		}
	}
	return o
}

// kept returns the tables as scripts have loaded them.
func (d *Data) kept() *script.Kept {
	k := &script.Kept{Tables: d.Model.SourceTables()}
	if d.access != nil {
		k.Access = d.access.Tables()
	}
	return k
}

// onScript keeps the progress of the running script as lines.
func (a *App) onScript(e script.Event) {
	switch e.Kind {
	case script.StatementStarted:
		a.progress.current(strings.TrimSpace(e.Text))
	case script.RowsLoaded:
		a.progress.current(fetched(e))
	case script.TableFinished:
		a.progress.line(fetched(e))
	case script.Traced:
		a.progress.line(e.Text)
	case script.ErrorIgnored:
		a.progress.fail(ScriptError{Message: e.Text, Line: e.Line})
	}
}

// fetched tells of rows of a table.
func fetched(e script.Event) string {
	line := fmt.Sprintf("%s << %d Lines fetched", e.Table, e.Rows)
	if e.Text != "" {
		line += " (" + e.Text + ")"
	}
	return line
}

// take makes the result of a script the app's data.
func (a *App) take(res *script.Result) error {
	a.progress.current("Linking tables")
	d, err := a.lib.link(res.Catalog, res.Access, res.Locale)
	if err != nil {
		return err
	}
	if err := a.takeVariables(res.Variables); err != nil {
		return err
	}
	a.data.Store(d)
	a.mu.Lock()
	a.loaded = a.now()
	a.mu.Unlock()
	a.touch()
	for _, w := range d.Model.Warnings {
		a.progress.line(w)
	}
	a.publish(Event{Kind: Reloaded})
	a.lib.Relieve()
	if d.rows() >= freeRows {
		debug.FreeOSMemory() // loading takes several times what serving needs
	}
	return nil
}

// freeRows is from how many rows on memory is given back after a reload: it
// costs a collection that all sessions feel (50 ms with next to no data).
const freeRows = 1 << 20

func (d *Data) rows() (n int) {
	for _, t := range d.Model.Tables {
		n += t.Rows
	}
	return n
}

// takeVariables stores what the script has set. A variable of the script that
// the script does not set any more stays with its last value.
func (a *App) takeVariables(vars []script.Variable) error {
	for _, v := range vars {
		it := a.Items.Variable(v.Name)
		if it == nil {
			fresh, err := object.NewItem(object.Variable, tree.NewObject(
				member("qInfo", tree.NewObject(member("qId", tree.NewString("")), member("qType", tree.NewString("variable")))),
				member("qName", tree.NewString(v.Name))), NewID, a.now())
			if err != nil {
				return err
			}
			fresh.FromScript = true
			if err := a.Items.Add(fresh); err != nil {
				return err
			}
			it = fresh
		}
		_, err := a.Items.Update(it.ID, func(it *object.Item) (*object.Item, error) {
			it, err := it.WithProps(it.Props.With("qDefinition", tree.NewString(textOf(v))), a.now())
			if err == nil && v.Value.HasNum() {
				it = it.WithNumber(v.Value.Num)
			}
			return it, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// textOf returns the text of a variable; scripts leave every value with one.
func textOf(v script.Variable) string { return number.Default().Text(v.Value) }
