package site

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/appfiles"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// killed is the variable that makes this program a process which is killed
// while it works on apps: what it does is its value, as JSON.
const killed = "COGNATE_KILLED_SITE"

// A victim is such a process.
type victim struct {
	Dir         string
	Driver, DSN string
	SiteKey     []byte
	KillAt      int // it ends itself at the step with this number; 0 = it is ended
}

// An event is what a victim tells before and after each operation.
type event struct {
	Done bool
	Op   string
	App  appState // after it; before it, of what is known
}

// An appState is what there has to be of an app.
type appState struct {
	ID, Version, Mark string // Mark is in the script
	Published, Loaded bool
	Gone              bool
}

// A tale is what a victim has told.
type tale struct {
	done  []event
	under *event // begun and not told to be done
	ended bool   // it has come to its end
}

// The folder of a site in this test, with two files of apps.
type killSite struct {
	t   *testing.T
	dir string
	cfg store.Config
	db  *store.Store
}

// TestKill: a process that uploads, copies, publishes, replaces, reloads and
// deletes apps is killed between any two steps, and at random moments. When the
// site is opened again, every row has its file and every file its row, and
// nothing is lost that was told to be done.
func TestKill(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		k := &killSite{t: t, dir: t.TempDir(), cfg: cfg, db: storetest.Open(t, cfg)}
		for _, mark := range []string{"one", "two"} {
			if err := os.WriteFile(k.file(mark), markedApp(t, mark), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		k.open().Close() // the first entities
		steps := 0
		for {
			told := k.run(victim{KillAt: steps + 1}, 0)
			k.check(told, fmt.Sprintf("killed at step %d", steps+1))
			if told.ended {
				break
			}
			steps++
		}
		if steps < 30 {
			t.Errorf("only %d steps", steps)
		}
		t.Logf("killed at each of %d steps", steps)
		rng := rand.New(rand.NewPCG(4, 2))
		for range 8 {
			while := time.Duration(rng.IntN(300)) * time.Millisecond
			k.check(k.run(victim{}, while), fmt.Sprint("killed after ", while))
		}
	})
}

func (k *killSite) file(mark string) string { return filepath.Join(k.dir, mark+".qvf") }

func killScript(mark string) string { return "T: LOAD '" + mark + "' AS m AUTOGENERATE 10;" }

// markedApp returns the file of an app with a mark in its script.
func markedApp(t *testing.T, mark string) []byte {
	t.Helper()
	dir := t.TempDir()
	lib, err := app.NewLibrary(app.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	id, err := lib.Create(mark)
	if err != nil {
		t.Fatal(err)
	}
	a, err := lib.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer lib.Close(a)
	a.SetScript(killScript(mark))
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, id+".qvf"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// openKilled opens what a victim works on. step is called between steps.
func openKilled(ctx context.Context, dir string, db *store.Store, step func()) (*repository.Repository, *app.Library, error) {
	apps := filepath.Join(dir, "Apps")
	files, err := appfiles.Open(apps)
	if err != nil {
		return nil, nil, err
	}
	files.OnStep(step)
	lib, err := app.NewLibrary(app.Options{Dir: apps})
	if err != nil {
		return nil, nil, err
	}
	repo, err := repository.Open(ctx, repository.Options{Store: db, Files: files, Engine: stepping{NewApps(lib), step}})
	return repo, lib, err
}

// stepping is an engine with steps before and after what it does.
type stepping struct {
	*Apps
	step func()
}

func (s stepping) Prepare(path, id string, p repository.Preparation) (repository.AppInfo, error) {
	info, err := s.Apps.Prepare(path, id, p)
	s.step()
	return info, err
}

func (s stepping) Reload(ctx context.Context, id string, r repository.Reloading) error {
	s.step()
	err := s.Apps.Reload(ctx, id, r)
	s.step()
	return err
}

// open opens the site in this process, which mends what was left unfinished.
func (k *killSite) open() *repository.Repository {
	k.t.Helper()
	repo, _, err := openKilled(k.t.Context(), k.dir, k.db, func() {})
	if err != nil {
		k.t.Fatal(err)
	}
	return repo
}

// run runs a victim to its end, at the latest after a while, if there is one.
func (k *killSite) run(v victim, while time.Duration) (told tale) {
	k.t.Helper()
	v.Dir, v.Driver, v.DSN, v.SiteKey = k.dir, k.cfg.Driver, k.cfg.DSN, k.cfg.SiteKey
	job, err := json.Marshal(v)
	if err != nil {
		k.t.Fatal(err)
	}
	cmd := exec.CommandContext(k.t.Context(), os.Args[0], "-test.run=^TestKillVictim$")
	cmd.Env = append(os.Environ(), killed+"="+string(job))
	out, err := cmd.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			k.t.Fatal(err)
		}
		told.hear(k.t, line)
		if while > 0 && len(told.done) == 0 && told.under != nil { // from its first operation on
			time.AfterFunc(while, func() { _ = cmd.Process.Kill() })
			while = 0
		}
	}
	if err := cmd.Wait(); !told.ended && (err == nil || cmd.ProcessState.Exited()) {
		k.t.Fatalf("the process ended by itself: %v, %s", err, stderr.String())
	}
	return told
}

