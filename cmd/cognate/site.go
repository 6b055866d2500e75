package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/site"
	"github.com/cognate-bi/cognate/services/web"
	"github.com/cognate-bi/cognate/services/web/sample"
)

// version is that of the product.
const version = "0.1.0"

// siteCmd is a node with all services: people log in, rules say who sees what.
type siteCmd struct {
	sealFlags
	Dir        string            `help:"Folder of the site: certificates, database, accounts, apps." default:"site" type:"path"`
	Node       string            `help:"Name of this node, for one beside the central one; they share the folder and a PostgreSQL." placeholder:"NAME"`
	Roles      []string          `help:"What the node runs: proxy, engine, scheduler; default: all on the central node, engine and scheduler on others."`
	Listen     string            `help:"Address for users." default:"127.0.0.1:8443"`
	Rest       string            `help:"Address of the proxy for programs with a certificate of the site: tickets and sessions." default:"127.0.0.1:4243"`
	Repository string            `help:"Address of the repository for programs with a certificate of the site." default:"127.0.0.1:4242"`
	Engine     string            `help:"Address of the engine, for the proxy." default:"127.0.0.1:0"`
	Program    []string          `help:"Program, with its folder, that external program tasks may run on this node." placeholder:"PATH"`
	Metrics    string            `help:"Address of GET /metrics for Prometheus, without TLS and without a log-in; default: none." placeholder:"ADDR"`
	Trust      []netip.Prefix    `help:"Addresses that may name the user in a header, where a virtual proxy takes that for a log-in." placeholder:"CIDR"`
	Database   string            `help:"Address of a PostgreSQL, as postgres://user:password@host/name; default: a file in the folder." placeholder:"URL" env:"COGNATE_DATABASE"`
	Name       []string          `help:"Another name or address of this machine, for its certificate." placeholder:"NAME"`
	Folder     map[string]string `help:"Folder connection NAME=PATH that all scripts may use as lib://NAME/." placeholder:"NAME=PATH"`
	Memory     string            `help:"What apps and the results kept for them may take: 8g, 512m, off, auto." default:"auto"`
	Sample     string            `help:"Folder of the package vega-datasets: makes and publishes the sample app of US flights on the first start." type:"path" placeholder:"DIR"`
	Audit      bool              `help:"Verify the audit security logs of the site, and end."`
	Profile    string            `help:"Address of this machine that answers with profiles of the process, as 127.0.0.1:6060." placeholder:"ADDR"`
	Password   string            `help:"Give this user a new password, print it, and end." placeholder:"USER"`
}

// Run serves the site.
func (c *siteCmd) Run(ctx context.Context, log *slog.Logger) error {
	if c.Audit {
		v, err := site.VerifyAudit(c.Dir)
		if err == nil {
			fmt.Printf("%d rows in %d files are as they were written, %d signatures are valid\n", v.Rows, v.Files, v.Signatures)
		}
		return err
	}
	if c.Password != "" {
		password, err := site.NewAccounts(filepath.Join(c.Dir, "accounts.json")).Reset(c.Password)
		if err == nil {
			fmt.Println(password)
		}
		return err
	}
	o, err := c.options(log)
	if err != nil {
		return err
	}
	if c.Profile != "" {
		stopProfiles, err := serveProfiles(c.Profile, log)
		if err != nil {
			return err
		}
		defer stopProfiles()
	}
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o.FirstPassword = func(user, password string) {
		fmt.Fprintf(os.Stderr, "\n  The administrator of this site: user name %s, password %s\n  It is shown once. A new one: cognate site --dir %s --password %s\n\n", user, password, c.Dir, user)
	}
	o.Ready = func(s *site.Site) {
		c.listening(s, log)
		if c.Sample == "" || c.Node != "" {
			return
		}
		go func() {
			if err := publishSample(ctx, s, log); err != nil {
				failed <- err
				cancel()
			}
		}()
	}
	err = site.Run(ctx, o)
	select {
	case why := <-failed:
		return fmt.Errorf("sample app: %w", why)
	default:
		return err
	}
}

