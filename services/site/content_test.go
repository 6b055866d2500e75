package site

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

const (
	asService = `INTERNAL\sa_api`
	asAnn     = `DOM\ann`
	asBob     = `DOM\bob`
)

// withPeople is a node that ann and bob have logged in at.
func withPeople(t *testing.T, dir string, db *store.Store) *node {
	t.Helper()
	n := newNode(t, dir, db)
	for _, name := range []string{"ann", "bob"} {
		if _, _, err := n.repo.LogIn(t.Context(), &repository.Caller{Directory: "DOM", ID: name}, ""); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// send sends a body of any type and returns the answer, its body read.
func (n *node) send(who, method, path, contentType string, body []byte, header ...string) (*http.Response, string) {
	n.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	r, err := http.NewRequestWithContext(n.t.Context(), method, n.url+path+sep+"xrfkey="+key, bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("X-Qlik-Xrfkey", key)
	r.Header.Set("Test-Caller", who)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return a, string(text)
}

// status sends a request that has to have a status.
func (n *node) status(who, method, path string, body string, want int) string {
	n.t.Helper()
	a, text := n.send(who, method, path, "application/octet-stream", []byte(body))
	if a.StatusCode != want {
		n.t.Fatalf("%s %s by %s: %d %s, want %d", method, path, who, a.StatusCode, text, want)
	}
	return text
}

func (n *node) contentFiles(kind string) (names []string) {
	n.t.Helper()
	files, err := os.ReadDir(filepath.Join(n.dir, "StaticContent", kind))
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestContentLibraries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) { testContentLibraries(t, withPeople(t, t.TempDir(), db)) })
}

func testContentLibraries(t *testing.T, n *node) {
	// The default library is there: everybody reads it, administrators fill it.
	at := n.status(asService, "POST", "/qrs/contentlibrary/Default/uploadfile?externalpath=logo.PNG", "png", 201)
	if at != `"/content/Default/logo.PNG"` {
		t.Errorf("uploaded to %s", at)
	}
	n.status(asAnn, "POST", "/qrs/contentlibrary/Default/uploadfile?externalpath=mine.png", "x", 403)
	a, text := n.send(asBob, "GET", "/content/default/LOGO.png", "", nil)
	if a.StatusCode != 200 || text != "png" || a.Header.Get("Content-Type") != "image/png" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("bob gets %d %q %v", a.StatusCode, text, a.Header)
	}
	tag := a.Header.Get("ETag")
	if a, _ := n.send(asBob, "GET", "/content/Default/logo.PNG", "", nil, "If-None-Match", tag); a.StatusCode != 304 {
		t.Errorf("asked again: %d", a.StatusCode)
	}
	for _, tt := range []struct {
		asked, ifRange string
		status         int
		content, where string
	}{
		{"bytes=1-", "", 206, "ng", "bytes 1-2/3"},
		{"bytes=-1", tag, 206, "g", "bytes 2-2/3"},
		{"bytes=0-0", `"another version"`, 200, "png", ""},
		{"bytes=0-0,2-2", "", 200, "png", ""},
		{"bytes=3-", "", 416, "", "bytes */3"},
	} {
		header := []string{"Range", tt.asked}
		if tt.ifRange != "" {
			header = append(header, "If-Range", tt.ifRange)
		}
		a, text := n.send(asBob, "GET", "/content/Default/logo.png", "", nil, header...)
		if a.StatusCode != tt.status || text != tt.content || a.Header.Get("Content-Range") != tt.where {
			t.Errorf("%s: %d %q %q", tt.asked, a.StatusCode, text, a.Header.Get("Content-Range"))
		}
	}
	if a, text := n.send(asBob, "HEAD", "/content/Default/logo.PNG", "", nil); a.StatusCode != 200 || text != "" || a.ContentLength != 3 {
		t.Errorf("HEAD: %d %q %d", a.StatusCode, text, a.ContentLength)
	}

	// Ann's own is hers.
	lib := n.entity(asService, "POST", "/qrs/contentlibrary", []byte(`{"name":"Ann's pictures"}`), 201)
	ann := n.list(asService, "/qrs/user/full?filter=userId+eq+'ann'")[0]
	n.entity(asService, "PUT", "/qrs/contentlibrary/"+lib["id"].(string), []byte(fmt.Sprintf(`{"owner":{"id":%q}}`, ann["id"])), 200)
	const base = "/qrs/contentlibrary/Ann's%20pictures"
	n.status(asAnn, "POST", base+"/uploadfile?externalpath=a/b/drawing.svg", "<svg/>", 201)
	n.status(asAnn, "POST", base+"/uploadfile?externalpath=a%5Cb%5CDRAWING.svg", "<svg/>", 400) // the same
	a, _ = n.send(asAnn, "GET", "/content/Ann's%20pictures/a/b/drawing.svg", "", nil)
	if got := a.Header.Get("Content-Security-Policy"); a.StatusCode != 200 || !strings.HasPrefix(got, "sandbox;") {
		t.Errorf("an SVG that may run scripts: %d %q", a.StatusCode, got)
	}
	n.status(asBob, "GET", "/content/Ann's%20pictures/a/b/drawing.svg", "", 404)
	n.status(asBob, "POST", base+"/uploadfile?externalpath=x.png", "x", 404)
	n.status(asAnn, "POST", base+"/uploadfile?externalpath=a/b/drawing.svg&overwrite=true", "<svg>2</svg>", 201)
	if got := n.status(asAnn, "GET", "/content/Ann's%20pictures/a/b/drawing.svg", "", 200); got != "<svg>2</svg>" {
		t.Errorf("overwritten: %s", got)
	}
	var enumerated []map[string]string
	if err := json.Unmarshal([]byte(n.status(asAnn, "GET", "/qrs/staticcontent/enumeratefiles?path=/content/Ann's%20pictures/a", "", 200)), &enumerated); err != nil {
		t.Fatal(err)
	}
	if len(enumerated) != 1 || enumerated[0]["path"] != "/content/Ann's pictures/a/b/drawing.svg" {
		t.Errorf("enumerated: %v", enumerated)
	}
	full := n.entity(asAnn, "GET", "/qrs/contentlibrary/"+lib["id"].(string), nil, 200)
	refs := full["references"].([]any)
	if len(refs) != 1 || refs[0].(map[string]any)["externalPath"] != "/content/Ann's pictures/a/b/drawing.svg" {
		t.Fatalf("references: %v", refs)
	}

	for _, bad := range []struct {
		path   string
		status int
	}{
		{"..%2F..%2Fsite.png", 400},
		{"%2E%2E/x.png", 400},
		{"a//b.png", 400},
		{"x.exe", 400},
		{"x.png.", 400},
		{"noextension", 400},
		{"a%00.png", 400},
		{"C:x.png", 400},
		{strings.Repeat("a/", 20) + "x.png", 400},
		{"", 400},
		{strings.Repeat("a", 300) + ".png", 400},
	} {
		n.status(asAnn, "POST", base+"/uploadfile?externalpath="+bad.path, "x", bad.status)
	}
	for _, name := range []string{"default", "a/b", "..", "", "a\x07"} {
		body, _ := json.Marshal(map[string]string{"name": name})
		n.do(asService, "POST", "/qrs/contentlibrary", body, 400)
	}

	// A PUT of the whole entity, with an old list of files, loses none; a new
	// name moves them.
	n.entity(asService, "PUT", "/qrs/contentlibrary/"+lib["id"].(string), []byte(`{"name":"Pictures","references":[]}`), 200)
	n.status(asAnn, "GET", "/content/Ann's%20pictures/a/b/drawing.svg", "", 404)
	n.status(asAnn, "GET", "/content/Pictures/a/b/drawing.svg", "", 200)
	n.status(asAnn, "POST", "/qrs/contentlibrary/pictures/uploadfile?externalpath=second.png", "2", 201)
	if got := n.contentFiles("Content"); len(got) != 3 {
		t.Errorf("files: %v", got)
	}
	n.status(asBob, "DELETE", "/qrs/contentlibrary/Pictures/deletecontent?externalpath=second.png", "", 404)
	n.status(asAnn, "DELETE", "/qrs/contentlibrary/Pictures/deletecontent?externalpath=second.png", "", 204)
	n.status(asAnn, "DELETE", "/qrs/contentlibrary/Pictures/deletecontent?externalpath=second.png", "", 404)
	n.do(asAnn, "DELETE", "/qrs/contentlibrary/"+lib["id"].(string), nil, 204)
	n.status(asAnn, "GET", "/content/Pictures/a/b/drawing.svg", "", 404)
	if got := n.contentFiles("Content"); len(got) != 1 {
		t.Errorf("after all was deleted: %v", got)
	}
}

