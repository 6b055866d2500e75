package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/google/uuid"
)

var serviceColumns = []string{
	"Sequence#", "ProductVersion", "Timestamp", "Severity", "HostName", "Id", "Description", "ProxySessionId", "ProxyPackageId", "RequestSequenceId",
	"UserDirectory", "UserId", "ObjectId", "ObjectName", "Service", "Origin", "Context", "Command", "Result", "Message", "Id2",
}

// A Service is the service log of a service, as a handler of structured logs.
// Records become rows; attributes that have no column go behind the message as
// key=value.
type Service struct {
	o     *Options
	file  *rolling
	given given
}

var _ slog.Handler = (*Service)(nil)

// serviceFacility names the service log among levels and loggers.
const serviceFacility = "Service"

// NewService opens the service log of a service. How much is written is said by
// Options.Levels.
func NewService(o Options) (*Service, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Service{o: &o, file: newRolling(&o, "System", "Service", engineColumns(o.Service, serviceColumns))}, nil
}

// engineColumns are the columns of a service or audit log, to which the engine
// adds two, before the last one.
func engineColumns(service string, columns []string) []string {
	if service != "Engine" {
		return columns
	}
	last := len(columns) - 1
	return append(columns[:last:last], "EngineTimestamp", "EngineVersion", columns[last])
}

// Close rolls the file over.
func (s *Service) Close() error { return s.file.close() }

// Enabled implements [slog.Handler].
func (s *Service) Enabled(_ context.Context, level slog.Level) bool {
	return level >= s.o.Levels.of(serviceFacility)
}

// WithAttrs implements [slog.Handler].
func (s *Service) WithAttrs(attrs []slog.Attr) slog.Handler {
	t := *s
	t.given = s.given.with(attrs)
	return &t
}

// WithGroup implements [slog.Handler].
func (s *Service) WithGroup(name string) slog.Handler {
	t := *s
	t.given = s.given.in(name)
	return &t
}

// Handle implements [slog.Handler].
func (s *Service) Handle(_ context.Context, r slog.Record) error {
	x := newRecord(s.o, r, s.given)
	x.logger = loggerName(serviceFacility, s.o.Service, x.values[ClassKey])
	e := x.event()
	e.ResultText = r.Message
	if e.Result == 0 && r.Level >= slog.LevelWarn {
		e.Result = 500
	}
	x.message = x.text()
	if err := x.values[errKey]; err != "" {
		x.message += " err=" + quoted(err)
	}
	row := []string{s.o.Version, r.Time.Format(timestamp), severity(r.Level), s.o.Machine, uuid.NewString(), e.description(), or(x.values["proxysessionid"], "0")}
	row = append(row, e.who()...)
	row = append(row, s.o.Service, e.Origin.String(), or(e.Context, notAvailable), or(e.Command, notAvailable), fmt.Sprint(e.Result), x.message)
	if s.o.Service == "Engine" {
		row = append(row, r.Time.Format(timestamp), s.o.Version)
	}
	s.file.write(append(row, uuid.NewString())...)
	s.o.Appenders.append(x)
	return nil
}

// quoted quotes a value that has blanks or quotes.
func quoted(v string) string {
	if strings.ContainsAny(v, " \"=") || v == "" {
		return fmt.Sprintf("%q", v)
	}
	return v
}

func severity(l slog.Level) string {
	switch {
	case l >= LevelFatal:
		return "Fatal"
	case l >= slog.LevelError:
		return "Error"
	case l >= slog.LevelWarn:
		return "Warning"
	case l >= slog.LevelInfo:
		return "Info"
	}
	return "Debug"
}
