package site

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/services/certs"
	"github.com/cognate-bi/cognate/services/enginehost"
	"github.com/cognate-bi/cognate/services/proxy"
	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/balance"
	"github.com/cognate-bi/cognate/services/proxy/session"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/api"
	"github.com/cognate-bi/cognate/services/repository/appfiles"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/scheduler"
	"github.com/cognate-bi/cognate/services/telemetry"
)

// Options are the settings of a node with all services.
type Options struct {
	Dir        string // certificates, database, accounts; apps in Apps
	Listen     string // of the proxy, for users, over TLS
	Repository string // of the repository, for programs with a certificate of the site
	// Database is the address of a PostgreSQL; "" is a file in Dir.
	Database string
	Names    []string // other names and addresses of this machine
	Page     http.Handler
	Library  app.Options // Dir is set from ours
	Version  string
	Log      *slog.Logger
	// FirstPassword is told the password of the first administrator, once.
	FirstPassword func(user, password string)
	// Ready is told when the site answers.
	Ready func(s *Site)
}

// AppsDir is the folder of the apps.
func (o *Options) AppsDir() string { return filepath.Join(o.Dir, "Apps") }

// A Site is a running node.
type Site struct {
	tasks  tasks
	worker *scheduler.Worker
	audit  *telemetry.Audit

	opt      Options
	store    *store.Store
	repo     *repository.Repository
	lib      *app.Library
	accounts *Accounts
	certs    *certs.Store

	engine  *enginehost.Host
	api     *fasthttp.Server
	pages   *fasthttp.Server
	proxy   *proxy.Server
	apiAt   net.Listener
	pagesAt net.Listener
	proxyAt net.Listener
}

// URL is where users go.
func (s *Site) URL() string { return "https://" + s.proxyAt.Addr().String() + "/" }

// RepositoryAddr is where programs with a certificate of the site reach the
// repository.
func (s *Site) RepositoryAddr() net.Addr { return s.apiAt.Addr() }

// Library returns the apps of the engine.
func (s *Site) Library() *app.Library { return s.lib }

// Repo returns the repository.
func (s *Site) Repo() *repository.Repository { return s.repo }

// Run runs a node until ctx ends. Services start in the order in which they
// need each other, and stop in the reverse one.
func Run(ctx context.Context, o Options) (err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Site{opt: o}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"certificates", s.openCerts},
		{"audit logs", s.openAudit},
		{"database", s.openStore},
		{"repository", s.openRepository},
		{"first administrator", s.firstAdministrator},
		{"engine", s.openEngine},
		{"pages", s.openPages},
		{"proxy", s.openProxy},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return s.serve(ctx)
}

func (s *Site) openCerts(context.Context) (err error) {
	if err := os.MkdirAll(s.opt.Dir, 0o700); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	s.certs, err = certs.Open(certs.Options{Dir: filepath.Join(s.opt.Dir, "Certificates"), Host: host, Names: append([]string{"localhost", "127.0.0.1", "::1"}, s.opt.Names...), Now: time.Now, Rand: rand.Reader, Log: s.opt.Log})
	return err
}

// siteKey returns the key of stored secrets; it is made at the first start.
func (s *Site) siteKey() ([]byte, error) {
	path := filepath.Join(s.opt.Dir, "site.key")
	key, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return key, os.WriteFile(path, key, 0o600)
}

func (s *Site) openStore(ctx context.Context) error {
	key, err := s.siteKey()
	if err != nil {
		return fmt.Errorf("site key: %w", err)
	}
	cfg := store.Config{Driver: store.SQLite, DSN: filepath.Join(s.opt.Dir, "repository.db"), SiteKey: key, Log: s.opt.Log}
	if s.opt.Database != "" {
		cfg.Driver, cfg.DSN = store.Postgres, s.opt.Database
	}
	s.store, err = store.Open(ctx, cfg)
	return err
}

