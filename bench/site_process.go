package bench

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cognate-bi/cognate/services/web/sample"
)

const sampleTitle = sample.Title

// A siteProcess is a site that runs as a process of its own.
type siteProcess struct {
	cmd      *exec.Cmd
	ended    chan error
	url      string // https://host:port/
	tickets  string // host:port, as the next one
	repo     string
	profiles string // its address
	keep     string // folder for profiles, "" = none
	password string // of the administrator

	userTLS  *tls.Config
	services *http.Client
	buffers  sync.Pool

	mu    sync.Mutex
	users map[int]*siteUser
	last  []string // that it said
}

// lastLines is how many lines of what a site said are kept for an error.
const lastLines = 10

// siteStart is how long a site may take to answer, the first one with keys to
// be made.
const siteStart = 2 * time.Minute

// startSite starts a site in a folder and waits until it answers.
func startSite(ctx context.Context, c *SuiteConfig, dir string) (*siteProcess, error) {
	args := []string{
		"--dir", dir, "--listen", "127.0.0.1:0", "--rest", "127.0.0.1:0", "--repository", "127.0.0.1:0", "--profile", "127.0.0.1:0",
	}
	if c.Flights != "" {
		args = append(args, "--sample", c.Flights)
	}
	p := &siteProcess{cmd: c.Site(ctx, args...), ended: make(chan error, 1), keep: c.Profiles, users: map[int]*siteUser{}}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 30 * time.Second
	said, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	listening := make(chan struct{})
	go p.follow(said, listening)
	select {
	case <-listening:
	case err := <-p.ended:
		return nil, fmt.Errorf("the site ended: %w: %s", err, p.lastWords())
	case <-time.After(siteStart):
		return nil, errors.Join(fmt.Errorf("the site does not answer: %s", p.lastWords()), p.stop())
	}
	if err := p.trust(dir); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

var (
	said      = regexp.MustCompile(`(\w+)=(\S+)`)
	firstPass = regexp.MustCompile(`user name admin, password (\S+)`)
)

// follow reads what the site says, until it ends.
func (p *siteProcess) follow(r io.Reader, listening chan<- struct{}) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		p.mu.Lock()
		if p.last = append(p.last, line); len(p.last) > lastLines {
			p.last = p.last[1:]
		}
		p.mu.Unlock()
		if m := firstPass.FindStringSubmatch(line); m != nil {
			p.password = m[1]
		}
		at := map[string]string{}
		for _, m := range said.FindAllStringSubmatch(line, -1) {
			at[m[1]] = m[2]
		}
		switch at["msg"] {
		case "profiles":
			p.profiles = strings.TrimSuffix(at["url"], "pprof/")
		case "listening":
			p.url, p.tickets, p.repo = at["url"], at["tickets"], at["repository"]
			close(listening)
		}
	}
	_, _ = io.Copy(io.Discard, r) // after a line that is too long
	p.ended <- p.cmd.Wait()
}

func (p *siteProcess) lastWords() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for _, line := range p.last {
		fmt.Fprintf(&b, "\n%.1000s", line)
	}
	return b.String()
}

// trust reads the certificates of the site.
func (p *siteProcess) trust(dir string) error {
	at := func(name string) string { return filepath.Join(dir, "Certificates", name) }
	root, err := os.ReadFile(at("root.pem"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	mine, err := tls.LoadX509KeyPair(at("client.pem"), at("client_key.pem"))
	if err != nil {
		return err
	}
	p.userTLS = &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(1024)}
	p.services = servicesClient(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{mine}, MinVersion: tls.VersionTLS12})
	return nil
}

// stop ends the site and waits for it.
func (p *siteProcess) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("the site ended: %w: %s", err, p.lastWords())
		}
		return nil
	case <-time.After(time.Minute):
		return errors.Join(errors.New("the site does not end"), p.cmd.Process.Kill())
	}
}

// user returns the i-th user.
func (p *siteProcess) user(i int) *siteUser {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users[i] == nil {
		p.users[i] = newSiteUser(p, i)
	}
	return p.users[i]
}

func (p *siteProcess) socketURL(app string) string {
	return "wss" + strings.TrimPrefix(p.url, "https") + "app/" + app
}

