package telemetry

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Appenders are where rows of the logs go besides their files, as a file
// LocalLogConfig.xml says: other files, sockets, the console. They change
// nothing of the logs themselves. The nil Appenders are none. Any number of
// goroutines may use them.
type Appenders struct {
	rules    []rule
	all      []*appender
	Warnings []string // what of the file is not heeded

	known sync.Map // by name of a logger: who gets its rows, []leveled
}

// A rule says that rows of a logger, and of those below it, go to appenders.
type rule struct {
	logger string // "" = all
	level  slog.Level
	to     []*appender
}

// An appender writes records somewhere.
type appender struct {
	name      string
	threshold slog.Level
	filters   []filter
	layout    pattern
	to        output
}

// An output takes what an appender writes.
type output interface {
	write(level slog.Level, text []byte) error
	close() error
}

// ReadAppenders reads a file of appenders; without one there are none. Relative
// files lie in the service's folder of logs; the console is o's, or the standard
// error output. The error is about the whole file, of which then nothing is
// heeded.
func ReadAppenders(path string, o Options, console io.Writer) (*Appenders, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, configBytesMax+1))
	if err != nil {
		return nil, err
	}
	a, err := parseAppenders(text, o, console)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// parseAppenders makes the appenders of a file. Files and sockets are opened
// with the first row.
func parseAppenders(text []byte, o Options, console io.Writer) (*Appenders, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	root, err := parseConfig(text)
	if err != nil {
		return nil, err
	}
	a, by := &Appenders{}, map[string]*appender{}
	for _, e := range root.of("appender") {
		x, err := a.make(e, &o, console)
		if err != nil {
			_ = a.Close() // nothing was written
			return nil, e.errorf("%s: %v", e.attrs["name"], err)
		}
		by[e.attrs["name"]] = x
		if x != nil {
			a.all = append(a.all, x)
		}
	}
	for _, e := range append(root.of("root"), root.of("logger")...) {
		r, err := ruleOf(e, by)
		if err != nil {
			_ = a.Close() // nothing was written
			return nil, err
		}
		a.rules = append(a.rules, r)
	}
	return a, nil
}

func ruleOf(e *element, by map[string]*appender) (r rule, err error) {
	r = rule{logger: e.attrs["name"], level: levelAll}
	for _, k := range e.of("level") {
		if r.level, err = levelOf(k.attrs["value"]); err != nil {
			return r, k.errorf("%v", err)
		}
	}
	for _, k := range e.of("appender-ref") {
		x, known := by[k.attrs["ref"]]
		if !known {
			return r, k.errorf("there is no appender %q", k.attrs["ref"])
		}
		if x != nil {
			r.to = append(r.to, x)
		}
	}
	return r, nil
}

// levelOf reads the name of a level.
func levelOf(name string) (slog.Level, error) {
	switch strings.ToLower(name) {
	case "off":
		return levelOff, nil
	case "fatal":
		return LevelFatal, nil
	case "error":
		return slog.LevelError, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "info", "basic":
		return slog.LevelInfo, nil
	case "debug", "extended":
		return slog.LevelDebug, nil
	case "all", "":
		return levelAll, nil
	}
	return 0, fmt.Errorf("there is no level %q", name)
}

// make makes an appender; nil, with a warning, if it is of a type that is not
// there.
func (a *Appenders) make(e *element, o *Options, console io.Writer) (x *appender, err error) {
	p := e.params()
	x = &appender{name: e.attrs["name"]}
	if x.threshold, err = levelOf(p["threshold"]); err != nil {
		return nil, err
	}
	if c := strings.ToLower(p["encoding"]); c != "" && c != "utf-8" && c != "utf8" && c != "us-ascii" && c != "ascii" {
		return nil, fmt.Errorf("encoding %q: there is utf-8", p["encoding"])
	}
	for _, k := range e.of("filter") {
		f, err := filterOf(k)
		if err != nil {
			return nil, err
		}
		x.filters = append(x.filters, f)
	}
	if x.layout, err = layoutOf(e.of("layout")[0], o); err != nil {
		return nil, err
	}
	known := []string{"threshold", "encoding"}
	switch k := kind(e.attrs["type"]); k {
	case "udpappender":
		known = append(known, "remoteaddress", "remoteport")
		x.to, err = newUDP(o, x.name, p["remoteaddress"], p["remoteport"], "")
	case "remotesyslogappender":
		known = append(known, "remoteaddress", "remoteport", "identity", "facility")
		x.to, err = newSyslog(o, x.name, p)
	case "consoleappender", "coloredconsoleappender", "managedcoloredconsoleappender":
		x.to = &consoleOutput{to: console}
	case "qsrollingfileappender", "rollingfileappender", "fileappender":
		known = append(known, "file", "maximumfilesize", "maximumfiletime")
		x.to, err = newFile(o, p)
	default:
		a.Warnings = append(a.Warnings, fmt.Sprintf("line %d: appender %s: the type %s is not there: it gets nothing", e.line, x.name, e.attrs["type"]))
		return nil, nil
	}
	for name := range p {
		if index(known, name) < 0 {
			a.Warnings = append(a.Warnings, fmt.Sprintf("line %d: appender %s: %s is not heeded", e.line, x.name, name))
		}
	}
	return x, err
}