func (s *Site) openRepository(ctx context.Context) error {
	files, err := appfiles.Open(s.opt.AppsDir())
	if err != nil {
		return err
	}
	o := s.opt.Library
	o.Dir = s.opt.AppsDir()
	if s.lib, err = app.NewLibrary(o); err != nil {
		return err
	}
	s.repo, err = repository.Open(ctx, repository.Options{Store: s.store, Files: files, Engine: NewApps(s.lib), Log: s.opt.Log})
	if err != nil {
		return err
	}
	set := scheduler.Settings{Now: time.Now, NewID: uuid.NewString, Log: s.opt.Log}
	s.tasks = tasks{board{s.store}, scheduler.NewManager(board{s.store}, set)}
	s.worker = scheduler.NewWorker("central "+uuid.NewString(), slots, board{s.store}, reloads{s.repo}, set)
	server := api.New(api.Options{Repository: s.repo, Tasks: s.tasks, Log: s.opt.Log, About: api.About{BuildVersion: s.opt.Version, DatabaseProvider: s.database(), NodeType: 1}})
	s.api = internal(s.opt.Log, func(ctx *fasthttp.RequestCtx) { serveRepository(server, ctx) })
	s.apiAt, err = net.Listen("tcp", s.opt.Repository)
	return err
}

// slots is how many reloads run at a time.
const slots = 4

func (s *Site) database() string {
	if s.opt.Database != "" {
		return "PostgreSQL"
	}
	return "SQLite"
}

// firstAdministrator makes an account where there is none, so that somebody can
// log in.
func (s *Site) firstAdministrator(ctx context.Context) error {
	s.accounts = NewAccounts(filepath.Join(s.opt.Dir, "accounts.json"))
	if empty, err := s.accounts.Empty(); err != nil || !empty {
		return err
	}
	const name = "admin"
	id, err := s.repo.LogIn(ctx, &repository.Caller{Directory: LocalDirectory, ID: name}, "Administrator")
	if err != nil {
		return err
	}
	if err := s.repo.MakeAdministrator(ctx, id); err != nil {
		return err
	}
	password, err := s.accounts.Reset(name)
	if err == nil && s.opt.FirstPassword != nil {
		s.opt.FirstPassword(name, password)
	}
	return err
}

func (s *Site) openEngine(context.Context) (err error) {
	s.engine, err = enginehost.New(enginehost.Options{Addr: "127.0.0.1:0", TLS: s.certs.ServerTLS(), Gate: Gate(s.repo, s.lib), Log: s.opt.Log}, s.lib)
	return err
}

func (s *Site) openPages(context.Context) (err error) {
	s.pages = internal(s.opt.Log, func(ctx *fasthttp.RequestCtx) { servePage(ctx, s.opt.Page) })
	s.pagesAt, err = net.Listen("tcp", "127.0.0.1:0")
	return err
}

// internal returns a server between services.
func internal(log *slog.Logger, handle fasthttp.RequestHandler) *fasthttp.Server {
	return &fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) { handle(ctx); settle(ctx) }, Name: "cognate", StreamRequestBody: true, NoDefaultServerHeader: true, ReadBufferSize: 32 << 10,
		MaxRequestBodySize: 1 << 40, IdleTimeout: time.Minute, Logger: debugLog{log},
	}
}

// drainMax is how much of a body that nobody has read is read and thrown away.
const drainMax = 1 << 20

// settle sees to it that nothing of a request's body is taken for the next
// request: the connection belongs to a service, so that one could come in
// anybody's name. What is left of a long body ends the connection.
func settle(ctx *fasthttp.RequestCtx) {
	stream := ctx.RequestBodyStream()
	if stream == nil {
		return
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(stream, drainMax)); err != nil || n == drainMax {
		ctx.SetConnectionClose()
	}
}

// debugLog logs what servers say.
type debugLog struct{ log *slog.Logger }

// Printf logs one line at DEBUG.
func (d debugLog) Printf(format string, args ...any) {
	d.log.Debug("http", "msg", fmt.Sprintf(format, args...))
}

func (s *Site) openProxy(context.Context) error {
	sessions, err := session.New(session.Options{Now: time.Now, Rand: rand.Reader}, proxy.AuditSessions(s.auditLog()))
	if err != nil {
		return err
	}
	form, err := auth.NewForm(auth.FormOptions{Directory: LocalDirectory, Title: "Log in to Cognate", Users: s.accounts, Rand: rand.Reader, Now: time.Now})
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	if s.proxyAt, err = net.Listen("tcp", s.opt.Listen); err != nil {
		return err
	}
	s.proxy, err = proxy.New(proxy.Options{
		HostNames: append([]string{host, "localhost", "127.0.0.1", "::1"}, s.opt.Names...), Sessions: sessions, Users: users{s.repo}, Upstreams: upstreams{s},
		Engines: upstreams{s}, Balancer: balance.New(), TLS: s.certs.ClientTLS(), MissingOrigin: true, Log: s.opt.Log, Audit: s.auditLog(), Now: time.Now,
	}, []proxy.VirtualProxy{{Methods: auth.Chain{form}}})
	return err
}