// TestContentForms uploads as browsers do, in a form.
func TestContentForms(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		n := withPeople(t, t.TempDir(), db)
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		_ = form.WriteField("comment", "no file")
		part, err := form.CreateFormFile("file", "x.png")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(bytes.Repeat([]byte("p"), 500<<10))
		_ = form.Close()
		upload := func(who, name string, body []byte) int {
			a, text := n.send(who, "POST", "/qrs/contentlibrary/Default/uploadfile?externalpath="+name, form.FormDataContentType(), body)
			t.Log(a.StatusCode, text)
			return a.StatusCode
		}
		if got := upload(asService, "form.png", body.Bytes()); got != 201 {
			t.Errorf("a form: %d", got)
		}
		if got := n.status(asAnn, "GET", "/content/Default/form.png", "", 200); len(got) != 500<<10 {
			t.Errorf("%d bytes came", len(got))
		}
		if got := upload(asService, "cut.png", body.Bytes()[:100<<10]); got != 400 {
			t.Errorf("a form that is cut off: %d", got)
		}
		if got := upload(asAnn, "ann.png", body.Bytes()); got != 403 {
			t.Errorf("without the right: %d", got)
		}
		if got := n.contentFiles("Content"); len(got) != 1 {
			t.Errorf("files: %v", got)
		}
	})
}

