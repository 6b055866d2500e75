package site

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/services/certs"
	"github.com/cognate-bi/cognate/services/enginehost"
	"github.com/cognate-bi/cognate/services/proxy"
	"github.com/cognate-bi/cognate/services/proxy/qps"
	"github.com/cognate-bi/cognate/services/proxy/session"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/api"
	"github.com/cognate-bi/cognate/services/repository/appfiles"
	"github.com/cognate-bi/cognate/services/repository/callback"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/scheduler"
	"github.com/cognate-bi/cognate/services/telemetry"
)

// Options are the settings of a node.
type Options struct {
	Dir string // of the site, which its nodes share: certificates, accounts; apps in Apps, files in StaticContent
	// Node is the name of this node; "" is the central one, which a site has
	// one of.
	Node       string
	Roles      Roles
	Listen     string // of the proxy, for users, over TLS
	Rest       string // of the proxy, for programs with a certificate of the site: tickets, sessions
	Repository string // of the repository, for programs with a certificate of the site
	Engine     string // of the engine, for the proxy; "" = any free port of 127.0.0.1
	Metrics    string // of the metrics, without TLS; "" = nowhere
	// Database is the address of a PostgreSQL; "" is a file in Dir.
	Database string
	Names    []string // other names and addresses of this machine
	// TrustedHeaders are the addresses that may name users in a header, where
	// a virtual proxy takes that for a log-in.
	TrustedHeaders []netip.Prefix
	// Programs are those that tasks may run on this node, as they name them.
	Programs []string
	Page     http.Handler
	Library  app.Options // Dir is set from ours
	Memory   int64       // that the process may take, in bytes; 0 = not known
	Version  string
	Log      *slog.Logger
	// FirstPassword is told the password of the first administrator, once.
	FirstPassword func(user, password string)
	// Ready is told when the site answers.
	Ready func(s *Site)
}

// AppsDir is the folder of the apps.
func (o *Options) AppsDir() string { return filepath.Join(o.Dir, "Apps") }

// contentDir is the folder of libraries, extensions and the files of apps.
func (o *Options) contentDir() string { return filepath.Join(o.Dir, "StaticContent") }

// importDir is the folder from which apps are imported by the names of their
// files.
func (o *Options) importDir() string { return filepath.Join(o.Dir, "Import") }

// A Site is a running node.
type Site struct {
	tasks  tasks
	worker *scheduler.Worker // nil: this node runs no tasks
	syncer *scheduler.Worker // of user directories; nil: not this node
	logs   *logs
	log    serviceLogs

	metrics   *telemetry.Metrics
	metricsAt net.Listener

	opt      Options
	node     string // id
	store    *store.Store
	repo     *repository.Repository
	lib      *app.Library
	accounts *Accounts
	certs    *certs.Store
	fleet    *fleet
	frontEnd *certs.Holder
	counts   scheduler.Counts // of its manager and worker
	door     *door

	engine   *enginehost.Host // nil: not on this node, as the next ones
	api      *fasthttp.Server
	pages    *fasthttp.Server
	proxy    *proxy.Server
	sessions *session.Store
	rest     *qps.Server
	apiAt    net.Listener
	pagesAt  net.Listener
	proxyAt  net.Listener
	restAt   net.Listener
}

// URL is where users go.
func (s *Site) URL() string { return "https://" + s.proxyAt.Addr().String() + "/" }

// RepositoryAddr is where programs with a certificate of the site reach the
// repository.
func (s *Site) RepositoryAddr() net.Addr { return s.apiAt.Addr() }

// Library returns the apps of the engine.
func (s *Site) Library() *app.Library { return s.lib }

// RestAddr is where programs with a certificate of the site reach the proxy,
// nil if there is none here.
func (s *Site) RestAddr() net.Addr {
	if s.restAt == nil {
		return nil
	}
	return s.restAt.Addr()
}

// EngineAddr is where the engine of this node answers the proxy, nil if there
// is none here.
func (s *Site) EngineAddr() net.Addr {
	if s.engine == nil {
		return nil
	}
	return s.engine.Addr()
}

// Repo returns the repository.
func (s *Site) Repo() *repository.Repository { return s.repo }

