package site

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
)

// TestDisk fills the disk of the apps, and makes it read-only: whoever saves or
// uploads is told why, what was saved before stays as it is and is served, and
// saving works again as soon as there is room.
func TestDisk(t *testing.T) {
	dir := t.TempDir()
	apps := filepath.Join(dir, "Apps")
	if err := os.Mkdir(apps, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", apps, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("a small disk cannot be made here (it takes root): %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(apps, syscall.MNT_DETACH) })
	var said keptLog
	s := run(t, Options{Dir: dir, Roles: Roles{Proxy: true, Engine: true, Scheduler: true}, Log: said.logger()})
	admin := s.visitor(t)
	if status, path := admin.logIn("admin", s.password); status != 200 || path != "/hub/" {
		t.Fatalf("log-in: %d at %s", status, path)
	}
	file := appFile(t, "x")
	status, made := admin.ask("POST", "qrs/app/upload?name=Sales", file)
	var sales struct{ ID string }
	if err := json.Unmarshal(made, &sales); status != 201 || err != nil {
		t.Fatalf("upload: %d %s", status, made)
	}
	user, err := admin.talk("/app/" + sales.ID)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method string, params ...any) reply {
		t.Helper()
		handle := 1
		if method == "OpenDoc" {
			handle = -1
		}
		r, err := user.ask(handle, method, params...)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		return r
	}
	if r := ask("OpenDoc", sales.ID); r.Error != nil {
		t.Fatalf("open: %+v", r.Error)
	}
	path := filepath.Join(apps, sales.ID+".qvf")
	saved, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(why string) {
		t.Helper()
		if r := ask("CreateObject", map[string]any{"qInfo": map[string]string{"qId": why, "qType": "x"}, "text": strings.Repeat(why, 20_000)}); r.Error != nil {
			t.Errorf("%s: an object in memory: %+v", why, r.Error)
		}
		if r := ask("DoSave"); r.Error == nil {
			t.Errorf("%s: the client believes that it is saved", why)
		} else if !strings.Contains(r.Error.Parameter, "save again") || strings.Contains(r.Error.Parameter, dir) {
			t.Errorf("%s: the client is told %q, %q", why, r.Error.Message, r.Error.Parameter)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(now, saved) {
			t.Errorf("%s: the saved app is another: %d bytes of %d, %v", why, len(now), len(saved), err)
		}
		if a := open(t, apps, sales.ID); a.Items.Get(why) != nil || a.Script() == "" {
			t.Errorf("%s: the file does not hold what was saved before", why)
		}
		if status, text := admin.ask("POST", "qrs/app/upload?name=More", append(bytes.Clone(file), make([]byte, 1<<20)...)); status != 507 {
			t.Errorf("%s: upload: %d %s", why, status, text)
		}
		if r := ask("EvaluateEx", "Sum(x)"); r.Error != nil || !bytes.Contains(r.Result, []byte("5050")) {
			t.Errorf("%s: an open app: %+v", why, r)
		}
		if !said.contains("level=WARN", "no space left") && !said.contains("level=WARN", "read-only") {
			t.Errorf("%s: nothing of it in the log", why)
		}
	}

	filler := filepath.Join(apps, "filler")
	fill(t, filler)
	refused("full")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", apps, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Logf("read-only is left out: %v", err) // somebody writes there
	} else {
		refused("read-only")
		if err := syscall.Mount("", apps, "", syscall.MS_REMOUNT, "size=4m"); err != nil {
			t.Fatal(err)
		}
	}

	if r := ask("DoSave"); r.Error != nil {
		t.Fatalf("there is room again: %+v", r.Error)
	}
	left, err := os.ReadDir(apps)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if strings.HasSuffix(e.Name(), ".tmp") {
			t.Errorf("%s is left", e.Name())
		}
	}
	if open(t, apps, sales.ID).Items.Get("full") == nil {
		t.Error("what could not be saved before is not there")
	}
}

// open reads an app as another process would.
func open(t *testing.T, apps, id string) *app.App {
	t.Helper()
	lib, err := app.NewLibrary(app.Options{Dir: apps})
	if err != nil {
		t.Fatal(err)
	}
	a, err := lib.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lib.Close(a) })
	return a
}

// fill writes until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	// Files that were replaced take room until the collector has let go of their
	// mappings.
	for range 3 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond) // cleanups run beside
		for size := 1 << 16; size > 0; {
			if _, err := f.Write(make([]byte, size)); err != nil {
				size /= 2
			}
		}
	}
}