// serve answers until ctx ends or a service breaks off.
func (s *Site) serve(ctx context.Context) error {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	run := func(name string, f func() error) {
		g.Go(func() error {
			defer cancel()
			if err := f(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	run("engine", s.engine.Serve)
	run("repository", func() error { return s.api.Serve(tlsListener(s.apiAt, s.certs)) })
	run("pages", func() error { return s.pages.Serve(tlsListener(s.pagesAt, s.certs)) })
	run("proxy", func() error { return s.proxy.ServeTLS(s.proxyAt, s.certs.FrontEnd().TLS()) })
	run("scheduler", func() error { s.tasks.manager.Run(within); return nil })
	run("worker", func() error { s.worker.Run(within); return nil })
	if s.opt.Ready != nil {
		s.opt.Ready(s)
	}
	<-within.Done()
	return errors.Join(s.stop(), g.Wait())
}

// graceMax is how long stopping waits for requests and sockets.
const graceMax = 10 * time.Second

// stop stops what answers, in the reverse order of the start.
func (s *Site) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), graceMax)
	defer cancel()
	return errors.Join(s.proxy.Shutdown(ctx), s.pages.ShutdownWithContext(ctx), s.engine.Shutdown(ctx), s.api.ShutdownWithContext(ctx))
}

// close gives up what is open, whatever came up of it.
func (s *Site) close() (err error) {
	for _, l := range []net.Listener{s.apiAt, s.pagesAt, s.proxyAt} {
		if l != nil {
			_ = l.Close() // closed already, if it has served
		}
	}
	if s.repo != nil {
		s.repo.Close()
	}
	if s.store != nil {
		err = s.store.Close()
	}
	if s.audit != nil {
		err = errors.Join(err, s.audit.Close())
	}
	return err
}

// users is what the proxy asks the repository about people.
type users struct{ repo *repository.Repository }

// Login implements [proxy.Users].
func (u users) Login(ctx context.Context, who session.User) (session.User, error) {
	c := repository.Caller{Directory: who.Directory, ID: who.ID}
	_, err := u.repo.LogIn(ctx, &c, who.Name)
	if errors.Is(err, repository.ErrInactive) || errors.Is(err, repository.ErrForbidden) {
		return who, fmt.Errorf("%w: %w", proxy.ErrInactive, err)
	}
	if who.Name == "" {
		who.Name = who.ID
	}
	return who, err
}

// upstreams says where the services of the node are.
type upstreams struct{ s *Site }

// Endpoints implements [proxy.Upstreams].
func (u upstreams) Endpoints(_ context.Context, service proxy.Service) ([]proxy.Endpoint, error) {
	at := map[proxy.Service]net.Addr{
		proxy.Repository: u.s.apiAt.Addr(), proxy.Engine: u.s.engine.Addr(), proxy.Hub: u.s.pagesAt.Addr(),
	}[service]
	if at == nil {
		return nil, nil
	}
	return []proxy.Endpoint{{Node: "central", Address: at.String()}}, nil
}

// Engines implements [proxy.Engines].
func (u upstreams) Engines(context.Context, session.User, string) ([]balance.Engine, error) {
	return []balance.Engine{{Node: "central", Address: u.s.engine.Addr().String(), Allowed: true, Healthy: true}}, nil
}

// servePage serves the pages of hub and apps, each under its own path.
func servePage(ctx *fasthttp.RequestCtx, page http.Handler) {
	path := string(ctx.Path())
	for prefix, first := range map[string]string{"/hub": "/hub.html", "/sense": "/"} {
		rest, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		if rest == "" { // relative addresses need the slash
			ctx.Redirect(prefix+"/", fasthttp.StatusMovedPermanently)
			return
		}
		if rest == "/" {
			rest = first
		}
		ctx.Request.SetRequestURI(rest)
		enginehost.ServePage(ctx, page)
		return
	}
	ctx.Error("not found", fasthttp.StatusNotFound)
}
