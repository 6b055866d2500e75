package script

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A buffer stands in for its source until the statement changes, or it is too
// old, or its file is gone.
func TestBuffer(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	o := Options{Folders: map[string]string{"data": dir}, BufferDir: filepath.Join(dir, "buffers"), AppID: "app", Now: func() time.Time { return now }}
	csv := filepath.Join(dir, "a.csv")
	run := func(script, want, why string) {
		t.Helper()
		res, err := Run(t.Context(), script, o)
		if err != nil {
			t.Fatalf("%s: %v", why, err)
		}
		if got := dump(res, res.Catalog); got != want {
			t.Errorf("%s: got %s, want %s", why, got, want)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(csv, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const plain = "T: BUFFER LOAD a, a*2 as b FROM [lib://data/a.csv] (txt);"
	const stale = "T: BUFFER (STALE AFTER 7 DAYS) LOAD a FROM [lib://data/a.csv] (txt);"
	const grown = "T: BUFFER (INCREMENTAL) LOAD a, Upper(s) as s FROM [lib://data/a.csv] (txt) WHERE a <> 3;"
	write("a,s\n1,x\n2,y\n")
	run(plain, "T(a,b): 1,2 | 2,4", "made")
	run(stale, "T(a): 1 | 2", "made")
	run(grown, "T(a,s): 1,X | 2,Y", "made")
	write("a,s\n1,x\n2,y\n3,z\n4,u\n")
	run(plain, "T(a,b): 1,2 | 2,4", "the file is not looked at")
	run(stale, "T(a): 1 | 2", "not stale yet")
	run(grown, "T(a,s): 1,X | 2,Y | 4,U", "what was added is read, by the same rules")
	run("T: BUFFER LOAD a FROM [lib://data/a.csv] (txt);", "T(a): 1 | 2 | 3 | 4", "another statement is another buffer")
	run("T: LOAD 9 as a AUTOGENERATE 1; CONCATENATE "+stale[3:], "T(a): 9 | 1 | 2", "a buffer behind other rows")
	now = now.Add(8 * 24 * time.Hour)
	run(stale, "T(a): 1 | 2 | 3 | 4", "stale")
	write("a,s\n7,q\n")
	run(grown, "T(a,s): 7,Q", "a file that shrank is read anew")
	write("a,s\n7,q")
	run(grown, "T(a,s): 7,Q", "the same")
	write("a,s\n7,qq\n8,r\n")
	run(grown, "T(a,s): 7,QQ | 8,R", "a last line that was not complete is read again")
	for _, bad := range []string{"BUFFER (STALE AFTER x) LOAD 1 AUTOGENERATE 1;", "BUFFER (FOO) LOAD 1 AUTOGENERATE 1;", "BUFFER (INCREMENTAL) LOAD 1 as x AUTOGENERATE 1;"} {
		if _, err := Run(t.Context(), bad, o); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}