func (told *tale) hear(t *testing.T, line string) {
	t.Helper()
	if line == "end\n" {
		told.ended = true
	}
	if !strings.HasPrefix(line, "{") {
		return // of the test's own
	}
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("the process says %s: %v", line, err)
	}
	if told.under = &e; e.Done {
		told.done, told.under = append(told.done, e), nil
	}
}

// check opens the site, holds it against what was told, and deletes what is
// left.
func (k *killSite) check(told tale, when string) {
	k.t.Helper()
	known := map[string]appState{}
	for _, e := range told.done {
		known[e.App.ID] = e.App
	}
	repo, lib, err := openKilled(k.t.Context(), k.dir, k.db, func() {})
	if err != nil {
		k.t.Fatalf("%s: %v", when, err)
	}
	defer repo.Close()
	rows, err := k.db.List(k.t.Context(), "App", store.Query{})
	if err != nil {
		k.t.Fatal(err)
	}
	files := []string{}
	for _, row := range rows {
		files = append(files, row.ID+".qvf")
		want, has := known[row.ID]
		k.checkApp(lib, row, want, has, told.under, when)
	}
	for id, want := range known {
		there := slices.ContainsFunc(rows, func(row *store.Entity) bool { return row.ID == id })
		deleting := told.under != nil && told.under.Op == "delete" && told.under.App.ID == id
		if !there && !want.Gone && !deleting {
			k.t.Errorf("%s: app %s is lost", when, id)
		}
	}
	k.checkFolder(files, when)
	for _, row := range rows {
		by := repository.Service("api")
		if err := repo.DeleteApp(k.t.Context(), &by, row.ID); err != nil {
			k.t.Fatalf("%s: delete what is left: %v", when, err)
		}
	}
}

// saving matches what a save of the engine leaves when it is killed. It goes an
// hour later: another engine may be saving into the folder just now.
var saving = regexp.MustCompile(`\.qvf\.[0-9]+\.tmp$`)

// checkFolder looks whether files are exactly those of the rows.
func (k *killSite) checkFolder(want []string, when string) {
	k.t.Helper()
	found, err := os.ReadDir(filepath.Join(k.dir, "Apps"))
	if err != nil {
		k.t.Fatal(err)
	}
	names := []string{}
	for _, f := range found {
		if !f.IsDir() && !saving.MatchString(f.Name()) {
			names = append(names, f.Name())
		}
	}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		strange := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(want, name) })
		missing := slices.DeleteFunc(want, func(name string) bool { return slices.Contains(names, name) })
		k.t.Errorf("%s: files without a row %q, rows without a file %q", when, strange, missing)
	}
}

// checkApp holds one app against what was told of it, or may have become of it
// by an operation that was under way.
func (k *killSite) checkApp(lib *app.Library, row *store.Entity, want appState, known bool, under *event, when string) {
	k.t.Helper()
	got := stateOf(row.Doc, row.ID)
	a, err := lib.Open(row.ID)
	if err != nil {
		k.t.Errorf("%s: app %s: %v", when, row.ID, err)
		return
	}
	got.Mark = strings.TrimSuffix(strings.TrimPrefix(a.Script(), "T: LOAD '"), "' AS m AUTOGENERATE 10;")
	lib.Close(a)
	allowed := []appState{want}
	switch {
	case !known && under != nil && (under.Op == "upload" || under.Op == "copy"):
		made := got
		made.Mark, made.Published, made.Loaded = under.App.Mark, false, false
		allowed = []appState{made}
	case !known:
		k.t.Errorf("%s: app %s comes from nowhere", when, row.ID)
	case under != nil && under.App.ID == row.ID && under.Op == "replace":
		made := got
		made.Mark = under.App.Mark
		if got.Version != want.Version { // then it is the other file
			allowed = append(allowed, made)
		}
	case under != nil && under.App.ID == row.ID:
		made := want
		made.Published, made.Loaded = under.App.Published, under.App.Loaded
		allowed = append(allowed, made)
	}
	if !slices.Contains(allowed, got) {
		k.t.Errorf("%s: app is %+v, want one of %+v", when, got, allowed)
	}
}

