package telemetry

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
)

// A handler writes structured logs as rows of the audit logs: every record is
// an activity, and what bears on security a row of the security log, too.
type handler struct {
	audit *Audit
	attrs []slog.Attr
}

// Handler returns a handler of structured logs that writes to the audit logs.
// Attributes user (DIRECTORY\id), session, address, command, context, result,
// objectid, objectname, package and request have places of their own; others go
// behind the message. Warnings, and the beginning and end of sessions, bear on
// security.
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
	x := newRecord(&h.audit.o, r, given{attrs: h.attrs})
	e := x.event()
	e.hash = x.values["proxysessionid"]
	e.Command = or(e.Command, r.Message)
	if e.Origin == OriginUnknown {
		e.Origin = AppAccess
	}
	if e.Result == 0 {
		e.Result = 200
		if r.Level >= slog.LevelWarn {
			e.Result = 403
		}
	}
	e.Message = x.text()
	e.class = x.values[ClassKey]
	h.audit.Activity(e)
	if r.Level >= slog.LevelWarn || strings.Contains(r.Message, "session for user") {
		h.audit.Security(e)
	}
	return nil
}

// event takes from a record what the columns of service and audit logs are for.
func (x *record) event() Event {
	e := Event{
		PackageID: x.take("package"), RequestSequence: x.take("request"), Context: x.take("context"), Command: x.take("command"), Address: x.take("address"),
		UserDirectory: x.property("userdirectory"), UserID: x.property("userid"),
	}
	for _, key := range []string{userKey, "userdirectory", "userid", "directory"} {
		x.take(key)
	}
	if e.UserID == "" {
		e.UserDirectory, e.UserID = x.values["directory"], x.values[userKey]
	}
	if id := x.take("objectid"); id != "" {
		e.ObjectIDs = []string{id}
	}
	if name := x.take("objectname"); name != "" {
		e.ObjectNames = []string{name}
	}
	if e.Context == "" && x.values["prefix"] != "" {
		e.Context = "/" + x.take("prefix")
	}
	if origin := x.take("origin"); origin == "ManagementAccess" {
		e.Origin = ManagementAccess
	}
	e.Result, _ = strconv.Atoi(x.take("result")) // none is 0
	return e
}