// published waits for an app that everybody may read.
func (p *siteProcess) published(ctx context.Context, title string) (id string, err error) {
	for {
		var found []struct {
			ID        string `json:"id"`
			Published bool   `json:"published"`
		}
		if err := p.ask(ctx, http.MethodGet, p.repo+"/qrs/app/full?filter="+url.QueryEscape("name eq '"+title+"'"), nil, &found); err != nil {
			return "", err
		}
		if len(found) > 0 && found[0].Published {
			return found[0].ID, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// unschedule deletes the schedule by which the sample app is reloaded, which the
// site makes last: a minute after the start it would throw away what is kept of the app,
// and take the processors.
func (p *siteProcess) unschedule(ctx context.Context) error {
	for {
		var events []struct {
			ID string `json:"id"`
		}
		if err := p.ask(ctx, http.MethodGet, p.repo+"/qrs/schemaevent", nil, &events); err != nil {
			return err
		}
		for _, e := range events {
			if err := p.ask(ctx, http.MethodDelete, p.repo+"/qrs/schemaevent/"+e.ID, nil, nil); err != nil {
				return err
			}
		}
		if len(events) > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// upload makes an app of a file and publishes it to everybody.
func (p *siteProcess) upload(ctx context.Context, path string) (id string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was read
	var app struct {
		ID string `json:"id"`
	}
	if err := p.ask(ctx, http.MethodPost, p.repo+"/qrs/app/upload?keepdata=true&name=Bench", f, &app); err != nil {
		return "", err
	}
	var streams []struct {
		ID string `json:"id"`
	}
	if err := p.ask(ctx, http.MethodGet, p.repo+"/qrs/stream?filter="+url.QueryEscape("name eq 'Everyone'"), nil, &streams); err != nil {
		return "", err
	}
	if len(streams) == 0 {
		return "", errors.New("no stream Everyone")
	}
	return app.ID, p.ask(ctx, http.MethodPut, p.repo+"/qrs/app/"+app.ID+"/publish?stream="+streams[0].ID, nil, nil)
}

// A siteState is what the system and the runtime say about the process.
type siteState struct {
	at         time.Time
	busy       time.Duration // of all processors
	resident   int64         // bytes, as the next ones
	live       int64
	stacks     int64
	goroutines int
	pauses     []uint64 // nanoseconds of the collector's last pauses, a ring
	collected  uint32
}

// glance looks at the process without asking it anything.
func (p *siteProcess) glance() siteState {
	s := siteState{at: time.Now(), busy: processorTimeOf(p.cmd.Process.Pid)}
	_ = p.runtime(context.Background(), &s) // pauses are then counted from the start
	return s
}

// look has the process collect its garbage and looks at it. What is resident is
// seen before that, as that is what the machine has to give.
func (p *siteProcess) look(ctx context.Context, what string) (s siteState, err error) {
	s.at, s.busy = time.Now(), processorTimeOf(p.cmd.Process.Pid)
	s.resident = p.resident()
	heap, err := p.profile(ctx, "pprof/heap?gc=1")
	if err == nil && p.keep != "" {
		err = os.WriteFile(filepath.Join(p.keep, strings.ReplaceAll(what, " ", "-")+".heap.pprof"), heap, 0o644) //nolint:gosec // figures of a benchmark
	}
	if err != nil {
		return s, err
	}
	if err := p.runtime(ctx, &s); err != nil {
		return s, err
	}
	running, err := p.profile(ctx, "pprof/goroutine?debug=1")
	if err != nil {
		return s, err
	}
	_, err = fmt.Sscanf(string(running), "goroutine profile: total %d", &s.goroutines)
	return s, err
}

func (p *siteProcess) resident() int64 {
	return kibOf(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid), "VmRSS:")
}

// residents returns what was resident from time to time until over, in MiB.
func (p *siteProcess) residents(over <-chan struct{}) (list []float64) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		list = append(list, mebibytes(p.resident()))
		select {
		case <-over:
			return list
		case <-tick.C:
		}
	}
}

func (p *siteProcess) runtime(ctx context.Context, s *siteState) error {
	text, err := p.profile(ctx, "vars")
	if err != nil {
		return err
	}
	var vars struct {
		Memory struct {
			HeapAlloc, StackInuse int64
			PauseNs               []uint64
			NumGC                 uint32
		} `json:"memstats"`
	}
	if err := json.Unmarshal(text, &vars); err != nil {
		return err
	}
	s.live, s.stacks, s.pauses, s.collected = vars.Memory.HeapAlloc, vars.Memory.StackInuse, vars.Memory.PauseNs, vars.Memory.NumGC
	return nil
}

func (p *siteProcess) profile(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.profiles+path, nil)
	if err != nil {
		return nil, err
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Body.Close() }() // it was read
	return io.ReadAll(a.Body)
}

// pauseSince returns the collector's longest pause since, in milliseconds, as
// far as the runtime remembers.
func (s *siteState) pauseSince(before siteState) float64 {
	var longest uint64
	for n := before.collected; n < s.collected && len(s.pauses) > 0; n++ {
		longest = max(longest, s.pauses[int(n)%len(s.pauses)])
	}
	return float64(longest) / 1e6
}
