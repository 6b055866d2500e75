package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// A handler writes structured logs as rows of the audit logs: every record is
// an activity, and what bears on security a row of the security log, too.
type handler struct {
	audit *Audit
	attrs []slog.Attr
}

// Handler returns a handler of structured logs that writes to the audit logs.
// Attributes user (DIRECTORY\id), session, address, prefix and reason have
// places of their own; others go behind the message. Warnings, and the beginning
// and end of sessions, bear on security.
func (a *Audit) Handler() slog.Handler { return &handler{audit: a} }

// Enabled implements [slog.Handler].
func (*handler) Enabled(context.Context, slog.Level) bool { return true }

// WithGroup implements [slog.Handler]. Rows have no groups.
func (h *handler) WithGroup(string) slog.Handler { return h }

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.audit, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

// Handle implements [slog.Handler].
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	e := Event{Command: r.Message, Result: 200, Origin: AppAccess}
	if r.Level >= slog.LevelWarn {
		e.Result = 403
	}
	message := []string{r.Message}
	take := func(a slog.Attr) bool {
		switch v := a.Value.Resolve().String(); a.Key {
		case "user":
			if directory, id, ok := strings.Cut(v, `\`); ok {
				e.UserDirectory, e.UserID = directory, id
			}
		case "session":
			e.SessionID = v
		case "address":
			e.Address = v
		case "prefix":
			e.Context = "/" + v
		default:
			message = append(message, fmt.Sprintf("%s=%s", a.Key, quoted(v)))
		}
		return true
	}
	for _, a := range h.attrs {
		take(a)
	}
	r.Attrs(take)
	e.Message = strings.Join(message, " ")
	h.audit.Activity(e)
	if r.Level >= slog.LevelWarn || strings.Contains(r.Message, "session for user") {
		h.audit.Security(e)
	}
	return nil
}
