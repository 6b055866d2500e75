package enginehost

import (
	"context"
	"log/slog"
	"time"

	"github.com/cognate-bi/cognate/engine/qix"
	"github.com/cognate-bi/cognate/engine/session"
)

// Attributes by which rows of logs find their place: their facility, and what
// columns are called.
const facilityKey = "facility"

// attrs are the attributes that say who a client is.
func (c *client) attrs() []any {
	return []any{"session", c.session, "ActiveUserDirectory", c.directory, "ActiveUserId", c.id}
}

// commands are the methods that are told to the audit log, by the names of what
// they do.
var commands = map[string]string{
	"Global::OpenDoc": "Open app", "Global::CreateApp": "Create app", "Global::CreateDocEx": "Create app", "Global::DeleteApp": "Delete app",
	"Doc::DoReload": "Reload app", "Doc::DoReloadEx": "Reload app", "Doc::DoSave": "Save app", "Doc::SetScript": "Change script",
	"Doc::CreateConnection": "Create connection", "Doc::ModifyConnection": "Change connection", "Doc::DeleteConnection": "Delete connection",
	"GenericObject::ExportData": "Export data",
}

// watch looks at a request that begins; what it returns tells of its end.
func (h *Host) watch(who *client, d *qix.Done) (ended func()) {
	command, level := commands[d.Method], slog.LevelError
	measured := watched[d.Method] != "" && h.slow.Enabled(context.Background(), level)
	if command == "" && !measured {
		return nil
	}
	var before heap
	if measured {
		before = readHeap()
	}
	return func() {
		if measured {
			h.performed(who, d, before)
		}
		if command != "" {
			h.auditRequest(command, who, d)
		}
	}
}

// auditRequest notes what somebody did with an app.
func (h *Host) auditRequest(command string, who *client, d *qix.Done) {
	id, name, result := d.AppID, d.AppTitle, 200
	if other := d.Method == "Global::DeleteApp" || d.Method == "Global::OpenDoc" && d.Err != nil; other && len(d.Params) > 0 {
		id, name = d.Params[0], "" // it is not the one that is open
	}
	args := []any{"objectid", id, "objectname", name, "request", d.RequestID}
	if d.Err != nil {
		result = 500
		args = append(args, "reason", d.Err.Error())
	}
	h.audit(command, who, command, append(args, "result", result)...)
}

// audit writes a row of the audit log.
func (h *Host) audit(command string, who *client, message string, args ...any) {
	user := who.directory + `\` + who.id
	if who.id == "" {
		user = ""
	}
	h.opt.Audit.Info(message, append([]any{"user", user, "session", who.session, "command", command, "context", "Engine"}, args...)...)
}

// sessionEnded writes the row of a session that ends.
func (h *Host) sessionEnded(s *session.Session) {
	directory, id := userOf(s.User)
	u, now := s.Usage, time.Now()
	received, sent := u.Bytes()
	args := []any{
		facilityKey, "Session", "ActiveUserDirectory", directory, "ActiveUserId", id, "SessionId", s.LogID, "Authenticated User", s.User, "Secure Protocol", h.opt.TLS != nil,
		"Exit Reason", "Socket closed", "Session Start", u.Started.Format(startedFormat), "Session Duration", now.Sub(u.Started).Hours() / 24, "CPU Spent (s)", u.Busy().Seconds(),
		"Bytes Received", received, "Bytes Sent", sent, "Calls", u.Calls(), "Selections", u.Selections(),
	}
	if a := s.Current(); a != nil {
		args = append(args, "AppId", a.ID, "App Title", a.Title(), "Doc Timestamp", a.Loaded().Format(startedFormat))
	}
	h.opt.Trace.Info("Session ended", args...)
}

// userOf parts the name of a user as proxies write it.
func userOf(name string) (directory, id string) {
	EachAttribute(name, func(key, value string) {
		switch key {
		case "userdirectory":
			directory = value
		case "userid":
			id = value
		}
	})
	return directory, id
}

// tellPerformance writes every few minutes what the engine does.
func (h *Host) tellPerformance(done <-chan struct{}) {
	tick := time.NewTicker(h.opt.PerformanceEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case every := <-h.every:
			tick.Reset(every)
		case <-tick.C:
			h.performance()
		}
	}
}

// SetPerformanceEvery changes [Options.PerformanceEvery] of a host that serves.
func (h *Host) SetPerformanceEvery(d time.Duration) {
	select {
	case <-h.every: // one that was not seen yet
	default:
	}
	select {
	case h.every <- max(d, time.Second):
	default: // somebody else's is newer
	}
}

func (h *Host) performance() {
	x := h.Health()
	o := &x.overview
	h.opt.Trace.Info("Performance", facilityKey, "Performance", "Entry Type", "Normal",
		"ActiveDocSessions", o.Active, "DocSessions", o.Total, "ActiveAnonymousDocSessions", o.AnonymousActive, "AnonymousDocSessions", o.AnonymousTotal,
		"ActiveTunneledDocSessions", 0, "TunneledDocSessions", 0, "DocSessionStarts", o.Sessions, "ActiveDocs", len(o.ActiveApps), "RefDocs", len(o.LoadedApps), "LoadedDocs", len(x.Apps.InMemory),
		"DocLoads", o.Opened, "DocLoadFails", o.Unopened, "Calls", o.Calls, "Selections", o.Selections, "ActiveUsers", o.ActiveUsers, "Users", o.TotalUsers,
		"CPULoad", x.CPU.Total, "VMCommitted(MB)", x.Mem.Committed, "VMAllocated(MB)", x.Mem.Allocated, "VMFree(MB)", x.Mem.Free, "VMLargestFreeBlock(MB)", x.Mem.Free)
}