// TestContentAfterCrash leaves files as a process does that dies between a row
// and its file: the next start ends what was begun, or takes it back.
func TestContentAfterCrash(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		dir := t.TempDir()
		n := withPeople(t, dir, db)
		path := map[string]string{}
		for _, name := range []string{"settled", "revived"} {
			n.status(asService, "POST", "/qrs/contentlibrary/Default/uploadfile?externalpath="+name+".png", name, 201)
			row := n.list(asService, "/qrs/staticcontentreference/full?filter=fileName+eq+'"+name+".png'")[0]
			path[name] = filepath.Join(dir, row["dataLocation"].(string))
			path[name+" version"] = path[name] + "." + row["blobId"].(string) + ".new"
		}
		for _, err := range []error{
			os.Rename(path["settled"], path["settled version"]),
			os.Rename(path["revived"], path["revived"]+".gone"),
			os.WriteFile(path["revived"]+".6f9619ff-8b86-d011-b42d-00c04fc964ff.new", []byte("not committed"), 0o600),
			os.WriteFile(filepath.Join(dir, "StaticContent", "Extensions", "upload-1.zip.tmp"), []byte("not read"), 0o600),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		n = newNode(t, dir, db)
		for _, name := range []string{"settled", "revived"} {
			if got := n.status(asAnn, "GET", "/content/Default/"+name+".png", "", 200); got != name {
				t.Errorf("%s holds %q", name, got)
			}
		}
		if a, b := n.contentFiles("Content"), n.contentFiles("Extensions"); len(a) != 2 || len(b) != 0 {
			t.Errorf("left: %v, %v", a, b)
		}
	})
}

