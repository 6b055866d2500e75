package site

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/services/certs"
	"github.com/cognate-bi/cognate/services/proxy"
	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// settings are those of a service of this node, as its row in the repository
// has them.
type settings map[string]any

// settingsOf returns the settings of the service of a type. Without a row there
// are none.
func (s *Site) settingsOf(ctx context.Context, typ string) (settings, error) {
	services, err := s.store.List(ctx, typ, store.Query{Where: filter.Equal("serverNodeConfiguration.id", s.node)})
	if err != nil || len(services) == 0 {
		return nil, err
	}
	return objectOf(services[0].Doc["settings"]), nil
}

// number returns a setting; one that is not there is otherwise.
func (s settings) number(name string, otherwise int) int {
	if _, ok := s[name].(json.Number); !ok {
		return otherwise
	}
	return whole(s[name])
}

func (s settings) text(name string) string {
	text, _ := s[name].(string)
	return text
}

// Defaults of settings, where a row has none.
const (
	documentTimeout   = 28_800 // seconds
	workingSetHigh    = 90     // percent
	unlimited         = -1
	ignoreWorkingSet  = 2 // a mode of the working set
	concurrentReloads = 4
	logInterval       = 5 // minutes
	keepAlive         = 10
	headerBytes       = 16_384
	headerLines       = 100
)

// setEngine has the engine of this node keep to the limits of its settings.
func (s *Site) setEngine(ctx context.Context) error {
	set, err := s.settingsOf(ctx, "EngineService")
	if err != nil {
		return err
	}
	s.lib.SetLimits(engineLimits(set, s.opt.Library.MemoryMax, s.opt.Memory))
	s.engine.SetPerformanceEvery(time.Duration(set.number("globalLogMinuteInterval", logInterval)) * time.Minute)
	return nil
}

// engineLimits reads the limits of an engine. The command line bounds the memory
// of apps, too; all is what there is of it, 0 = not known.
func engineLimits(set settings, allowed, all int64) app.Limits {
	x := app.Limits{MemoryMax: allowed, IdleTTL: time.Duration(set.number("documentTimeout", documentTimeout)) * time.Second}
	high := all / 100 * int64(set.number("workingSetSizeHiPct", workingSetHigh))
	if high > 0 && set.number("workingSetSizeMode", 0) != ignoreWorkingSet && (allowed <= 0 || high < allowed) {
		x.MemoryMax = high
	}
	if n := set.number("reloadTimeLimitSec", unlimited); n > 0 {
		x.ReloadTime = time.Duration(n) * time.Second
	}
	if n := set.number("objectTimeLimitSec", unlimited); n > 0 {
		x.ObjectTime = time.Duration(n) * time.Second
	}
	if n := set.number("reloadMemoryLimit", unlimited); n > 0 {
		x.ReloadBytes = int64(n)
	}
	return x
}

// setWorker has the worker of this node run as many tasks at a time as its
// settings say.
func (s *Site) setWorker(ctx context.Context) error {
	set, err := s.settingsOf(ctx, "SchedulerService")
	if err != nil {
		return err
	}
	s.worker.SetSlots(set.number("maxConcurrentEngines", concurrentReloads))
	return nil
}

// setFrontEnd has the proxy show users the certificate whose thumbprint is in
// its settings. One that does not count leaves the one before.
func (s *Site) setFrontEnd(ctx context.Context) error {
	set, err := s.settingsOf(ctx, "ProxyService")
	if err != nil {
		return err
	}
	thumbprint := set.text("sslBrowserCertificateThumbprint")
	if thumbprint == "" {
		s.frontEnd.Reset()
		return nil
	}
	chain, key, err := certs.Find(s.opt.browserCerts(), thumbprint)
	if err == nil {
		err = s.frontEnd.Set(chain, key, s.opt.Names...)
	}
	if err != nil {
		s.log.proxy.Error("the certificate for browsers stays as it is", "err", err)
	}
	return nil
}

// browserCerts is the folder of certificates for browsers, signed by others.
func (o *Options) browserCerts() string { return filepath.Join(o.ownDir(), "Certificates", "Browser") }

// headLimits are those of requests, as the settings of the proxy say.
func headLimits(set settings, l *proxy.Limits) {
	l.KeepAlive = time.Duration(set.number("keepAliveTimeoutSeconds", keepAlive)) * time.Second
	l.HeaderBytes, l.HeaderLines = set.number("maxHeaderSizeBytes", headerBytes), set.number("maxHeaderLines", headerLines)
}
