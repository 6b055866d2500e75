package telemetry

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"sync"

	"github.com/google/uuid"
)

// A Trace is the trace logs of a service, a file for each facility, as a handler
// of structured logs. Attributes fill the columns of their name, in any case;
// others go behind the message as key=value.
type Trace struct {
	files    *traceFiles
	facility string // of what has none of its own
	given    given
}

type traceFiles struct {
	o  Options
	mu sync.Mutex
	by map[string]*rolling
}

var _ slog.Handler = (*Trace)(nil)

// NewTrace opens the trace logs of a service. What is written of each facility
// is said by Options.Levels.
func NewTrace(o Options) (*Trace, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Trace{files: &traceFiles{o: o, by: map[string]*rolling{}}, facility: systemFacility}, nil
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

// file returns that of a facility.
func (f *traceFiles) file(facility string, own []string) *rolling {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.by[facility]
	if r == nil {
		columns := append(append(traceHead[:len(traceHead):len(traceHead)], own...), "Id2")
		r = newRolling(&f.o, "Trace", facility, columns)
		r.stamp = traceStamp
		f.by[facility] = r
	}
	return r
}

// Enabled implements [slog.Handler]. It knows the facility of a logger that was
// made with it; others are asked for System.
func (t *Trace) Enabled(_ context.Context, level slog.Level) bool {
	return level >= t.files.o.Levels.of(t.facility)
}

// WithAttrs implements [slog.Handler].
func (t *Trace) WithAttrs(attrs []slog.Attr) slog.Handler {
	u := *t
	u.given = t.given.with(attrs)
	for _, a := range attrs {
		if t.given.group+a.Key == FacilityKey {
			u.facility, _ = facilityOf(t.files.o.Service, a.Value.String())
		}
	}
	return &u
}

// WithGroup implements [slog.Handler].
func (t *Trace) WithGroup(name string) slog.Handler {
	u := *t
	u.given = t.given.in(name)
	return &u
}

// Handle implements [slog.Handler].
func (t *Trace) Handle(_ context.Context, r slog.Record) error {
	o := &t.files.o
	x := newRecord(o, r, t.given)
	facility, own := t.facility, facilities[o.Service][t.facility]
	if named, ok := x.values[FacilityKey]; ok {
		facility, own = facilityOf(o.Service, named)
	}
	if r.Level < o.Levels.of(facility) {
		return nil
	}
	x.logger = loggerName(facility, o.Service, x.values[ClassKey])
	if o.Service == "Engine" {
		x.engine(o)
	}
	row := make([]string, 0, len(traceHead)+len(own)+1)
	row = append(row, r.Time.Format(timestamp), traceLevel(r.Level), o.Machine, x.logger, thread, uuid.NewString(), serviceUser(), "", x.values[errKey], x.values[stackKey], or(x.values["proxysessionid"], "0"))
	for _, name := range own {
		row = append(row, x.take(name))
	}
	x.message = x.text()
	row[7] = x.message
	t.files.file(facility, own).write(append(row, uuid.NewString())...)
	o.Appenders.append(x)
	return nil
}

// engine adds what stands in all rows of the engine.
func (x *record) engine(o *Options) {
	for key, value := range map[string]string{
		"enginetimestamp": x.time.Format(timestamp), "enginethread": thread, "processid": o.process, "server started": o.started, "exe version": o.Version, "exe type": "Cognate Engine", "serverstatus": "running",
	} {
		if _, said := x.values[key]; !said {
			x.values[key] = value
		}
	}
}

// loggerName is what appenders know a log by. A class is that of the service
// unless it says another one.
func loggerName(facility, service, class string) string {
	return facility + "." + service + "." + or(class, service)
}

// thread stands where others have the number of a thread: Go has none to tell.
var thread = strconv.Itoa(os.Getpid())

// serviceUser is the user of the operating system who runs the service.
func serviceUser() string { return or(os.Getenv("USER"), "cognate") }

// traceLevel is the name of a level in trace logs.
func traceLevel(l slog.Level) string {
	switch {
	case l >= LevelFatal:
		return "FATAL"
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARN"
	case l >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}