// TestContentRace has many upload to one library, and one file, at the same
// time: all rows are there, and the last file is the last row's.
func TestContentRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		n := withPeople(t, t.TempDir(), db)
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				n.send(asService, "POST", fmt.Sprintf("/qrs/contentlibrary/Default/uploadfile?externalpath=%d.png", i), "image/png", []byte("x"))
				n.send(asService, "POST", "/qrs/contentlibrary/Default/uploadfile?overwrite=true&externalpath=same.png", "image/png", bytes.Repeat([]byte("s"), i+1))
			})
		}
		wg.Wait()
		lib := n.list(asService, "/qrs/contentlibrary/full")[0]
		if got := len(lib["references"].([]any)); got != 13 {
			t.Errorf("%d files in the library, want 13", got)
		}
		row := n.list(asService, "/qrs/staticcontentreference/full?filter=fileName+eq+'same.png'")[0]
		if got := n.status(asAnn, "GET", "/content/Default/same.png", "", 200); float64(len(got)) != row["size"] {
			t.Errorf("the row says %v bytes, the file has %d", row["size"], len(got))
		}
	})
}

func TestAppContent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) { testAppContent(t, withPeople(t, t.TempDir(), db)) })
}

func testAppContent(t *testing.T, n *node) {
	app := n.entity(asAnn, "POST", "/qrs/app/upload?name=Sales", appFile(t, "x"), 201)["id"].(string)
	n.status(asBob, "POST", "/qrs/appcontent/"+app+"/uploadfile?externalpath=x.png", "x", 404)
	at := n.status(asAnn, "POST", "/qrs/appcontent/"+app+"/uploadfile?externalpath=x.png", "12345", 201)
	if at != `"/appcontent/`+app+`/x.png"` {
		t.Errorf("uploaded to %s", at)
	}
	n.status(asAnn, "POST", "/qrs/appcontent/"+app+"/uploadfile?externalpath=x.js", "x", 400)
	n.status(asAnn, "GET", "/appcontent/"+app+"/x.png", "", 200)
	n.status(asBob, "GET", "/appcontent/"+app+"/x.png", "", 404)
	left := func() float64 {
		return n.list(asAnn, "/qrs/app/content/full?filter=app.id+eq+"+app)[0]["remainingLibrarySpace"].(float64)
	}
	if got := left(); got != 200<<20-5 {
		t.Errorf("%v bytes are left", got)
	}
	quota := n.list(asService, "/qrs/appcontentquota/full")[0]["id"].(string)
	n.entity(asService, "PUT", "/qrs/appcontentquota/"+quota, []byte(`{"maxFileSize":8,"maxLibrarySize":12}`), 200)
	n.status(asAnn, "POST", "/qrs/appcontent/"+app+"/uploadfile?externalpath=y.png", "123456789", 413)
	n.status(asAnn, "POST", "/qrs/appcontent/"+app+"/uploadfile?externalpath=y.png", "12345678", 400)
	n.status(asAnn, "POST", "/qrs/appcontent/"+app+"/uploadfile?externalpath=y.png", "1234567", 201)
	n.status(asAnn, "POST", "/qrs/appcontent/"+app+"/uploadfile?externalpath=x.png&overwrite=true", "54321", 201)
	if got := left(); got != 0 {
		t.Errorf("%v bytes are left, want none", got)
	}
	n.status(asAnn, "DELETE", "/qrs/appcontent/"+app+"/deletecontent?externalpath=y.png", "", 204)
	if got := left(); got != 7 {
		t.Errorf("%v bytes are left, want 7", got)
	}

	// In a published app they are read by those who may read it.
	n.entity(asAnn, "PUT", fmt.Sprintf("/qrs/app/%s/publish?stream=%s", app, rules.EveryoneStreamID), nil, 200)
	n.status(asBob, "GET", "/appcontent/"+app+"/x.png", "", 200)
	n.status(asBob, "DELETE", "/qrs/appcontent/"+app+"/deletecontent?externalpath=x.png", "", 403)
	copied := n.entity(asAnn, "POST", "/qrs/app/"+app+"/copy", nil, 201)["id"].(string)
	if got := n.status(asAnn, "GET", "/appcontent/"+copied+"/x.png", "", 200); got != "54321" {
		t.Errorf("the copy's file: %q", got)
	}
	n.entity(asService, "GET", "/qrs/app/content/"+app+"/fileextensionwhitelist", nil, 200)
	for _, id := range []string{app, copied} {
		n.do(asService, "DELETE", "/qrs/app/"+id, nil, 204)
	}
	if got := n.contentFiles("AppContent"); len(got) != 0 {
		t.Errorf("files of deleted apps: %v", got)
	}
}