// layoutOf reads a layout, with the words that its converters add.
func layoutOf(e *element, o *Options) (pattern, error) {
	if k := kind(e.attrs["type"]); k != "patternlayout" && k != "simplelayout" {
		return nil, fmt.Errorf("layout %s: there is PatternLayout", e.attrs["type"])
	}
	own := map[string]string{}
	for _, c := range e.of("converter") {
		p := c.params()
		word := converters[kind(p["type"])]
		if word == "" || p["name"] == "" {
			return nil, c.errorf("%s: there is no type %q", p["name"], p["type"])
		}
		own[strings.ToLower(p["name"])] = word
	}
	text := e.params()["conversionpattern"]
	if text == "" {
		text = "%level - %message%newline"
	}
	return parsePattern(text, o.Machine, own)
}

// Close ends the appenders.
func (a *Appenders) Close() (err error) {
	if a == nil {
		return nil
	}
	for _, x := range a.all {
		if x.to != nil {
			err = errors.Join(err, x.to.close())
		}
	}
	return err
}

// knownMax bounds the names of loggers of which is kept who gets their rows.
const knownMax = 1000

// append gives a record to those who get it, once each.
func (a *Appenders) append(x *record) {
	if a == nil {
		return
	}
	for _, p := range a.of(x.logger) {
		p.append(x)
	}
}

// of returns the appenders of a logger, from the rules of all that it is below.
func (a *Appenders) of(logger string) (list []leveled) {
	if l, ok := a.known.Load(logger); ok {
		return l.([]leveled) // nothing else is stored
	}
	for _, r := range a.rules {
		if r.logger != "" && logger != r.logger && !strings.HasPrefix(logger, r.logger+".") {
			continue
		}
	next:
		for _, to := range r.to {
			for i := range list {
				if list[i].appender == to {
					list[i].least = min(list[i].least, r.level)
					continue next
				}
			}
			list = append(list, leveled{to, r.level})
		}
	}
	n := 0
	a.known.Range(func(any, any) bool { n++; return n < knownMax })
	if n < knownMax {
		a.known.Store(logger, list)
	}
	return list
}

// A leveled is an appender with the least level of the rows that a logger gives
// it.
type leveled struct {
	*appender
	least slog.Level
}

func (l leveled) append(x *record) {
	if x.level < l.least || x.level < l.threshold || !accepted(l.filters, x) {
		return
	}
	_ = l.to.write(x.level, l.layout.append(nil, x)) // outputs tell themselves what they could not write
}

// A consoleOutput writes rows where people look.
type consoleOutput struct {
	mu sync.Mutex
	to io.Writer
}

func (c *consoleOutput) write(_ slog.Level, text []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.to.Write(text)
	return err
}

func (*consoleOutput) close() error { return nil }

// A fileOutput writes rows to a file of its own, which is rolled over as the
// logs are.
type fileOutput struct{ file *rolling }

func newFile(o *Options, p map[string]string) (*fileOutput, error) {
	if p["file"] == "" {
		return nil, errors.New("the parameter file is missing")
	}
	own := *o
	var err error
	if own.SizeMax, err = sizeOf(p["maximumfilesize"], o.SizeMax); err != nil {
		return nil, err
	}
	if text := p["maximumfiletime"]; text != "" {
		minutes, err := strconv.ParseUint(text, 10, 20)
		if err != nil || minutes == 0 {
			return nil, fmt.Errorf("maximumfiletime %q: minutes are needed", text)
		}
		own.AgeMax = time.Duration(minutes) * time.Minute
	}
	path := filepath.FromSlash(strings.ReplaceAll(p["file"], `\`, "/"))
	if !filepath.IsAbs(path) {
		if !filepath.IsLocal(path) {
			return nil, fmt.Errorf("file %q leads out of the folder of logs", p["file"])
		}
		path = filepath.Join(o.Root, o.Service, path)
	}
	return &fileOutput{&rolling{o: &own, path: path, stamp: traceStamp}}, nil
}

// sizeOf reads a number of bytes, as 10MB or 500KB.
func sizeOf(text string, otherwise int64) (int64, error) {
	if text == "" {
		return otherwise, nil
	}
	number, unit := strings.TrimSpace(strings.ToUpper(text)), int64(1)
	for suffix, n := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = strings.TrimSpace(rest), n
		}
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("maximumfilesize %q: bytes are needed, as 10MB", text)
	}
	return int64(n) * unit, nil
}

func (f *fileOutput) write(_ slog.Level, text []byte) error {
	err := f.file.writeText(text)
	if err != nil {
		f.file.o.Failed(fmt.Errorf("log %s: %w", f.file.path, err))
	}
	return err
}

func (f *fileOutput) close() error { return f.file.close() }
