package app

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/qvf"
)

// kills is how often TestKill kills a process; make kill does it 300 times.
var kills = flag.Int("kills", 25, "how often TestKill kills a process that saves")

// killFolder is the variable that makes a test binary the process to be
// killed: the folder of its app.
const killFolder = "COGNATE_TEST_KILL_FOLDER"

// killObjects is the variable that makes it save objects alone: then the bytes
// that nobody refers to grow until a save copies the file without them.
const killObjects = "COGNATE_TEST_KILL_OBJECTS"

// killID is the app of that process.
const killID = "killed"

// A generation says what an app holds: the version of its data, its script and
// its object.
type generation struct{ data, script, object int }

// killRows is the number of rows of a version of the data, different each
// time.
func killRows(version int) int { return 40_000 + version%17*1000 }

func killScript(version int) string {
	return fmt.Sprintf("// version %d\nSales: LOAD %d AS Version, RecNo() AS ID, RecNo()*RecNo()-%d AS Square AUTOGENERATE %d;", version, version, version, killRows(version))
}

// killObject is the object of a version, large and random: a dozen of them
// outgrow the file.
func killObject(version int) *tree.Node {
	pad := make([]byte, 600<<10)
	rng := rand.New(rand.NewPCG(uint64(version), 1))
	for i := range pad {
		pad[i] = 'a' + byte(rng.Uint32N(26))
	}
	return tree.MustParse(fmt.Sprintf(`{"qInfo":{"qId":"object","qType":"sheet"},"version":%d,"pad":%q}`, version, pad))
}

// TestKillChild is no test of its own: TestKill starts it as another process.
// It saves generation after generation, and tells before each save what the
// file is to hold, and after it that it does.
func TestKillChild(t *testing.T) {
	dir := os.Getenv(killFolder)
	if dir == "" {
		t.Skip("for TestKill, which starts this test as another process")
	}
	a, err := newTestLibrary(t, dir).Open(killID)
	if err != nil {
		t.Fatal(err)
	}
	g, err := generationOf(a)
	if err != nil {
		t.Fatal(err)
	}
	save := func(how func() error) {
		fmt.Printf("saving %d %d %d\n", g.data, g.script, g.object)
		if err := how(); err != nil {
			fmt.Println("error", err)
			t.Fatal(err)
		}
		fmt.Printf("saved %d %d %d\n", g.data, g.script, g.object)
	}
	edit := func() {
		g.object++
		if _, err := a.SetItem("object", killObject(g.object)); err != nil {
			t.Fatal(err)
		}
	}
	for os.Getenv(killObjects) != "" { // until killed
		edit()
		save(a.SaveDocument)
	}
	for { // until killed
		edit()
		g.script++
		a.SetScript(killScript(g.script))
		if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
			t.Fatalf("reload: %v, %+v", err, a.Progress().Errors)
		}
		save(a.SaveDocument) // the data in the file stay as they are
		g.data = g.script
		save(a.Save)
		edit()
		save(a.Save) // the data have not changed: objects alone
	}
}

// generationOf returns what an app holds, if each part is whole.
func generationOf(a *App) (g generation, err error) {
	if _, err := fmt.Sscanf(a.Script(), "// version %d\n", &g.script); err != nil || a.Script() != killScript(g.script) {
		return g, fmt.Errorf("script %.60q", a.Script())
	}
	it := a.Items.Get("object")
	if it == nil {
		return g, errors.New("the object is gone")
	}
	g.object = it.Props.Get("version").Int()
	if it.Props.Get("pad").Str() != killObject(g.object).Get("pad").Str() {
		return g, fmt.Errorf("the object is not that of version %d", g.object)
	}
	m := a.Data().Model
	if len(m.Tables) != 1 || m.Tables[0].Name != "Sales" || len(m.Fields) != 3 || m.Field("Version").Symbols.Len() != 1 {
		return g, fmt.Errorf("%d tables, %d fields", len(m.Tables), len(m.Fields))
	}
	t := m.Tables[0]
	g.data = int(m.Field("Version").Symbols.Number(1))
	if t.Rows != killRows(g.data) {
		return g, fmt.Errorf("%d rows, version %d has %d", t.Rows, g.data, killRows(g.data))
	}
	for row := range t.Rows {
		for _, c := range t.Columns {
			id, want := float64(row+1), 0.0
			switch c.Field.Name {
			case "Version":
				want = float64(g.data)
			case "ID":
				want = id
			case "Square":
				want = id*id - float64(g.data)
			}
			if got := c.Field.Symbols.Number(c.Code(row)); got != want {
				return g, fmt.Errorf("%s of row %d is %v, want %v", c.Field.Name, row, got, want)
			}
		}
	}
	return g, m.Catalog.Damage()
}