// zipOf makes an archive of names and texts, in their order.
func zipOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestExtensions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) { testExtensions(t, withPeople(t, t.TempDir(), db)) })
}

func testExtensions(t *testing.T, n *node) {
	const qext = `{"name":"Gauge","type":"visualization","version":"1.0"}`
	upload := func(who, query string, archive []byte, want int) (made []map[string]any) {
		t.Helper()
		a, text := n.send(who, "POST", "/qrs/extension/upload"+query, "application/x-zip-compressed", archive)
		if a.StatusCode != want {
			t.Fatalf("%d %s, want %d", a.StatusCode, text, want)
		}
		_ = json.Unmarshal([]byte(text), &made)
		return made
	}
	archive := zipOf(t, "my-gauge/my-gauge.qext", qext, "my-gauge/my-gauge.js", "define([])", "my-gauge/lib/", "", "my-gauge/lib/x.css", "a{}", "my-gauge/LICENSE", "MIT", "__MACOSX/._x", "x")
	upload(asAnn, "", archive, 403)
	made := upload(asService, "", archive, 201)
	if len(made) != 1 || made[0]["name"] != "my-gauge" || len(made[0]["references"].([]any)) != 4 {
		t.Fatalf("made: %v", made)
	}
	upload(asService, "", archive, 400) // it is there
	a, text := n.send(`NONE\anonymous1`, "GET", "/extensions/My-Gauge/my-gauge.js", "", nil)
	if a.StatusCode != 200 || text != "define([])" || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/javascript") || a.Header.Get("Content-Security-Policy") != "" {
		t.Errorf("anonymous: %d %q %v", a.StatusCode, text, a.Header)
	}
	n.status(asAnn, "GET", "/extensions/my-gauge/lib/x.css", "", 200)
	if said := n.entity(asAnn, "GET", "/qrs/extension/schema", nil, 200); said["my-gauge"].(map[string]any)["name"] != "Gauge" {
		t.Errorf("schema: %v", said)
	}
	again := upload(asService, "?replace=true", zipOf(t, "my-gauge.qext", qext, "my-gauge.js", "2"), 201)
	if again[0]["id"] != made[0]["id"] || len(again[0]["references"].([]any)) != 2 || len(n.contentFiles("Extensions")) != 2 {
		t.Errorf("replaced: %v, files %v", again, n.contentFiles("Extensions"))
	}
	n.status(asAnn, "GET", "/extensions/my-gauge/lib/x.css", "", 404)
	if two := upload(asService, "", zipOf(t, "a/a.qext", qext, "a/a.js", "1", "b/b.qext", qext, "b/sub/b.js", "1"), 201); len(two) != 2 {
		t.Errorf("two in one: %v", two)
	}
	for name, bad := range map[string][]byte{
		"no ZIP":            []byte("no zip"),
		"no description":    zipOf(t, "x.js", "1"),
		"a path out of it":  zipOf(t, "x.qext", qext, "../../x.js", "1"),
		"an absolute path":  zipOf(t, "x.qext", qext, "/etc/x.js", "1"),
		"a path of Windows": zipOf(t, "x.qext", qext, `..\x.js`, "1"),
		"twice the same":    zipOf(t, "x.qext", qext, "x.js", "1", "X.js", "2"),
		"not on the list":   zipOf(t, "x.qext", qext, "x.exe", "1"),
		"no JSON":           zipOf(t, "x.qext", "{"),
		"damaged":           damaged(t),
	} {
		if a, text := n.send(asService, "POST", "/qrs/extension/upload", "application/zip", bad); a.StatusCode != 400 {
			t.Errorf("%s: %d %s", name, a.StatusCode, text)
		}
	}
	n.status(asService, "POST", "/qrs/extension/name/renamed", string(zipOf(t, "x.qext", qext)), 201)
	n.status(asAnn, "GET", "/extensions/renamed/x.qext", "", 200)
	n.status(asAnn, "DELETE", "/qrs/extension/name/renamed", "", 403)
	for _, name := range []string{"renamed", "a", "b", "my-gauge"} {
		n.status(asService, "DELETE", "/qrs/extension/name/"+name, "", 204)
	}
	if got := n.contentFiles("Extensions"); len(got) != 0 {
		t.Errorf("files of deleted extensions: %v", got)
	}
}

