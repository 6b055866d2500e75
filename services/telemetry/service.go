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
	level slog.Leveler
	attrs []slog.Attr
	group string // of the attributes to come, with its dot
}

var _ slog.Handler = (*Service)(nil)

// NewService opens the service log of a service.
func NewService(o Options, level slog.Leveler) (*Service, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if level == nil {
		level = slog.LevelInfo
	}
	return &Service{o: &o, file: newRolling(&o, "System", "Service", serviceColumns), level: level}, nil
}

// Close rolls the file over.
func (s *Service) Close() error { return s.file.close() }

// Enabled implements [slog.Handler].
func (s *Service) Enabled(_ context.Context, level slog.Level) bool { return level >= s.level.Level() }

// WithAttrs implements [slog.Handler].
func (s *Service) WithAttrs(attrs []slog.Attr) slog.Handler {
	t := *s
	t.attrs = s.attrs[:len(s.attrs):len(s.attrs)]
	for _, a := range attrs {
		a.Key = s.group + a.Key
		t.attrs = append(t.attrs, a)
	}
	return &t
}

// WithGroup implements [slog.Handler].
func (s *Service) WithGroup(name string) slog.Handler {
	t := *s
	if name != "" {
		t.group += name + "."
	}
	return &t
}

// Handle implements [slog.Handler].
func (s *Service) Handle(_ context.Context, r slog.Record) error {
	var rest strings.Builder
	rest.WriteString(r.Message)
	user, directory, result := "", "", "0"
	take := func(a slog.Attr) {
		switch v := a.Value.Resolve().String(); a.Key {
		case "user":
			user = v
		case "directory":
			directory = v
		case "result":
			result = v
		default:
			fmt.Fprintf(&rest, " %s=%s", a.Key, quoted(v))
		}
	}
	for _, a := range s.attrs {
		take(a)
	}
	r.Attrs(func(a slog.Attr) bool {
		a.Key = s.group + a.Key
		take(a)
		return true
	})
	if user == "" {
		directory, user = "System", "System"
	}
	s.file.write(
		s.o.Version, r.Time.Format(timestamp), severity(r.Level), s.o.Machine, uuid.NewString(), r.Message, "0", "0", "0",
		directory, user, "0", notAvailable, s.o.Service, OriginUnknown.String(), notAvailable, notAvailable, result, rest.String(), uuid.NewString(),
	)
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
	case l >= slog.LevelError:
		return "Error"
	case l >= slog.LevelWarn:
		return "Warning"
	case l >= slog.LevelInfo:
		return "Info"
	}
	return "Debug"
}
