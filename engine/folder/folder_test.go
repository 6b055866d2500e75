package folder

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/qvf"
)

const script = "///$tab Main\r\nSET DateFormat='YYYY-MM-DD';\r\n" + `
A: LOAD * INLINE [
x, y, "Am/ount"
1, a, 10
2, b, 20.50];
B: LOAD x, y, Date(45000+x) as d INLINE [
x, y
1, a
3, c];
[T/1]: LOAD Null() as n, 'é' as e AUTOGENERATE 2;
SECTION ACCESS;
LOAD * INLINE [
ACCESS,USERID
ADMIN,ME
];
SECTION APPLICATION;
LET v = 7;`

func sample(t *testing.T) (*app.Library, *app.App) {
	t.Helper()
	l, err := app.NewLibrary(app.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	id, err := l.Create("Sälés")
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	a.SetScript(script)
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatal(ok, err, a.Progress().Errors)
	}
	for kind, props := range map[object.Kind]string{
		object.Generic: `{"qInfo":{"qId":"sheet/1","qType":"sheet"},"qMetaDef":{"title":"<One>"}}`, object.Measure: `{"qInfo":{"qId":"m","qType":"measure"}}`,
		object.Dimension: `{"qInfo":{"qId":".d","qType":"dimension"}}`, object.Bookmark: `{"qInfo":{"qId":"b","qType":"bookmark"}}`,
		object.Variable: `{"qInfo":{"qId":"v1","qType":"variable"},"qName":"w","qDefinition":"=1"}`,
	} {
		if _, err := a.Create(kind, tree.MustParse(props), "", nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Create(object.Generic, tree.MustParse(`{"qInfo":{"qId":"chart","qType":"table"}}`), "sheet/1", nil); err != nil {
		t.Fatal(err)
	}
	if err := a.AddState("Compare"); err != nil {
		t.Fatal(err)
	}
	return l, a
}

// files returns the files below a folder with their content.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// An app written as a folder and read back is the same app, and written again
// the same folder.
func TestRoundTrip(t *testing.T) {
	for _, format := range []string{QVD, Parquet} {
		l, a := sample(t)
		if format == Parquet {
			a.SetScript(strings.ReplaceAll(strings.ReplaceAll(script, "\r\n", "\n"), "\n", "\r\n"))
		}
		dir := filepath.Join(t.TempDir(), "app")
		if err := Write(t.Context(), dir, a, format); err != nil {
			t.Fatal(err)
		}
		first := files(t, dir)
		var names []string
		for name := range first {
			names = append(names, name)
		}
		slices.Sort(names)
		want := "access/INLFED.F app.json bookmarks/b.json data/A.F data/B.F data/T%2F1.F dimensions/%.d.json measures/m.json objects/sheet%2F1.json script.qvs variables.json"
		if got := strings.Join(names, " "); got != strings.ReplaceAll(want, ".F", "."+format) {
			t.Errorf("files %s", got)
		}
		c, err := Read(t.Context(), dir, number.Default().Text)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(l.Options().Dir, "copy.qvf")
		if err := qvf.Save(path, c, qvf.SaveOptions{}); err != nil {
			t.Fatal(err)
		}
		b, err := l.Open("copy")
		if err != nil {
			t.Fatal(err)
		}
		if b.Script() != a.Script() || b.Title() != a.Title() || len(b.States()) != 1 || b.Items.Get("chart").Parent != "sheet/1" || b.Data().Rules == nil {
			t.Errorf("read back: %q, %v, rules %v", b.Title(), b.States(), b.Data().Rules)
		}
		if got, want := show(b), show(a); got != want {
			t.Errorf("%s: data\n%s\nwant\n%s", format, got, want)
		}
		again := filepath.Join(t.TempDir(), "again")
		if err := Write(t.Context(), again, b, format); err != nil {
			t.Fatal(err)
		}
		for name, content := range files(t, again) {
			if content != first[name] {
				t.Errorf("%s differs when it is written again:\n%.2000s\n%.2000s", name, content, first[name])
			}
		}
	}
}

// show returns all tables as text.
func show(a *app.App) string {
	var b strings.Builder
	d := a.Data()
	for _, t := range d.Model.Tables {
		fmt.Fprintf(&b, "%s:", t.Name)
		for _, c := range d.Columns(t, false) {
			fmt.Fprintf(&b, " %s", c.Field.Name)
			for _, v := range c.Values(0, t.Rows) {
				fmt.Fprintf(&b, " %q", d.Locale.Text(v))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestRefusals(t *testing.T) {
	_, a := sample(t)
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "thesis.tex"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(t.Context(), other, a, QVD); err == nil {
		t.Error("wrote into a folder of somebody else's files")
	}
	dir := t.TempDir()
	if err := Write(t.Context(), dir, a, QVD); err != nil {
		t.Fatal(err)
	}
	good := files(t, dir)
	for _, tt := range []struct{ file, from, to, want string }{
		{"app.json", `"file": "data/A.qvd"`, `"file": "../A.qvd"`, "outside"},
		{"app.json", `"version": 1,`, `"version": 9,`, "version 9"},
		{"app.json", `"name": "B"`, `"name": "A"`, "twice"},
		{"app.json", `{`, ``, "app.json"},
		{"objects/sheet%2F1.json", `{`, `[`, "objects/sheet%2F1.json"},
		{"data/A.qvd", "QvdTableHeader", "QvdTable", "A.qvd"},
	} {
		if err := os.WriteFile(filepath.Join(dir, tt.file), []byte(strings.ReplaceAll(good[tt.file], tt.from, tt.to)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(t.Context(), dir, number.Default().Text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s with %s: %v, want %q", tt.file, tt.to, err, tt.want)
		}
		if err := os.WriteFile(filepath.Join(dir, tt.file), []byte(good[tt.file]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Writing again removes what is gone, and nothing else.
	if err := os.WriteFile(filepath.Join(dir, "README"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !a.Destroy(object.Measure, "m") {
		t.Fatal("no measure")
	}
	if err := Write(t.Context(), dir, a, None); err != nil {
		t.Fatal(err)
	}
	got := files(t, dir)
	_, measure := got["measures/m.json"]
	_, table := got["data/A.qvd"]
	if _, readme := got["README"]; measure || table || !readme {
		t.Errorf("measure %v, table %v, README %v", measure, table, readme)
	}
}
