package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// The attributes by which services say where a row belongs: its facility, and
// the class of the logger behind facility and service. Without them a row goes
// to System.
const (
	FacilityKey = "facility"
	ClassKey    = "class"
)

// systemFacility is that of rows that name none.
const systemFacility = "System"

var (
	traceHead = []string{"Sequence#", "Timestamp", "Level", "Hostname", "Logger", "Thread", "Id", "ServiceUser", "Message", "Exception", "StackTrace", "ProxySessionId"}
	// traceFields are the columns of a service's own, by facility.
	traceFields = map[string]map[string][]string{
		"Repository": {
			"Audit": {"Action", "ActiveUserDirectory", "ActiveUserId", "ResourceId"}, "Application": {"Application"},
			"License":     {"AccessTypeId", "AccessType", "Operation", "UserName", "UserId"},
			"Performance": {"Tracenumber", "Httpmethod", "Url", "Resourcetype", "Method", "Elapsedmilliseconds"}, systemFacility: nil, "Security": nil, "UserManagement": nil,
		},
		"Proxy": {
			"Audit": {"ConnectionId", "ActiveUserDirectory", "ActiveUserId", "TicketId", "IpAddress", "AppId", "TargetHost", "VirtualProxy"},
			"Performance": {
				"ActiveConnections", "ActiveStreams", "ActiveSessions", "LoadBalancingDecisions", "PrintingLoadBalancingDecisions", "Tickets", "ActiveClientWebsockets", "ActiveEngineWebsockets",
			}, systemFacility: nil, "Security": nil,
		},
		"Scheduler": {
			"Application": {"Application"}, systemFacility: {"TaskName", "TaskId", "User", "ExecutionId", "AppName", "AppId"},
			"TaskExecution": {"TaskId", "TaskName", "AppId", "AppName", "ExecutionId", "ExecutionNodeId", "Status", "StartTime", "StopTime", "Duration", "FailureReason"},
		},
		"Engine": {systemFacility: {"EngineTimestamp", "ProcessId"}},
	}
)

// A Trace is the trace logs of a service, a file for each facility, as a handler
// of structured logs. Attributes fill the columns of their name, in any case;
// others go behind the message as key=value.
type Trace struct {
	files *traceFiles
	level slog.Leveler
	attrs []slog.Attr
	group string // of the attributes to come, with its dot
}

type traceFiles struct {
	o  Options
	mu sync.Mutex
	by map[string]*rolling
}

var _ slog.Handler = (*Trace)(nil)

// NewTrace opens the trace logs of a service.
func NewTrace(o Options, level slog.Leveler) (*Trace, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if level == nil {
		level = slog.LevelInfo
	}
	return &Trace{files: &traceFiles{o: o, by: map[string]*rolling{}}, level: level}, nil
}

// Close rolls the files over.
func (t *Trace) Close() (err error) {
	t.files.mu.Lock()
	defer t.files.mu.Unlock()
	for _, f := range t.files.by {
		if e := f.close(); err == nil {
			err = e
		}
	}
	return err
}

// file returns that of a facility; one that the service does not have is System.
func (f *traceFiles) file(facility string) (_ *rolling, name string, own []string) {
	own, known := traceFields[f.o.Service][facility]
	if !known {
		facility, own = systemFacility, traceFields[f.o.Service][systemFacility]
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.by[facility]
	if r == nil {
		columns := append(append(traceHead[:len(traceHead):len(traceHead)], own...), "Id2")
		r = newRolling(&f.o, "Trace", facility, columns)
		r.stamp = traceStamp
		f.by[facility] = r
	}
	return r, facility, own
}

// Enabled implements [slog.Handler].
func (t *Trace) Enabled(_ context.Context, level slog.Level) bool { return level >= t.level.Level() }

// WithAttrs implements [slog.Handler].
func (t *Trace) WithAttrs(attrs []slog.Attr) slog.Handler {
	u := *t
	u.attrs = t.attrs[:len(t.attrs):len(t.attrs)]
	for _, a := range attrs {
		a.Key = t.group + a.Key
		u.attrs = append(u.attrs, a)
	}
	return &u
}

// WithGroup implements [slog.Handler].
func (t *Trace) WithGroup(name string) slog.Handler {
	u := *t
	if name != "" {
		u.group += name + "."
	}
	return &u
}

// Handle implements [slog.Handler].
func (t *Trace) Handle(_ context.Context, r slog.Record) error {
	values := map[string]string{}
	var order []string
	take := func(a slog.Attr) {
		key := strings.ToLower(a.Key)
		if _, twice := values[key]; !twice {
			order = append(order, a.Key)
		}
		values[key] = a.Value.Resolve().String()
	}
	for _, a := range t.attrs {
		take(a)
	}
	r.Attrs(func(a slog.Attr) bool {
		a.Key = t.group + a.Key
		take(a)
		return true
	})
	used := map[string]bool{FacilityKey: true, ClassKey: true, "err": true, "stack": true, "proxysessionid": true}
	file, facility, own := t.files.file(values[FacilityKey])
	fields := make([]string, len(own))
	for i, name := range own {
		key := strings.ToLower(name)
		fields[i], used[key] = values[key], true
	}
	message := r.Message
	for _, key := range order {
		if !used[strings.ToLower(key)] {
			message += fmt.Sprintf(" %s=%s", key, quoted(values[strings.ToLower(key)]))
		}
	}
	o := &t.files.o
	logger := facility + "." + o.Service + "." + or(values[ClassKey], o.Service)
	row := append([]string{
		r.Time.Format(timestamp), traceLevel(r.Level), o.Machine, logger, strconv.Itoa(os.Getpid()), uuid.NewString(), or(os.Getenv("USER"), "cognate"),
		message, values["err"], values["stack"], or(values["proxysessionid"], "0"),
	}, fields...)
	file.write(append(row, uuid.NewString())...)
	return nil
}

// traceLevel is the name of a level in trace logs.
func traceLevel(l slog.Level) string {
	if l >= slog.LevelWarn && l < slog.LevelError {
		return "WARN"
	}
	return strings.ToUpper(severity(l))
}
