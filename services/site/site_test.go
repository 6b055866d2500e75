package site

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/cognate-bi/cognate/services/web"
)

// A running is a site in a test, with the password of its administrator.
type running struct {
	*Site
	dir, password string
	roots         *x509.CertPool
	stop          context.CancelFunc
}

// start runs a site in a folder until the end of the test.
func start(t *testing.T, dir string) *running {
	t.Helper()
	return run(t, Options{Dir: dir, Roles: Roles{Proxy: true, Engine: true, Scheduler: true}})
}

// run runs a node on free ports until the end of the test, or its own.
func run(t *testing.T, o Options) *running {
	t.Helper()
	r := &running{dir: o.Dir}
	ready := make(chan *Site, 1)
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	ended := make(chan error, 1)
	o.Listen, o.Rest, o.Repository, o.Page = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", web.Handler()
	o.FirstPassword = func(_, password string) { r.password = password }
	o.Ready = func(s *Site) { ready <- s }
	go func() { ended <- Run(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the site ended with: %v", err)
		}
	})
	select {
	case r.Site = <-ready:
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	root, err := os.ReadFile(filepath.Join(o.Dir, "Certificates", "root.pem"))
	if err != nil {
		t.Fatal(err)
	}
	r.roots = x509.NewCertPool()
	r.roots.AppendCertsFromPEM(root)
	return r
}

// A visitor is a browser without pages.
type visitor struct {
	t    *testing.T
	site *running
	http.Client
}

func (r *running) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, r, http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: r.roots}}}}
}

var hidden = regexp.MustCompile(`(?:name="([^"]+)"[^>]*value="([^"]*)"|action="([^"]+)")`)

// logIn fills in the form that the site leads to, and returns the status and
// where that leads.
func (v *visitor) logIn(user, password string) (int, string) {
	v.t.Helper()
	page, err := v.Get(v.site.URL() + "hub/")
	if err != nil {
		v.t.Fatal(err)
	}
	body, err := io.ReadAll(page.Body)
	_ = page.Body.Close()
	if err != nil || page.StatusCode != 200 && page.StatusCode != 401 {
		v.t.Fatal(page.StatusCode, err)
	}
	form, action := url.Values{}, page.Request.URL.String()
	for _, m := range hidden.FindAllStringSubmatch(string(body), -1) {
		if m[3] != "" {
			at, err := page.Request.URL.Parse(strings.ReplaceAll(m[3], "&amp;", "&"))
			if err != nil {
				v.t.Fatal(err)
			}
			action = at.String()
			continue
		}
		form.Set(m[1], m[2])
	}
	names := regexp.MustCompile(`<input[^>]*name="([^"]+)"`).FindAllStringSubmatch(string(body), -1)
	for _, n := range names {
		switch {
		case strings.Contains(strings.ToLower(n[1]), "pass") || strings.Contains(strings.ToLower(n[1]), "pwd"):
			form.Set(n[1], password)
		case form.Get(n[1]) == "":
			form.Set(n[1], user)
		}
	}
	answer, err := v.PostForm(action, form)
	if err != nil {
		v.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode, answer.Request.URL.Path
}

// ask sends a request to the repository through the proxy.
func (v *visitor) ask(method, path string, body []byte) (int, []byte) {
	v.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.site.URL()+path+sep+"xrfkey="+key, bytes.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("X-Qlik-Xrfkey", key)
	r.Header.Set("X-Qlik-User", `UserDirectory=INTERNAL; UserId=sa_api`) // nobody is what he says
	if body != nil {
		r.Header.Set("Content-Type", "application/vnd.qlik.sense.app")
	}
	a, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return a.StatusCode, text
}

// socket opens a socket of the engine through the proxy with the visitor's
// session and sends a request; it returns the answer.
func (v *visitor) socket(path, request string) (string, error) {
	v.t.Helper()
	at, err := url.Parse(v.site.URL())
	if err != nil {
		v.t.Fatal(err)
	}
	header := http.Header{"Origin": {strings.TrimSuffix(v.site.URL(), "/")}}
	for _, c := range v.Jar.Cookies(at) {
		header.Add("Cookie", c.String())
	}
	d := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: v.site.roots}}
	ws, answer, err := d.DialContext(v.t.Context(), "wss://"+at.Host+path, header)
	if answer != nil && answer.Body != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = ws.Close() }()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(request)); err != nil {
		return "", err
	}
	for {
		_ = ws.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, text, err := ws.ReadMessage()
		if err != nil {
			return "", err
		}
		if bytes.Contains(text, []byte(`"id":7`)) {
			return string(text), nil
		}
	}
}

