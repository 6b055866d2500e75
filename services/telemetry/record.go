package telemetry

import (
	"log/slog"
	"strings"
	"time"
)

// The attributes by which services say where a row belongs: its facility, and
// the class of the logger behind facility and service. Without them a row goes
// to System.
const (
	FacilityKey = "facility"
	ClassKey    = "class"
)

// The attributes that mean the same in all logs: who (DIRECTORY\id), in which
// session of the proxy, and what went wrong.
const (
	userKey    = "user"
	sessionKey = "session"
	errKey     = "err"
	stackKey   = "stack"
)

// A record is what a service tells, as rows and appenders take it: attributes
// by their names in lower case.
type record struct {
	time    time.Time
	level   slog.Level
	logger  string // <Facility>.<Service>.<class>
	message string
	values  map[string]string
	order   []string        // the names as they came
	used    map[string]bool // that stand in a field already
}

// aliases are other names that a value is asked for by.
var aliases = map[string]string{
	"docid": "appid", "appid": "objectid", "resourceid": "objectid", "ipaddress": "address", "virtualproxy": "prefix", "type": "command", "qlik sense user": userKey, "connectionid": "connection",
}

// given is what a logger has for all of its records.
type given struct {
	attrs []slog.Attr
	group string // of the attributes to come, with its dot
}

func (g given) with(attrs []slog.Attr) given {
	all := g.attrs[:len(g.attrs):len(g.attrs)]
	for _, a := range attrs {
		a.Key = g.group + a.Key
		all = append(all, a)
	}
	return given{all, g.group}
}

func (g given) in(group string) given {
	if group != "" {
		g.group += group + "."
	}
	return g
}

// newRecord reads a record of structured logs.
func newRecord(o *Options, r slog.Record, g given) *record {
	n := r.NumAttrs() + len(g.attrs)
	x := &record{time: r.Time, level: r.Level, message: r.Message, values: make(map[string]string, n+4), order: make([]string, 0, n)}
	for _, a := range g.attrs {
		x.add(a.Key, a.Value)
	}
	r.Attrs(func(a slog.Attr) bool {
		x.add(g.group+a.Key, a.Value)
		return true
	})
	x.derive(o)
	return x
}

func (x *record) add(name string, v slog.Value) {
	key := strings.ToLower(name)
	if _, twice := x.values[key]; !twice {
		x.order = append(x.order, name)
	}
	x.values[key] = textOf(v.Resolve())
}

// textOf writes a value. Times are written as those of the rows.
func textOf(v slog.Value) string {
	if v.Kind() == slog.KindTime {
		return v.Time().Format(timestamp)
	}
	return v.String()
}

// derive adds what follows from attributes. The id of a session does not leave
// this place.
func (x *record) derive(o *Options) {
	if id, ok := x.values[sessionKey]; ok {
		x.values["proxysessionid"] = o.sessionHash(id)
		delete(x.values, sessionKey)
	}
	if directory, id, ok := strings.Cut(x.values[userKey], `\`); ok {
		for key, value := range map[string]string{"userdirectory": directory, "userid": id, "activeuserdirectory": directory, "activeuserid": id} {
			if _, said := x.values[key]; !said {
				x.values[key] = value
			}
		}
	}
}

// property returns a value by a name in any case, "" if there is none.
func (x *record) property(name string) string {
	key := strings.ToLower(name)
	for range 3 { // an alias may have one
		if v, ok := x.values[key]; ok {
			return v
		}
		next, ok := aliases[key]
		if !ok {
			return ""
		}
		key = next
	}
	return ""
}

// take returns a value that stands in a field of its own from now on.
func (x *record) take(name string) string {
	if x.used == nil {
		x.used = map[string]bool{}
	}
	for key := strings.ToLower(name); key != ""; key = aliases[key] {
		x.used[key] = true
	}
	return x.property(name)
}

// elsewhere are the values that stand in no message: they have their fields, or
// are there for appenders alone.
var elsewhere = map[string]bool{
	FacilityKey: true, ClassKey: true, errKey: true, stackKey: true, sessionKey: true, "proxysessionid": true,
	"activeuserdirectory": true, "activeuserid": true, "docid": true, "sessionid": true,
}

// text is the message, followed by the values that stand nowhere else.
func (x *record) text() string {
	var b strings.Builder
	b.WriteString(x.message)
	agent := ""
	for _, name := range x.order {
		key := strings.ToLower(name)
		v, ok := x.values[key]
		switch {
		case !ok || x.used[key] || elsewhere[key]:
		case key == "useragent":
			agent = v
		default:
			b.WriteString(" " + name + "=" + quoted(v))
		}
	}
	if agent != "" { // last, as monitors look for it
		b.WriteString(" UserAgent: '" + agent + "'")
	}
	return b.String()
}