// damaged is an archive in which a byte has another value than it was packed
// with.
func damaged(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{"x.qext": "{}", "x.js": "some text"} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(b.Bytes(), []byte("some text"), []byte("some tex7"), 1)
}

// An archive that would fill the disk is refused, and leaves nothing.
func TestExtensionBomb(t *testing.T) {
	n := withPeople(t, t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite)))
	bomb := zipOf(t, "x.qext", "{}", "x.js", strings.Repeat("\x00", 513<<20))
	if a, text := n.send(asService, "POST", "/qrs/extension/upload", "application/zip", bomb); a.StatusCode != 413 {
		t.Errorf("a bomb of %d bytes: %d %s", len(bomb), a.StatusCode, text)
	}
	if got := n.contentFiles("Extensions"); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

// all sends a request whose answer is a list.
func (n *node) all(who, path string) (list []map[string]any) {
	n.t.Helper()
	if err := json.Unmarshal(n.do(who, "GET", path, nil, 200), &list); err != nil {
		n.t.Fatalf("%s: %v", path, err)
	}
	return list
}

// list is all of what is not to be empty.
func (n *node) list(who, path string) []map[string]any {
	n.t.Helper()
	list := n.all(who, path)
	if len(list) == 0 {
		n.t.Fatalf("%s: nothing", path)
	}
	return list
}

