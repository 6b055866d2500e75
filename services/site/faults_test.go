package site

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// A talk is a socket that stays open.
type talk struct {
	t    *testing.T
	ws   *websocket.Conn
	next int
}

// talk opens a socket with the visitor's session.
func (v *visitor) talk(path string) (*talk, error) {
	v.t.Helper()
	at, err := url.Parse(v.site.URL())
	if err != nil {
		v.t.Fatal(err)
	}
	header := http.Header{"Origin": {strings.TrimSuffix(v.site.URL(), "/")}}
	for _, c := range v.Jar.Cookies(at) {
		header.Add("Cookie", c.String())
	}
	d := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: v.site.roots}, HandshakeTimeout: 10 * time.Second}
	ws, answer, err := d.DialContext(v.t.Context(), "wss://"+at.Host+path, header)
	if answer != nil && answer.Body != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	v.t.Cleanup(func() { _ = ws.Close() })
	return &talk{t: v.t, ws: ws}, nil
}

// A reply is an answer of the engine.
type reply struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message   string `json:"message"`
		Parameter string `json:"parameter"`
	} `json:"error"`
}

// ask sends a request and returns its answer; an error is one of the socket.
func (k *talk) ask(handle int, method string, params ...any) (reply, error) {
	k.t.Helper()
	if params == nil {
		params = []any{}
	}
	k.next++
	msg, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": k.next, "handle": handle, "method": method, "params": params})
	if err != nil {
		k.t.Fatal(err)
	}
	if err := k.ws.WriteMessage(websocket.TextMessage, msg); err != nil {
		return reply{}, err
	}
	for {
		r, err := k.read(20 * time.Second)
		if err != nil || r.ID == k.next {
			return r, err
		}
	}
}

func (k *talk) read(within time.Duration) (r reply, err error) {
	_ = k.ws.SetReadDeadline(time.Now().Add(within))
	_, text, err := k.ws.ReadMessage()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

// a log keeps what was logged.
type keptLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *keptLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *keptLog) contains(parts ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return true
		}
	}
	return false
}

func (l *keptLog) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// A program asks the repository with a certificate of the site.
type program struct {
	http.Client
	t    *testing.T
	base string
}

func (r *running) program(t *testing.T) *program {
	t.Helper()
	at := func(name string) string { return filepath.Join(r.dir, "Certificates", name) }
	pair, err := tls.LoadX509KeyPair(at("client.pem"), at("client_key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{RootCAs: r.roots, Certificates: []tls.Certificate{pair}}
	p := &program{http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: c}}, t, "https://" + r.RepositoryAddr().String() + "/"}
	t.Cleanup(p.CloseIdleConnections)
	return p
}

// ask sends a request as the API service.
func (p *program) ask(method, path string, body []byte) (int, http.Header, []byte) {
	p.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	r, err := http.NewRequestWithContext(context.Background(), method, p.base+path+sep+"xrfkey="+key, bytes.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return 0, nil, nil
	}
	r.Header.Set("X-Qlik-Xrfkey", key)
	r.Header.Set("X-Qlik-User", "UserDirectory=Internal;UserId=sa_api")
	r.Header.Set("Content-Type", "application/json")
	if !bytes.HasPrefix(body, []byte("{")) {
		r.Header.Set("Content-Type", "application/vnd.qlik.sense.app")
	}
	a, err := p.Do(r)
	if err != nil {
		p.t.Errorf("%s %s: no answer: %v", method, path, err)
		return 0, nil, nil
	}
	text, err := io.ReadAll(a.Body)
	if err != nil {
		p.t.Errorf("%s %s: %v", method, path, err)
	}
	_ = a.Body.Close()
	return a.StatusCode, a.Header, text
}

// TestDatabaseRestarts stops PostgreSQL under load as a crash would, and starts
// it again: users who look at an app notice nothing, changes are refused with a
// status that says to come back, and everything that was acknowledged is there
// afterwards.
func TestDatabaseRestarts(t *testing.T) {
	server := storetest.NewServer(t)
	var said keptLog
	s := run(t, Options{Dir: t.TempDir(), Database: server.Database(), Roles: Roles{Proxy: true, Engine: true, Scheduler: true}, Log: said.logger()})
	admin := s.visitor(t)
	if status, path := admin.logIn("admin", s.password); status != 200 || path != "/hub/" {
		t.Fatalf("log-in: %d at %s", status, path)
	}
	status, made := admin.ask("POST", "qrs/app/upload?name=Sales", appFile(t, "x"))
	var app struct{ ID string }
	if err := json.Unmarshal(made, &app); status != 201 || err != nil {
		t.Fatalf("upload: %d %s", status, made)
	}
	user, err := admin.talk("/app/" + app.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := user.ask(-1, "OpenDoc", app.ID); err != nil || r.Error != nil {
		t.Fatalf("open: %+v, %v", r, err)
	}

	programs := s.program(t)
	var mu sync.Mutex
	acknowledged, refused := map[string]bool{}, map[int]int{}
	var lastGood time.Time
	stop := make(chan struct{})
	var load sync.WaitGroup
	for w := range 4 {
		load.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("tag %d-%d", w, i)
				status, header, text := programs.ask("POST", "qrs/tag", fmt.Appendf(nil, `{"name":%q}`, name))
				mu.Lock()
				switch {
				case status == 201:
					acknowledged[name] = true
					lastGood = time.Now()
				case status == 503 && header.Get("Retry-After") != "":
					refused[status]++
				default:
					t.Errorf("a change while the database is away: status %d %s", status, text)
				}
				mu.Unlock()
				if status != 201 {
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	server.Stop()
	for range 10 {
		if r, err := user.ask(1, "EvaluateEx", "Sum(x)"); err != nil || r.Error != nil || !bytes.Contains(r.Result, []byte("5050")) {
			t.Errorf("an open app while the database is away: %+v, %v", r, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	server.Start()
	back := time.Now()
	eventually(t, "changes again", func() bool { mu.Lock(); defer mu.Unlock(); return lastGood.After(back) })
	t.Logf("changes are taken %v after the database is back; refused meanwhile: %v", time.Since(back), refused)
	close(stop)
	load.Wait()
	if refused[503] == 0 {
		t.Error("nothing was refused: the test shows nothing")
	}
	_, _, text := programs.ask("GET", "qrs/tag", nil)
	var tags []struct{ Name string }
	if err := json.Unmarshal(text, &tags); err != nil {
		t.Fatal(err, string(text))
	}
	for _, tag := range tags {
		delete(acknowledged, tag.Name)
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d changes that were acknowledged are lost: %v", len(acknowledged), acknowledged)
	}
	if !said.contains("level=ERROR") {
		t.Error("nothing of it in the log")
	}
	again := s.visitor(t)
	if status, path := again.logIn("admin", s.password); status != 200 || path != "/hub/" {
		t.Errorf("log-in afterwards: %d at %s", status, path)
	}
}
