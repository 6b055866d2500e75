package site

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/telemetry"
)

// logs are the log files of a node: of each service what it did, the traces of
// that by facility, and who did what. A log that cannot be written is told to
// the console; the services go on.
type logs struct {
	console *slog.Logger
	dir     string // where services have files of appenders
	options telemetry.Options
	open    []io.Closer

	failures atomic.Int64 // rows that could not be written
	told     atomic.Int64 // when that was told last, Unix seconds
}

// tellAfter is how long nothing is told of rows that cannot be written, once it
// was: on a full disk that is each of them.
const tellAfter = time.Minute

func openLogs(o *Options) (*logs, error) {
	key, err := auditKey(o.Dir)
	if err != nil {
		return nil, err
	}
	site, err := secretFile(filepath.Join(o.Dir, "site.key"), 32)
	if err != nil {
		return nil, fmt.Errorf("site key: %w", err)
	}
	salt := hmac.New(sha256.New, site) // one for all nodes: a session has one hash in all logs
	salt.Write([]byte("sessions in logs"))
	l := &logs{console: o.Log, dir: o.ownDir()}
	l.options = telemetry.Options{Root: logDir(o.ownDir()), Archive: archiveDir(o.Dir, o.name()), Version: o.Version, Salt: salt.Sum(nil), Signer: signer(key), Failed: l.failed}
	return l, nil
}

// failed tells of a row that could not be written.
func (l *logs) failed(err error) {
	n, now, last := l.failures.Add(1), time.Now().Unix(), l.told.Load()
	if now-last >= int64(tellAfter/time.Second) && l.told.CompareAndSwap(last, now) {
		l.console.Error("a log cannot be written", "err", err, "rows", n)
	}
}

// A serviceLog is the logs of a service.
type serviceLog struct {
	*slog.Logger                   // to the console and to the files
	trace        *slog.Logger      // to the trace logs alone, for rows that are too many for the console
	audit        *telemetry.Audit  // who did what
	levels       *telemetry.Levels // how much is told
}

// events is where a service tells who did what: to the audit logs, and to the
// trace log of that name.
func (l *serviceLog) events() *slog.Logger {
	trace := l.trace.With(telemetry.FacilityKey, "Audit").Handler()
	return slog.New(slog.NewMultiHandler(l.audit.Handler(), trace))
}

// appendersFile is where a service looks for appenders, in its folder.
const appendersFile = "LocalLogConfig.xml"

// service opens the logs of a service. Files appear with their first rows.
func (l *logs) service(name string) (*serviceLog, error) {
	o, x := l.options, &serviceLog{levels: &telemetry.Levels{}}
	o.Service, o.Levels = name, x.levels
	appenders, bad := telemetry.ReadAppenders(filepath.Join(l.dir, name, appendersFile), o, os.Stderr)
	o.Appenders = appenders
	service, err := telemetry.NewService(o)
	if err != nil {
		return nil, err
	}
	trace, err := telemetry.NewTrace(o)
	if err != nil {
		return nil, err
	}
	if x.audit, err = telemetry.NewAudit(o); err != nil {
		return nil, err
	}
	l.open = append(l.open, service, trace, x.audit, appenders)
	x.Logger, x.trace = slog.New(slog.NewMultiHandler(l.console.Handler(), service, trace)), slog.New(trace)
	if bad != nil {
		x.Error("the appenders of a log are not heeded", "err", bad)
	}
	if appenders != nil {
		for _, w := range appenders.Warnings {
			x.Error("appenders of a log", "err", w)
		}
	}
	return x, nil
}

func (l *logs) close() (err error) {
	for _, c := range l.open {
		err = errors.Join(err, c.Close())
	}
	return err
}

// serviceLogs are the logs of the services of a node.
type serviceLogs struct{ repository, proxy, engine, scheduler *serviceLog }

func (l *serviceLogs) each() map[string]**serviceLog {
	return map[string]**serviceLog{"Repository": &l.repository, "Proxy": &l.proxy, "Engine": &l.engine, "Scheduler": &l.scheduler}
}

func (s *Site) openLogs(context.Context) (err error) {
	if s.logs, err = openLogs(&s.opt); err != nil {
		return err
	}
	for name, to := range s.log.each() {
		if *to, err = s.logs.service(name); err != nil {
			return err
		}
	}
	return nil
}

// archiveEvery is how often files of logs that were rolled over are archived.
const archiveEvery = 10 * time.Minute

// archiveLogs archives them until ctx ends, those of earlier starts at once.
func (s *Site) archiveLogs(ctx context.Context) {
	tick := time.NewTicker(archiveEvery)
	defer tick.Stop()
	told := ""
	for {
		_, err := telemetry.ArchiveRolled(s.logs.options)
		if err != nil && err.Error() != told {
			s.opt.Log.Error("logs could not be archived", "err", err)
			told = err.Error()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// followLevels has the logs tell as much as the repository's entities say.
func (s *Site) followLevels(ctx context.Context) {
	var types []string
	for name := range s.log.each() {
		types = append(types, name+"Service", name+"ServiceSettings", name+"ServiceSettingsLogVerbosity")
	}
	s.followSettings(s.setLevels, types...)(ctx)
}

func (s *Site) setLevels(ctx context.Context) error {
	for name, log := range s.log.each() {
		services, err := s.store.List(ctx, name+"Service", store.Query{Where: filter.Equal("serverNodeConfiguration.id", s.node)})
		if err != nil {
			return fmt.Errorf("levels of logs: %w", err)
		}
		for _, e := range services {
			(*log).levels.Set(verbosities(objectOf(e.Doc["settings"])))
		}
	}
	return nil
}

// verbosities reads the levels from the settings of a service: the engine has
// them as sessionLogVerbosity, others as logVerbositySession in an object of
// their own.
func verbosities(settings map[string]any) map[string]telemetry.Verbosity {
	by := map[string]telemetry.Verbosity{}
	for key, v := range settings {
		if facility, ok := strings.CutSuffix(key, "LogVerbosity"); ok && facility != "" {
			by[engineFacility(facility)] = telemetry.Verbosity(whole(v))
		}
	}
	for key, v := range objectOf(settings["logVerbosity"]) {
		facility, ok := strings.CutPrefix(key, "logVerbosity")
		switch {
		case !ok:
		case facility == "License": // 0 is Info, 1 is Debug
			by[facility] = telemetry.Info + telemetry.Verbosity(whole(v))
		default:
			by[facility] = telemetry.Verbosity(whole(v))
		}
	}
	return by
}

func engineFacility(name string) string {
	if name == "sse" {
		return "SSE"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