// Run runs a node until ctx ends. Services start in the order in which they
// need each other, and stop in the reverse one.
func Run(ctx context.Context, o Options) (err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := o.Validate(); err != nil {
		return err
	}
	s := &Site{opt: o, metrics: telemetry.NewMetrics()}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, step := range []struct {
		name string
		here bool
		do   func(context.Context) error
	}{
		{"certificates", true, s.openCerts},
		{"logs", true, s.openLogs},
		{"database", true, s.openStore},
		{"files of the site", true, s.claimFiles},
		{"repository", true, s.openRepository},
		{"first administrator", o.central(), s.firstAdministrator},
		{"engine", o.Roles.Engine, s.openEngine},
		{"interface of the repository", o.central(), s.openAPI},
		{"pages", o.Roles.Proxy, s.openPages},
		{"addresses of the proxy", o.Roles.Proxy, s.openListeners},
		{"node", true, s.join},
		{"worker", o.Roles.Scheduler && o.Roles.Engine, s.openWorker},
		{"synchronisation of users", o.central() && o.Roles.Scheduler, s.openSyncer},
		{"proxy", o.Roles.Proxy, s.openProxy},
		{"metrics", true, s.openMetrics},
	} {
		if !step.here {
			continue
		}
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return s.serve(ctx)
}

func (s *Site) openCerts(context.Context) (err error) {
	dir := filepath.Join(s.opt.ownDir(), "Certificates")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	o := certs.Options{Dir: dir, Host: host, Names: append([]string{"localhost", "127.0.0.1", "::1"}, s.opt.Names...), Now: time.Now, Rand: rand.Reader, Log: s.opt.Log}
	if !s.opt.central() {
		o.Root = filepath.Join(s.opt.Dir, "Certificates")
	}
	s.certs, err = certs.Open(o)
	return err
}

func (s *Site) openStore(ctx context.Context) error {
	key, err := secretFile(filepath.Join(s.opt.Dir, "site.key"), 32)
	if err != nil {
		return fmt.Errorf("site key: %w", err)
	}
	cfg := store.Config{Driver: store.SQLite, DSN: filepath.Join(s.opt.Dir, "repository.db"), SiteKey: key, Log: s.log.repository.Logger}
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
	o.Dir, o.SiteConnections, o.Log = s.opt.AppsDir(), true, s.log.engine.Logger
	if s.lib, err = app.NewLibrary(o); err != nil {
		return err
	}
	if err := os.MkdirAll(s.opt.importDir(), 0o755); err != nil {
		return err
	}
	content, err := repository.OpenContent(s.opt.contentDir())
	if err != nil {
		return err
	}
	logs := repository.ScriptLogs(filepath.Join(logDir(s.opt.Dir), "Script"))
	s.repo, err = repository.Open(ctx, repository.Options{
		Store: s.store, Files: files, Engine: NewApps(s.lib), Content: content, Directories: newDirectories(), CheckSchedule: checkSchedule, ImportDir: s.opt.importDir(), ScriptLogs: logs, Member: !s.opt.central(), Log: s.log.repository.Logger,
	})
	if err != nil {
		return err
	}
	on := &board{db: s.store, logs: logs, ended: s.attemptEnded}
	s.tasks = tasks{on, scheduler.NewManager(on, s.schedulerSettings())}
	return nil
}

func (s *Site) openAPI(context.Context) (err error) {
	server := api.New(api.Options{Repository: s.repo, Tasks: s.tasks, SAMLMetadata: (&door{store: s.store, saml: s.certs.SAML}).samlMetadata, Log: s.log.repository.Logger, ClientLog: s.log.repository.trace, About: api.About{BuildVersion: s.opt.Version, BuildDate: buildDate(), DatabaseProvider: s.database(), NodeType: 1}})
	s.api = internal(s.log.repository.Logger, s.watched(func(ctx *fasthttp.RequestCtx) { s.serveInternal(server, ctx) }))
	s.apiAt, err = net.Listen("tcp", s.opt.Repository)
	return err
}

func (s *Site) schedulerSettings() scheduler.Settings {
	return scheduler.Settings{Now: time.Now, NewID: uuid.NewString, Log: s.log.scheduler.Logger, Counts: &s.counts, Unclaimed: s.unclaimed}
}

// openWorker makes the worker of a node, which runs as many tasks at a time as
// the settings of its scheduler say.
func (s *Site) openWorker(ctx context.Context) error {
	s.worker = s.newWorker(1)
	return s.setWorker(ctx)
}

func (s *Site) newWorker(slots int) *scheduler.Worker {
	x := &executor{repo: s.repo, store: s.store, logs: s.tasks.board.logs, log: s.log.scheduler.trace, users: s.log.repository, programs: s.opt.Programs}
	return scheduler.NewWorker(s.opt.name()+" "+uuid.NewString(), slots, s.tasks.board, x, s.schedulerSettings())
}

// workers are those of this node.
func (s *Site) workers() (list []*scheduler.Worker) {
	for _, w := range []*scheduler.Worker{s.worker, s.syncer} {
		if w != nil {
			list = append(list, w)
		}
	}
	return list
}

// syncsMax is how many user directories are synchronised at a time.
const syncsMax = 2

// openSyncer makes the worker that synchronises user directories.
func (s *Site) openSyncer(context.Context) error {
	s.syncer = s.newWorker(syncsMax)
	s.syncer.Queue = syncQueue
	return nil
}

func (s *Site) database() string {
	if s.opt.Database != "" {
		return "PostgreSQL"
	}
	return "SQLite"
}

// FirstUser is the name of the first administrator.
const FirstUser = "admin"

// firstAdministrator makes an account where there is none, so that somebody can
// log in.
func (s *Site) firstAdministrator(ctx context.Context) error {
	s.accounts = NewAccounts(filepath.Join(s.opt.Dir, "accounts.json"))
	if empty, err := s.accounts.Empty(); err != nil || !empty {
		return err
	}
	id, _, err := s.repo.LogIn(ctx, &repository.Caller{Directory: LocalDirectory, ID: FirstUser}, "Administrator")
	if err != nil {
		return err
	}
	if err := s.repo.MakeAdministrator(ctx, id); err != nil {
		return err
	}
	password, err := s.accounts.Reset(FirstUser)
	if err == nil && s.opt.FirstPassword != nil {
		s.opt.FirstPassword(FirstUser, password)
	}
	return err
}

func (s *Site) openEngine(context.Context) (err error) {
	at := s.opt.Engine
	if at == "" {
		at = "127.0.0.1:0"
	}
	// Whoever has no certificate of the site is kept out.
	s.engine, err = enginehost.New(enginehost.Options{
		Addr: at, AllowRemote: true, TLS: s.certs.ServerTLS(), Gate: Gate(s.repo, s.lib), Log: s.log.engine.Logger,
		Trace: s.log.engine.trace, Audit: s.log.engine.events(), Version: s.opt.Version, Metrics: s.metrics.Handler(),
	}, s.lib)
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
	until := func(f func(context.Context)) { g.Go(func() error { f(within); return nil }) }
	if s.engine != nil {
		run("engine", s.engine.Serve)
		until(s.followApps)
		until(s.followSettings(s.setEngine, "EngineService", "EngineServiceSettings"))
	}
	if s.api != nil {
		run("repository", func() error { return s.api.Serve(tlsListener(s.apiAt, s.certs, s.log.repository.Logger)) })
		until(s.notify)
	}
	if s.proxy != nil {
		run("pages", func() error { return s.pages.Serve(tlsListener(s.pagesAt, s.certs, s.log.proxy.Logger)) })
		run("proxy", func() error { return s.proxy.ServeTLS(s.proxyAt, s.frontEnd.TLS()) })
		run("REST of the proxy", func() error { return s.rest.Serve(s.restAt, s.certs.ServerTLS()) })
		until(s.followSettings(s.fleet.read, "ServerNodeConfiguration", "EngineService"))
		until(s.followSettings(s.setDoor, "ProxyService", "VirtualProxyConfig"))
		until(s.fleet.watch)
		until(s.followServices)
		until(s.followUsers)
		until(s.followSettings(s.setFrontEnd, "ProxyService", "ProxyServiceSettings"))
	}
	if s.opt.central() && s.opt.Roles.Scheduler {
		until(s.tasks.manager.Run)
		until(s.followPlan)
	}
	if s.worker != nil {
		until(s.followSettings(s.setWorker, "SchedulerService", "SchedulerServiceSettings"))
	}
	for _, w := range s.workers() {
		until(w.Run)
	}
	if s.metricsAt != nil {
		until(s.serveMetrics)
	}
	until(s.renew)
	until(s.followLevels)
	until(s.archiveLogs)
	until(s.tellPerformance)
	err := s.ready(within)
	if err != nil {
		cancel()
	}
	<-within.Done()
	return errors.Join(err, s.stop(), g.Wait())
}

// notify tells subscribers of changes, over connections within the site.
func (s *Site) notify(ctx context.Context) {
	client := callback.New(s.certs.ClientTLS())
	defer client.Close()
	s.repo.Notify(ctx, client.Post)
}

// ready tells that the site answers, once the proxy knows which engines do.
func (s *Site) ready(ctx context.Context) error {
	if s.fleet != nil {
		if err := s.fleet.read(ctx); err != nil {
			return err
		}
	}
	if s.opt.Ready != nil {
		s.opt.Ready(s)
	}
	return nil
}

// renew makes certificates anew before they end.
func (s *Site) renew(ctx context.Context) {
	tick := time.NewTicker(24 * time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.certs.Renew(); err != nil {
				s.opt.Log.Error("certificates could not be made anew", "err", err)
			}
		}
	}
}

// graceMax is how long stopping waits for requests and sockets.
const graceMax = 10 * time.Second

// stop stops what answers, in the reverse order of the start.
func (s *Site) stop() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), graceMax)
	defer cancel()
	if s.proxy != nil {
		err = errors.Join(s.proxy.Shutdown(ctx), s.rest.Shutdown(ctx), s.pages.ShutdownWithContext(ctx))
	}
	if s.engine != nil {
		err = errors.Join(err, s.engine.Shutdown(ctx))
	}
	if s.api != nil {
		err = errors.Join(err, s.api.ShutdownWithContext(ctx))
	}
	return err
}

// close gives up what is open, whatever came up of it.
func (s *Site) close() (err error) {
	for _, l := range []net.Listener{s.apiAt, s.pagesAt, s.proxyAt, s.restAt, s.metricsAt} {
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
	if s.logs != nil {
		err = errors.Join(err, s.logs.close())
	}
	return err
}

// MetricsAddr is where the metrics are, nil if they are nowhere.
func (s *Site) MetricsAddr() net.Addr {
	if s.metricsAt == nil {
		return nil
	}
	return s.metricsAt.Addr()
}