// TestSite starts a site on an empty folder, logs in as its administrator, works,
// and starts it again.
func TestSite(t *testing.T) {
	dir := t.TempDir()
	t.Run("first start", func(t *testing.T) {
		s := start(t, dir)
		if len(s.password) < 20 {
			t.Fatalf("the first password is %q", s.password)
		}
		stranger := s.visitor(t)
		if _, text := stranger.ask("GET", "qrs/app", nil); bytes.HasPrefix(text, []byte("[")) {
			t.Error("a stranger reads the apps")
		}
		if _, err := stranger.socket("/app/engineData", `{}`); err == nil {
			t.Error("a stranger reaches the engine")
		}
		if status, path := stranger.logIn("admin", "wrong"); path == "/hub/" && status == 200 {
			t.Error("a wrong password is good enough")
		}
		admin := s.visitor(t)
		if status, path := admin.logIn("admin", s.password); status != 200 || path != "/hub/" {
			t.Fatalf("after the log-in: %d at %s", status, path)
		}
		status, made := admin.ask("POST", "qrs/app/upload?name=Sales", appFile(t, "x"))
		if status != 201 {
			t.Fatalf("upload: %d %s", status, made)
		}
		var app struct {
			ID    string
			Owner struct{ UserID, UserDirectory string }
		}
		if err := json.Unmarshal(made, &app); err != nil {
			t.Fatal(err)
		}
		if app.Owner.UserID != "admin" || app.Owner.UserDirectory != LocalDirectory {
			t.Errorf("the owner is %+v", app.Owner)
		}
		got, err := admin.socket("/app/engineData", `{"jsonrpc":"2.0","id":7,"handle":-1,"method":"GetDocList","params":[]}`)
		if err != nil || !strings.Contains(got, `"Sales"`) {
			t.Errorf("apps by the engine: %s, %v", got, err)
		}
		got, err = admin.socket("/app/"+app.ID, fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"handle":-1,"method":"OpenDoc","params":[%q]}`, app.ID))
		if err != nil || !strings.Contains(got, `"Doc"`) {
			t.Errorf("open: %s, %v", got, err)
		}
		page, err := admin.Get(s.URL() + "sense/?app=" + app.ID)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(page.Body)
		_ = page.Body.Close()
		if page.StatusCode != 200 || !bytes.Contains(text, []byte("main.js")) {
			t.Errorf("the page of an app: %d %s", page.StatusCode, text)
		}
	})
	t.Run("its audit log", func(t *testing.T) {
		v, err := VerifyAudit(dir)
		if err != nil || v.Rows < 2 || v.Signatures != 1 {
			t.Errorf("%+v, %v", v, err)
		}
	})
	t.Run("second start", func(t *testing.T) {
		s := start(t, dir)
		if s.password != "" {
			t.Error("the administrator has another password")
		}
		password, err := s.accounts.Reset("ann")
		if err != nil {
			t.Fatal(err)
		}
		ann := s.visitor(t)
		if status, path := ann.logIn("ann", password); status != 200 || path != "/hub/" {
			t.Fatalf("after the log-in: %d at %s", status, path)
		}
		eventually(t, "the archive of the first run's logs", func() bool {
			archived, err := filepath.Glob(filepath.Join(dir, "ArchivedLogs", "Central", "Proxy", "Audit", "*_AuditSecurity_Proxy_*Z.log"))
			return err == nil && len(archived) == 1
		})
		if v, err := VerifyAudit(dir); err != nil || v.Files != 2 || v.Signatures != 1 {
			t.Errorf("archived and written logs: %+v, %v", v, err)
		}
		if status, text := ann.ask("GET", "qrs/app/hublist", nil); status != 200 || string(text) != "[]" {
			t.Errorf("ann's hub: %d %s", status, text)
		}
		got, err := ann.socket("/app/engineData", `{"jsonrpc":"2.0","id":7,"handle":-1,"method":"GetDocList","params":[]}`)
		if err != nil || !strings.Contains(got, `"qDocList":[]`) {
			t.Errorf("ann's apps by the engine: %s, %v", got, err)
		}
	})
}

// Without a certificate of the site nobody reaches the repository but through
// the proxy.
func TestRepositoryWantsCertificates(t *testing.T) {
	s := start(t, t.TempDir())
	address := "https://" + s.RepositoryAddr().String() + "/qrs/about?xrfkey=" + key
	get := func(c *tls.Config) error {
		client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: c}}
		r, err := http.NewRequestWithContext(t.Context(), "GET", address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Qlik-Xrfkey", key)
		r.Header.Set("X-Qlik-User", "UserDirectory=Internal;UserId=sa_api")
		a, err := client.Do(r)
		if err != nil {
			return err
		}
		_ = a.Body.Close()
		if a.StatusCode != 200 {
			t.Errorf("status %d", a.StatusCode)
		}
		return nil
	}
	if err := get(&tls.Config{RootCAs: s.roots}); err == nil {
		t.Error("somebody without a certificate is answered")
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.dir, "Certificates", "client.pem"), filepath.Join(s.dir, "Certificates", "client_key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := get(&tls.Config{RootCAs: s.roots, Certificates: []tls.Certificate{pair}}); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
}
