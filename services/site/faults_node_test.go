package site

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/cognate-bi/cognate/services/proxy/balance"
	"github.com/cognate-bi/cognate/services/proxy/session"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// nodeVariable makes the test binary a node: folder, database and name as JSON.
const nodeVariable = "COGNATE_TEST_NODE"

// TestNodeProcess is a node that other tests start, and kill.
func TestNodeProcess(t *testing.T) {
	text := os.Getenv(nodeVariable)
	if text == "" {
		t.Skip("for other tests to start")
	}
	o := Options{Roles: Roles{Engine: true}, Ready: func(*Site) { fmt.Println("ready") }}
	if err := json.Unmarshal([]byte(text), &[]*string{&o.Dir, &o.Database, &o.Node}); err != nil {
		t.Fatal(err)
	}
	t.Log(Run(context.Background(), o))
}

// process starts a node as a process of its own until the end of the test.
func process(t *testing.T, dir, database, name string) *os.Process {
	t.Helper()
	text, err := json.Marshal([]string{dir, database, name})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNodeProcess$", "-test.v")
	cmd.Env = append(os.Environ(), nodeVariable+"="+string(text))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Logf("node %s: %s", name, &said)
		}
	})
	return cmd.Process
}

// TestEngineIsKilled kills one of two engines under users: those on the other
// one notice nothing, those on it are told at once and can open the app again.
func TestEngineIsKilled(t *testing.T) {
	dir, database := t.TempDir(), storetest.Config(t, store.Postgres).DSN
	var said keptLog
	central := run(t, Options{Dir: dir, Database: database, Roles: Roles{Proxy: true, Scheduler: true}, Log: said.logger()})
	admin := central.visitor(t)
	if status, path := admin.logIn("admin", central.password); status != 200 || path != "/hub/" {
		t.Fatalf("log-in: %d at %s", status, path)
	}
	var apps [2]struct{ ID string } // users of an app share its engine
	for i := range apps {
		status, made := admin.ask("POST", fmt.Sprint("qrs/app/upload?name=Sales", i), appFile(t, "x"))
		if err := json.Unmarshal(made, &apps[i]); status != 201 || err != nil {
			t.Fatalf("upload: %d %s", status, made)
		}
	}
	victim := process(t, dir, database, "one")
	process(t, dir, database, "two")
	eventually(t, "two engines", func() bool { return len(healthy(t, central)) == 2 })

	open := func(i int, name string) (*talk, error) { // each identity is a session of its own
		k, err := admin.talk("/app/" + apps[i/6%2].ID + "/identity/" + name)
		if err != nil {
			return nil, err
		}
		r, err := k.ask(-1, "OpenDoc", apps[i/6%2].ID)
		if err == nil && r.Error != nil {
			err = errors.New(r.Error.Message)
		}
		return k, err
	}
	var users []*talk
	for i := range 12 {
		if i == 6 {
			eventually(t, "that one engine has more to do than the other", func() bool { return busy(t, central) })
		}
		k, err := open(i, fmt.Sprint("user", i))
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, k)
	}
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	stayed, told := 0, 0
	for _, k := range users {
		r, err := k.ask(1, "EvaluateEx", "Sum(x)")
		var closed *websocket.CloseError
		switch {
		case err == nil && strings.Contains(string(r.Result), "5050"):
			stayed++
		case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
			told++
		default:
			t.Errorf("a user of the killed engine gets %+v, %v", r, err)
		}
	}
	if took := time.Since(killed); took > 5*time.Second {
		t.Errorf("users learn it after %v", took)
	}
	if told == 0 || stayed == 0 {
		t.Errorf("%d were on the engine that was killed, %d on the other", told, stayed)
	}
	for i := range users {
		k, err := open(i, fmt.Sprint("again", i))
		if err != nil {
			t.Fatalf("opening the app again: %v", err)
		}
		if r, err := k.ask(1, "EvaluateEx", "Sum(x)"); err != nil || !strings.Contains(string(r.Result), "5050") {
			t.Errorf("again: %+v, %v", r, err)
		}
	}
	t.Logf("%d of 12 users were told, all work again after %v", told, time.Since(killed))
	eventually(t, "the log", func() bool { return said.contains("level=WARN", "an engine does not answer", "node=one") })
	process(t, dir, database, "one")
	eventually(t, "two engines again", func() bool { return len(healthy(t, central)) == 2 })
}

// busy reports whether an engine has said that it has sessions.
func busy(t *testing.T, s *running) bool {
	t.Helper()
	list, err := s.fleet.Engines(t.Context(), session.User{}, "")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(list, func(e balance.Engine) bool { return e.Load >= 6 })
}