// listening tells where the node answers.
func (c *siteCmd) listening(s *site.Site, log *slog.Logger) {
	at := []any{"folder", c.Dir}
	if s.EngineAddr() != nil {
		at = append(at, "engine", s.EngineAddr())
	}
	if c.Node != "" {
		log.Info("node is running", append(at, "node", c.Node)...)
		return
	}
	if s.RestAddr() != nil {
		at = append(at, "url", s.URL(), "tickets", s.RestAddr())
	}
	log.Info("listening", append(at, "repository", s.RepositoryAddr())...)
}

func (c *siteCmd) options(log *slog.Logger) (site.Options, error) {
	lib, err := c.appOptions(log)
	if err != nil {
		return site.Options{}, err
	}
	if lib.MemoryMax, err = parseBytes(c.Memory); err != nil {
		return site.Options{}, err
	}
	limitHeap(lib.MemoryMax)
	collectOften()
	if lib.Folders = c.Folder; c.Sample != "" {
		if lib.Folders == nil {
			lib.Folders = map[string]string{}
		}
		lib.Folders["vega"] = c.Sample
	}
	roles, err := site.ParseRoles(c.Roles, c.Node == "")
	if err != nil {
		return site.Options{}, err
	}
	return site.Options{
		Dir: c.Dir, Node: c.Node, Roles: roles, Listen: c.Listen, Rest: c.Rest, Engine: c.Engine, TrustedHeaders: c.Trust, Programs: c.Program, Metrics: c.Metrics, Repository: c.Repository, Database: c.Database, Names: c.Name, Page: web.Handler(), Library: lib, Memory: memoryAllowed(), Log: log, Version: version,
	}, nil
}

// publishSample makes the sample app, unless there is one, and publishes it to
// everyone.
func publishSample(ctx context.Context, s *site.Site, log *slog.Logger) error {
	self := repository.Service("repository")
	app := s.Repo().Schema().Type("App")
	n, err := s.Repo().Count(ctx, &self, app, repository.Query{Filter: "name eq '" + sample.Title + "'"})
	if err != nil || n > 0 {
		return err
	}
	if err := makeSample(ctx, s.Library(), log); err != nil {
		return err
	}
	id, err := s.Library().Resolve(sample.Title)
	if err != nil {
		return err
	}
	info, err := site.NewApps(s.Library()).Info(id)
	if err != nil {
		return err
	}
	owner := repository.Caller{Directory: site.LocalDirectory, ID: site.FirstUser}
	if err := s.Repo().Adopt(ctx, &owner, id, info); err != nil {
		return err
	}
	if _, err := s.Repo().Publish(ctx, &self, id, rules.EveryoneStreamID, ""); err != nil {
		return err
	}
	log.Info("sample app published", "app", sample.Title, "stream", "Everyone")
	return scheduleSample(ctx, s, id)
}

// scheduleSample has the sample app reloaded every hour.
func scheduleSample(ctx context.Context, s *site.Site, appID string) error {
	self := repository.Service("repository")
	hourly := map[string]any{
		"name": "Hourly", "enabled": true, "timeZone": "UTC", "daylightSavingTime": json.Number("0"), "incrementOption": json.Number("1"), "incrementDescription": "0 1 0 0",
		"startDate": time.Now().Add(time.Minute).UTC().Format("2006-01-02T15:04:05.000Z"), "expirationDate": "9999-01-01T00:00:00.000Z",
		"schemaFilterDescription": []any{"* * - * * * * *"},
	}
	_, err := s.Repo().CreateTask(ctx, &self, s.Repo().Schema().Type("ReloadTask"), repository.TaskChange{Task: map[string]any{
		"name": "Reload of " + sample.Title, "app": map[string]any{"id": appID}, "enabled": true, "taskSessionTimeout": json.Number("60"), "maxRetries": json.Number("1"),
	}, SchemaEvents: []map[string]any{hourly}})
	return err
}
