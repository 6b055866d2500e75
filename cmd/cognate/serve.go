package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/qix"
	"github.com/cognate-bi/cognate/services/enginehost"
	"github.com/cognate-bi/cognate/services/web"
)

// hostFlags are what serve and engine have in common.
type hostFlags struct {
	sealFlags
	Listen      string            `help:"Address to listen on; port 0 takes a free one." default:"127.0.0.1:4848"`
	AllowRemote bool              `help:"Listen on an address that other machines reach. There is no authentication yet."`
	AllowOrigin []string          `help:"Origin (https://host:port) whose pages may open sockets, besides those of this machine." placeholder:"ORIGIN"`
	Apps        string            `help:"Folder of the apps." default:"apps" type:"path"`
	Folder      map[string]string `help:"Folder connection NAME=PATH that all scripts may use as lib://NAME/." placeholder:"NAME=PATH"`
	SessionTTL  time.Duration     `help:"How long a session lives after its last socket." default:"0s"`
	MaxFrame    int               `help:"Largest frame of a client, in bytes." default:"104857600"`
	Memory      string            `help:"What apps and the results kept for them may take: a size as 8g or 512m, off, or auto (three quarters of the machine's memory). Results are given up before apps, and apps that nobody has open before others." default:"auto"`
	AppTTL      time.Duration     `help:"How long an app stays in memory after its last user." default:"10m"`
	Workers     int               `help:"Goroutines of one calculation; 0 = all processors." default:"0"`
	AddrFile    string            `help:"File that the address is written to once the server listens." type:"path" hidden:""`
}

// engineCmd is the engine without the page.
type engineCmd struct{ hostFlags }

// Run serves the engine alone.
func (c *engineCmd) Run(ctx context.Context, log *slog.Logger) error {
	lib, err := c.library(log)
	if err != nil {
		return err
	}
	return c.serve(ctx, log, lib, nil)
}

// serveCmd is the engine and the page.
type serveCmd struct {
	hostFlags
	Sample string `help:"Folder of the package vega-datasets: makes the sample app of US flights from it on the first start." type:"path" placeholder:"DIR"`
}

// Run serves the engine and the page.
func (c *serveCmd) Run(ctx context.Context, log *slog.Logger) error {
	if c.Sample != "" {
		if c.Folder == nil {
			c.Folder = map[string]string{}
		}
		c.Folder["vega"] = c.Sample
	}
	lib, err := c.library(log)
	if err != nil {
		return err
	}
	if c.Sample != "" {
		if err := makeSample(ctx, lib, log); err != nil {
			return fmt.Errorf("sample app: %w", err)
		}
	}
	return c.serve(ctx, log, lib, web.Handler())
}

func (c *hostFlags) library(log *slog.Logger) (*app.Library, error) {
	o, err := c.appOptions(log)
	if err != nil {
		return nil, err
	}
	if o.MemoryMax, err = parseBytes(c.Memory); err != nil {
		return nil, err
	}
	limitHeap(o.MemoryMax)
	o.Dir, o.Folders, o.Workers, o.IdleTTL = c.Apps, c.Folder, c.Workers, c.AppTTL
	return app.NewLibrary(o)
}

// serve runs until ctx ends, then lets clients go.
func (c *hostFlags) serve(ctx context.Context, log *slog.Logger, lib *app.Library, page http.Handler) error {
	host, err := enginehost.New(enginehost.Options{
		Version: version,
		Addr:    c.Listen, AllowRemote: c.AllowRemote, Origins: c.AllowOrigin, Page: page, SessionTTL: c.SessionTTL,
		Limits: qix.Limits{FrameBytes: c.MaxFrame}, Log: log,
	}, lib)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- host.Serve() }()
	log.Info("listening", "url", "http://"+host.Addr().String()+"/", "apps", c.Apps)
	if c.AddrFile != "" {
		if err := os.WriteFile(c.AddrFile, []byte(host.Addr().String()), 0o644); err != nil {
			return err
		}
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("shutting down")
	return host.Shutdown(context.WithoutCancel(ctx))
}