// TestContentBehindProxy takes a file through the proxy in and out.
func TestContentBehindProxy(t *testing.T) {
	s := start(t, t.TempDir())
	admin := s.visitor(t)
	admin.logIn("admin", s.password)
	status, made := admin.ask("POST", "qrs/app/upload?name=Sales", appFile(t, "x"))
	var app struct{ ID string }
	if err := json.Unmarshal(made, &app); err != nil || status != 201 {
		t.Fatal(status, err)
	}
	picture := bytes.Repeat([]byte("png "), 1<<20)
	if status, text := admin.ask("POST", "qrs/appcontent/"+app.ID+"/uploadfile?externalpath=a/b.png", picture); status != 201 {
		t.Fatalf("upload: %d %s", status, text)
	}
	a, err := admin.Get(s.URL() + "appcontent/" + app.ID + "/a/b.png")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	if got, _ := io.ReadAll(a.Body); a.StatusCode != 200 || !bytes.Equal(got, picture) || a.Header.Get("Content-Type") != "image/png" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d, %d bytes, %v", a.StatusCode, len(got), a.Header)
	}
	for _, path := range []string{"content/Default/none.png", "appcontent/" + app.ID + "/..%2f..%2fsite.key", "extensions/none/x.js", "sharedcontent/x/y"} {
		if status, text := admin.ask("GET", path, nil); status != 404 && status != 400 {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	stranger := s.visitor(t)
	if _, text := stranger.ask("GET", "appcontent/"+app.ID+"/a/b.png", nil); bytes.HasPrefix(text, []byte("png")) {
		t.Error("a stranger reads it")
	}
}

// Clients of the engine see the libraries that the rules let them read, and the
// files of the app.
func TestLibrariesOfTheEngine(t *testing.T) {
	n := withPeople(t, t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite)))
	ann, bob := n.user("ann"), n.user("bob")
	id, err := ann.session.CreateApp("A")
	if err != nil {
		t.Fatal(err)
	}
	n.status(asService, "POST", "/qrs/contentlibrary/Default/uploadfile?externalpath=logo.png", "png", 201)
	lib := n.entity(asService, "POST", "/qrs/contentlibrary", []byte(`{"name":"Ann's"}`), 201)
	owner := n.list(asService, "/qrs/user/full?filter=userId+eq+'ann'")[0]
	n.entity(asService, "PUT", "/qrs/contentlibrary/"+lib["id"].(string), fmt.Appendf(nil, `{"owner":{"id":%q}}`, owner["id"]), 200)
	n.status(asAnn, "POST", "/qrs/contentlibrary/Ann's/uploadfile?externalpath=b.png", "png", 201)
	n.status(asAnn, "POST", "/qrs/contentlibrary/Ann's/uploadfile?externalpath=a.png", "png", 201)
	n.status(asAnn, "POST", "/qrs/appcontent/"+id+"/uploadfile?externalpath=own.png", "png", 201)
	n.do(`DOM\ann`, "PUT", fmt.Sprintf("/qrs/app/%s/publish?stream=%s", id, rules.EveryoneStreamID), nil, 200)
	for _, tt := range []struct {
		of        *user
		libraries string
		media     string
	}{
		{ann, id + " true, Ann's false, Default false", "/appcontent/" + id + "/own.png /content/Ann's/a.png /content/Ann's/b.png /content/Default/logo.png"},
		{bob, id + " true, Default false", "/appcontent/" + id + "/own.png /content/Default/logo.png"},
	} {
		doc := tt.of.do(-1, "OpenDoc", fmt.Sprintf("[%q]", id)).At("/qReturn/qHandle").Int()
		var names, urls []string
		for _, l := range items(tt.of.do(doc, "GetContentLibraries", "[]")) {
			names = append(names, fmt.Sprint(l.Get("qName").Str(), " ", l.Get("qAppSpecific").Truth()))
			for _, f := range items(tt.of.do(doc, "GetLibraryContent", fmt.Sprintf("[%q]", strings.ToUpper(l.Get("qName").Str())))) {
				urls = append(urls, f.Get("qUrl").Str())
			}
		}
		if got := strings.Join(names, ", "); got != tt.libraries {
			t.Errorf("libraries %s, want %s", got, tt.libraries)
		}
		if got := strings.Join(urls, " "); got != tt.media {
			t.Errorf("files %s, want %s", got, tt.media)
		}
		list := tt.of.do(doc, "CreateSessionObject", `[{"qInfo":{"qType":"media"},"qMediaListDef":{}}]`).At("/qReturn/qHandle").Int()
		if got := tt.of.do(list, "GetLayout", "[]").At("/qLayout/qMediaList/qItems").Len(); got != len(urls) {
			t.Errorf("%d media, want %d", got, len(urls))
		}
		if e := tt.of.ask(doc, "GetLibraryContent", `["nowhere"]`).Get("error"); e.Get("code").Int() == 0 {
			t.Error("a library that is not there has files")
		}
	}
}

// items are those of the list that an answer has.
func items(answer *tree.Node) (out []*tree.Node) {
	list := answer.At("/qList/qItems")
	for i := range list.Len() {
		out = append(out, list.Item(i))
	}
	return out
}