// TestKill kills a process that saves an app, at a random moment, again and
// again. Each time the app opens, and is as the last save left it that ended,
// or as the one made it that was under way.
//
// What the machine's end would do to the disk this cannot tell: the system
// keeps what a killed process has written.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	first := killedApp(t, dir)
	var between, before, after, leftovers int
	for i := range *kills {
		// Of the steps a process takes one is drawn, and a moment in it.
		k := kill{steps: 1 + rng.IntN(12), while: time.Duration(rng.Int64N(int64(40 * time.Millisecond))), objects: i%10 >= 5}
		saved, under := k.run(t, dir, first)
		now := reopen(t, dir)
		switch {
		case now == saved && now == under:
			between++
		case now == under:
			after++
		case now == saved:
			before++
		default:
			t.Fatalf("kill %d: the app has %+v; saved was %+v, and then %+v was being saved", i, now, saved, under)
		}
		first = now
		leftovers = len(temporary(t, dir))
	}
	t.Logf("%d kills: %d between saves; in a save, %d times as before it and %d as after it; %d temporary files are left", *kills, between, before, after, leftovers)
	newTestLibrary(t, dir)
	if n := len(temporary(t, dir)); n != leftovers {
		t.Errorf("%d of %d temporary files are left: one of them may be somebody's who is saving", n, leftovers)
	}
	if _, err := NewLibrary(Options{Dir: dir, Now: func() time.Time { return time.Now().Add(2 * leftoverAge) }}); err != nil {
		t.Fatal(err)
	}
	if left := temporary(t, dir); len(left) > 0 {
		t.Errorf("%v are left after two hours", left)
	}
	if now := reopen(t, dir); now != first {
		t.Errorf("the app has %+v, had %+v", now, first)
	}
}

// killedApp makes the app of the process to be killed.
func killedApp(t *testing.T, dir string) generation {
	t.Helper()
	l := newTestLibrary(t, dir)
	a := l.newApp(killID, "Killed", false)
	a.SetScript(killScript(1))
	if _, err := a.Create(object.Generic, killObject(1), "", nil); err != nil {
		t.Fatal(err)
	}
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatal(err, a.Progress().Errors)
	}
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	return generation{1, 1, 1}
}

// A kill ends a process a while after a number of its steps.
type kill struct {
	steps   int
	while   time.Duration
	objects bool // the process saves objects alone
}

// run starts a process that saves, and kills it. It returns the generation
// that was saved last, and the one whose save had begun.
func (k kill) run(t *testing.T, dir string, first generation) (saved, under generation) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillChild$", "-test.v=false")
	cmd.Env = append(os.Environ(), killFolder+"="+dir)
	if k.objects {
		cmd.Env = append(cmd.Env, killObjects+"=1")
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	saved, under = first, first
	in := bufio.NewReader(out)
	for n := 0; ; n++ {
		if n == k.steps {
			time.AfterFunc(k.while, func() { _ = cmd.Process.Kill() })
		}
		line, err := in.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var g generation
		var what string
		if _, err := fmt.Sscanf(line, "%s %d %d %d", &what, &g.data, &g.script, &g.object); err != nil {
			rest, _ := io.ReadAll(in)
			t.Fatalf("the process says %s%s%s", line, rest, stderr.String())
		}
		if under = g; what == "saved" {
			saved = g
		}
	}
	if err := cmd.Wait(); cmd.ProcessState.Exited() {
		t.Fatalf("the process ended by itself: %v, %s", err, stderr.String())
	}
	return saved, under
}

// reopen opens the app in a new library, checks all of its file, and returns
// what it holds.
func reopen(t *testing.T, dir string) generation {
	t.Helper()
	l := newTestLibrary(t, dir)
	entries, err := l.List()
	if err != nil || len(entries) != 1 || entries[0].Title != "Killed" {
		t.Fatalf("list of apps %+v, %v", entries, err)
	}
	a, err := l.Open(killID)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(a)
	g, err := generationOf(a)
	if err != nil {
		t.Fatal(err)
	}
	f, err := qvf.OpenFile(filepath.Join(dir, killID+fileSuffix), qvf.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Verify(); err != nil {
		t.Fatal(err)
	}
	return g
}

// temporary returns the files of the folder that are no apps.
func temporary(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), fileSuffix) {
			names = append(names, f.Name())
		}
	}
	return names
}

// Only what safefile has left, and long ago, is removed.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, bufferFolder, "d.qvf.1.tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, old := range map[string]bool{
		"a.qvf.123.tmp": true, filepath.Join(bufferFolder, "b_1.qvd.9.tmp"): true, "a.qvf": false, "a.tmp": false,
		"a.qvf.x.tmp": false, "a.qvf.tmp": false, "a.qvf.1.tmp.qvf": false, "c.txt.1.tmp": false,
	} {
		path := filepath.Join(dir, name)
		for _, age := range []time.Duration{0, 2 * leftoverAge} {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
				t.Fatal(err)
			}
			newTestLibrary(t, dir)
			if _, err := os.Stat(path); (err == nil) != (!old || age == 0) {
				t.Errorf("%s of age %v: %v", name, age, err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, bufferFolder, "d.qvf.1.tmp")); err != nil {
		t.Error("a folder is gone")
	}
}
