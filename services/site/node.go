package site

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cognate-bi/cognate/services/repository"
)

// Roles are the services that a node runs beside its repository.
type Roles struct {
	Proxy, Engine bool
	// Scheduler runs tasks where there is an engine, and the schedules on the
	// central node.
	Scheduler bool
}

// ParseRoles reads names of roles; none are all that a node can have.
func ParseRoles(names []string, central bool) (r Roles, err error) {
	if len(names) == 0 {
		return Roles{Proxy: central, Engine: true, Scheduler: true}, nil
	}
	for _, name := range names {
		switch strings.ToLower(name) {
		case "proxy":
			r.Proxy = true
		case "engine":
			r.Engine = true
		case "scheduler":
			r.Scheduler = true
		default:
			return r, fmt.Errorf("role %q: there are proxy, engine and scheduler", name)
		}
	}
	return r, nil
}

// nodeName is what nodes may be called: it names a folder, too.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// Validate says what does not go together.
func (o *Options) Validate() error {
	switch {
	case o.Roles == (Roles{}):
		return errors.New("a node without roles")
	case o.central():
		return nil
	case !nodeName.MatchString(o.Node):
		return fmt.Errorf("node %q: a name is made of letters, digits, and . _ -", o.Node)
	case o.Database == "":
		return fmt.Errorf("node %q: several nodes need a PostgreSQL that they share (--database)", o.Node)
	case o.Roles.Proxy:
		return fmt.Errorf("node %q: the proxy runs on the central node only", o.Node)
	case !o.Roles.Engine:
		return fmt.Errorf("node %q: without an engine it has nothing to do", o.Node)
	}
	return nil
}

// central reports whether this is the node that has the repository's
// interface, the proxy and the schedules.
func (o *Options) central() bool { return o.Node == "" }

// ownDir is the folder of what belongs to this node alone.
func (o *Options) ownDir() string {
	if o.central() {
		return o.Dir
	}
	return filepath.Join(o.Dir, "Nodes", o.Node)
}

// name is what the node is called in messages.
func (o *Options) name() string {
	if o.central() {
		return "Central"
	}
	return o.Node
}

// reachable is the host by which other nodes reach an address that this one
// listens on.
func reachable(at net.Addr, host string) string {
	ip, _, err := net.SplitHostPort(at.String())
	if parsed := net.ParseIP(ip); err != nil || parsed == nil || parsed.IsUnspecified() {
		return host
	}
	return ip
}

// join tells the site that this node runs, and where.
func (s *Site) join(ctx context.Context) (err error) {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	n := repository.Node{Name: s.opt.name(), Host: host, Central: s.opt.central(), Proxy: port(s.proxyAt), Rest: port(s.restAt)}
	if s.engine != nil {
		n.Host, n.Engine = reachable(s.engine.Addr(), host), port(s.engine)
	}
	switch r := s.opt.Roles; {
	case !r.Scheduler:
	case !n.Central:
		n.Scheduler = repository.Runs
	case !r.Engine:
		n.Scheduler = repository.Schedules
	default:
		n.Scheduler = repository.SchedulesAndRuns
	}
	s.node, err = s.repo.Join(ctx, n)
	return err
}

// port is that of a listener, 0 for none.
func port(l interface{ Addr() net.Addr }) int {
	if l == nil {
		return 0
	}
	return l.Addr().(*net.TCPAddr).Port
}