// stateOf reads what a row or an answer says of an app.
func stateOf(doc map[string]any, id string) appState {
	published, _ := doc["published"].(bool)
	version, _ := doc["migrationHash"].(string)
	loaded, _ := doc["lastReloadTime"].(string)
	return appState{ID: id, Version: version, Published: published, Loaded: loaded != "" && !strings.HasPrefix(loaded, "1753")}
}

// TestKillVictim is the process that is killed, and no test of its own.
func TestKillVictim(t *testing.T) {
	job := os.Getenv(killed)
	if job == "" {
		t.Skip("it is started by TestKill")
	}
	var v victim
	if err := json.Unmarshal([]byte(job), &v); err != nil {
		t.Fatal(err)
	}
	if err := v.work(t.Context()); err != nil {
		t.Fatal(err)
	}
	fmt.Println("end")
}

// work does everything once; one who is killed by others goes on and on.
func (v *victim) work(ctx context.Context) (err error) {
	steps := 0
	step := func() {
		if steps++; steps != v.KillAt {
			return
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {} // until it has come
	}
	db, err := store.Open(ctx, store.Config{
		Driver: v.Driver, DSN: v.DSN, SiteKey: v.SiteKey, Clock: func() time.Time { step(); return time.Now() }, // within transactions
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	repo, _, err := openKilled(ctx, v.Dir, db, step)
	if err != nil {
		return err
	}
	defer repo.Close()
	w := &worker{v: v, repo: repo, by: repository.Service("api")}
	for {
		if err := w.round(ctx); err != nil || v.KillAt > 0 {
			return err
		}
	}
}

// A worker does a victim's work.
type worker struct {
	v    *victim
	repo *repository.Repository
	by   repository.Caller
}

// say tells of an operation, in one write.
func say(e event) {
	line, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", line)
}

// do tells before and after an operation that answers with a row.
func (w *worker) do(op string, before appState, f func() (map[string]any, error)) (appState, error) {
	say(event{Op: op, App: before})
	doc, err := f()
	if err != nil {
		return appState{}, fmt.Errorf("%s: %w", op, err)
	}
	id, _ := doc["id"].(string)
	after := stateOf(doc, id)
	after.Mark = before.Mark
	say(event{Done: true, Op: op, App: after})
	return after, nil
}

func (w *worker) round(ctx context.Context) error {
	upload := func(mark string) (appState, error) {
		return w.do("upload", appState{Mark: mark}, func() (map[string]any, error) {
			file, err := os.Open(filepath.Join(w.v.Dir, mark+".qvf"))
			if err != nil {
				return nil, err
			}
			defer file.Close()
			return w.repo.Upload(ctx, &w.by, file, repository.AppImport{Name: "app", KeepData: true})
		})
	}
	first, err := upload("one")
	if err != nil {
		return err
	}
	second, err := w.do("copy", appState{Mark: "one"}, func() (map[string]any, error) { return w.repo.Copy(ctx, &w.by, first.ID, "copy", false) })
	if err != nil {
		return err
	}
	published := second
	published.Published = true
	if second, err = w.do("publish", published, func() (map[string]any, error) {
		return w.repo.Publish(ctx, &w.by, second.ID, rules.EveryoneStreamID, "")
	}); err != nil {
		return err
	}
	third, err := upload("two")
	if err != nil {
		return err
	}
	replaced := first
	replaced.Mark = "two"
	if first, err = w.do("replace", replaced, func() (map[string]any, error) { return w.repo.ReplaceApp(ctx, &w.by, third.ID, first.ID) }); err != nil {
		return err
	}
	loaded := first
	loaded.Loaded = true
	if _, err := w.do("reload", loaded, func() (map[string]any, error) {
		if err := w.repo.Reload(ctx, &w.by, first.ID, false, nil); err != nil {
			return nil, err
		}
		return w.repo.Get(ctx, &w.by, w.repo.Schema().Type("App"), first.ID, false)
	}); err != nil {
		return err
	}
	for _, a := range []appState{third, second, first} {
		if err := w.delete(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) delete(ctx context.Context, a appState) error {
	say(event{Op: "delete", App: a})
	if err := w.repo.DeleteApp(ctx, &w.by, a.ID); err != nil {
		return err
	}
	a.Gone = true
	say(event{Done: true, Op: "delete", App: a})
	return nil
}
