package site

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"

	"github.com/cognate-bi/cognate/services/telemetry"
)

// logs are the log files of a node: of each service what it did, the traces of
// that by facility, and who did what. A log that cannot be written is told to
// the console; the services go on.
type logs struct {
	console *slog.Logger
	options telemetry.Options
	open    []io.Closer
}

func openLogs(o *Options) (*logs, error) {
	key, err := auditKey(o.Dir)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, 32) // one for all: a session has one hash in all logs
	_, _ = rand.Read(salt)   // never fails
	return &logs{console: o.Log, options: telemetry.Options{
		Root: logDir(o.ownDir()), Version: o.Version, Salt: salt, Signer: signer(key),
		Failed: func(err error) { o.Log.Error("a log cannot be written", "err", err) },
	}}, nil
}

// A serviceLog is the logs of a service.
type serviceLog struct {
	*slog.Logger                  // to the console and to the files
	trace        *slog.Logger     // to the trace logs alone, for rows that are too many for the console
	audit        *telemetry.Audit // who did what
}

// service opens the logs of a service. Files appear with their first rows.
func (l *logs) service(name string) (*serviceLog, error) {
	o := l.options
	o.Service = name
	service, err := telemetry.NewService(o, nil)
	if err != nil {
		return nil, err
	}
	trace, err := telemetry.NewTrace(o, nil)
	if err != nil {
		return nil, err
	}
	audit, err := telemetry.NewAudit(o)
	if err != nil {
		return nil, err
	}
	l.open = append(l.open, service, trace, audit)
	return &serviceLog{slog.New(slog.NewMultiHandler(l.console.Handler(), service, trace)), slog.New(trace), audit}, nil
}

func (l *logs) close() (err error) {
	for _, c := range l.open {
		err = errors.Join(err, c.Close())
	}
	return err
}

// serviceLogs are the logs of the services of a node.
type serviceLogs struct{ repository, proxy, engine, scheduler *serviceLog }

func (s *Site) openLogs(context.Context) (err error) {
	if s.logs, err = openLogs(&s.opt); err != nil {
		return err
	}
	for name, to := range map[string]**serviceLog{"Repository": &s.log.repository, "Proxy": &s.log.proxy, "Engine": &s.log.engine, "Scheduler": &s.log.scheduler} {
		if *to, err = s.logs.service(name); err != nil {
			return err
		}
	}
	return nil
}
