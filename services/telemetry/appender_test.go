package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// listenUDP returns a socket that monitors would listen on, and what reads one
// datagram of it.
func listenUDP(t *testing.T) (port string, next func() string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_, port, _ = net.SplitHostPort(c.LocalAddr().String())
	return port, func() string {
		t.Helper()
		buf := make([]byte, 65536)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

// appendersOf reads a file of testdata that sends to a port.
func appendersOf(t *testing.T, name, port string, o Options) *Appenders {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "appenders", name))
	if err != nil {
		t.Fatal(err)
	}
	a, err := parseAppenders(regexp.MustCompile(`999\d" />`).ReplaceAll(text, []byte(port+`" />`)), o, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func TestSchedulerDatagrams(t *testing.T) {
	port, next := listenUDP(t)
	o := testOptions(t, newClock())
	o.Service = "Scheduler"
	o.Appenders = appendersOf(t, "scheduler.xml", port, o)
	trace, err := NewTrace(o)
	if err != nil {
		t.Fatal(err)
	}
	task := slog.New(trace).With(FacilityKey, "System", ClassKey, "Scheduler.Master.Task.TaskSession", "TaskName", "nightly", "TaskId", "t1", "User", `INTERNAL\sa`, "ExecutionId", "e1", "AppName", "Sales", "AppId", "a1")
	task.Info("Execution State Change to FinishedSuccess")
	if got := strings.Split(next(), ";"); len(got) != 11 || got[0] != "/scheduler-task-success//" || strings.Join(got[1:7], ";") != `node1;nightly;Sales;INTERNAL\sa;t1;a1` || got[8] != "INFO" || got[9] != "e1" || got[10] != "Execution State Change to FinishedSuccess" ||
		!regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}$`).MatchString(got[7]) {
		t.Errorf("%q", got)
	}
	task.Info("something else")                                                       // nobody asked for it
	slog.New(trace).Info("Execution State Change to FinishedSuccess", ClassKey, "No") // another logger
	task.Error("Max retries reached", "err", errors.New("line\tone\nline two"))
	failed, wrong := next(), next()
	if strings.HasPrefix(failed, "/qseow") {
		failed, wrong = wrong, failed
	}
	if got := strings.Split(failed, ";"); got[0] != "/scheduler-task-failed/" || got[8] != "ERROR" || got[10] != "Max retries reached" {
		t.Errorf("%q", got)
	}
	got := strings.Split(wrong, ";")
	if len(got) != 18 || got[1] != "1" || got[6] != "System.Scheduler.Scheduler.Master.Task.TaskSession" || got[8] != "Max retries reached" || got[9] != "line⇔one↓line two" ||
		strings.Join(got[10:], ";") != `INTERNAL;sa;INTERNAL\sa;nightly;Sales;t1;a1;e1` || !regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}[+-]\d{4}$`).MatchString(got[2]) {
		t.Errorf("%q", got)
	}
}

func TestProxyDatagrams(t *testing.T) {
	port, next := listenUDP(t)
	o := testOptions(t, newClock())
	o.Appenders = appendersOf(t, "proxy.xml", port, o)
	a := newTestAudit(t, o)
	log := slog.New(a.Handler())
	log.Info("Start session for user", "user", `DOM\ann`, "session", "secret", "address", "10.0.0.1", "command", "Start session", "context", "/hub", "useragent", "Mozilla/5.0 (X11; Linux)")
	if got, want := next(), "/qseow-proxy-session/;node1;Start session;DOM;ann;AppAccess;/hub;Start session for user UserAgent: 'Mozilla/5.0 (X11; Linux)'"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	log.Info("ticket issued", "user", `DOM\ann`)
	log.Info("connection Closed for session", "user", `DOM\ann`, "session", "secret", "command", "Close connection", "context", "/app/x", "reason", "closed")
	if got, want := next(), "/qseow-proxy-connection/;node1;Close connection;DOM;ann;AppAccess;/app/x;connection Closed for session reason=closed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// config makes a file of one appender.
func config(typ, params, pattern string) []byte {
	return fmt.Appendf(nil, `<configuration><appender name="a" type="log4net.Appender.%s">%s<layout type="log4net.Layout.PatternLayout"><param name="conversionPattern" value="%s"/></layout></appender>
<root><appender-ref ref="a"/></root></configuration>`, typ, params, pattern)
}

func param(name, value string) string { return fmt.Sprintf(`<param name=%q value=%q/>`, name, value) }

func TestOtherAppenders(t *testing.T) {
	o := testOptions(t, newClock())
	logInto := func(text []byte, console *bytes.Buffer) *Appenders {
		t.Helper()
		own := o
		var err error
		if own.Appenders, err = parseAppenders(text, o, console); err != nil {
			t.Fatal(err)
		}
		trace, err := NewTrace(own)
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(trace)
		log.Info("one", "n", 1)
		log.Warn("two")
		log.Error("three")
		return own.Appenders
	}
	var console bytes.Buffer
	a := logInto(config("ConsoleAppender", param("threshold", "warn"), "%-6level[%5.3message]%%%newline"), &console)
	if got, want := console.String(), "WARN  [  two]%\nERROR [  ree]%\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	range1 := `<filter type="log4net.Filter.LevelRangeFilter"><param name="levelMin" value="WARN"/><param name="levelMax" value="WARN"/></filter>`
	a = logInto(config("QSRollingFileAppender", range1+param("file", `sub\own.txt`)+param("maximumfiletime", "720")+param("maximumfilesize", "10MB"), "%message%n"), nil)
	if text, err := os.ReadFile(filepath.Join(o.Root, "Proxy", "sub", "own.txt")); err != nil || string(text) != "two\n" {
		t.Errorf("%q, %v", text, err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if rolled, _ := filepath.Glob(filepath.Join(o.Root, "Proxy", "sub", "own_*Z.log")); len(rolled) != 1 {
		t.Errorf("%v", rolled)
	}
	port, next := listenUDP(t)
	a = logInto(config("RemoteSyslogAppender", param("remoteAddress", "127.0.0.1")+param("remotePort", port)+param("facility", "local3")+param("threshold", "error"), "%logger %message%n"), nil)
	if got, want := next(), "<155>Proxy: System.Proxy.Proxy three"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	a = logInto(config("SmtpAppender", param("to", "x@y"), "%message"), nil)
	if len(a.Warnings) != 1 || !strings.Contains(a.Warnings[0], "SmtpAppender") {
		t.Errorf("%q", a.Warnings)
	}
	own := o
	failed := 0
	own.Failed = func(error) { failed++ }
	nowhere, err := parseAppenders(config("UdpAppender", param("remoteAddress", "no.such.host.invalid")+param("remotePort", "9"), "%message"), own, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		nowhere.append(&record{logger: "System.Proxy", message: "x"})
	}
	if err := nowhere.Close(); err != nil || failed > 1 {
		t.Errorf("%d, %v", failed, err)
	}
}

func TestBadAppenders(t *testing.T) {
	o := testOptions(t, newClock())
	good := string(config("ConsoleAppender", "", "%message"))
	for _, tt := range []struct{ text, want string }{
		{"", "XML"},
		{"<configuration>", "XML"},
		{"<other/>", "the root"},
		{`<!DOCTYPE x [<!ENTITY a "b">]><configuration/>`, "document types"},
		{`<configuration><appender name="$a" type="x"/></configuration>`, "does not begin with $"},
		{`<configuration><appender type="x"/></configuration>`, "name is missing"},
		{`<configuration><appender name="a" type="x"/></configuration>`, "<layout> is missing"},
		{`<configuration><logger name="a"/><appender name="a" type="x"/></configuration>`, "too late"},
		{`<configuration>text</configuration>`, "text where"},
		{`<configuration><script/></configuration>`, "does not belong"},
		{`<configuration><root/><root/></configuration>`, "one of it already"},
		{`<configuration><root><appender-ref ref="b"/></root></configuration>`, "no appender"},
		{`<configuration><logger name="a" colour="red"/></configuration>`, "no attribute colour"},
		{strings.Replace(good, "%message", "%messages", 1), "no word"},
		{strings.Replace(good, "%message", "%property", 1), "name of a property"},
		{strings.Replace(good, "%message", "%rownum{x}", 1), "no number"},
		{strings.Replace(good, "%message", "%99999999999999message", 1), "wider"},
		{strings.Replace(good, "%message", "%date{", 1), "no }"},
		{string(config("UdpAppender", param("remoteAddress", "h")+param("remotePort", "0"), "%m")), "no port"},
		{string(config("UdpAppender", param("remotePort", "1"), "%m")), "remoteAddress"},
		{string(config("ConsoleAppender", param("threshold", "loud"), "%m")), "no level"},
		{string(config("ConsoleAppender", param("encoding", "ebcdic"), "%m")), "encoding"},
		{string(config("RollingFileAppender", param("file", "../../x"), "%m")), "out of the folder"},
		{string(config("RollingFileAppender", param("file", "x")+param("maximumfilesize", "big"), "%m")), "maximumfilesize"},
		{strings.Repeat("<a>", 20), "in each other"},
		{"<configuration>" + strings.Repeat(" ", configBytesMax) + "</configuration>", "bytes"},
	} {
		a, err := parseAppenders([]byte(tt.text), o, nil)
		if err == nil || a != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.80s: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func FuzzAppenders(f *testing.F) {
	for _, name := range []string{"scheduler.xml", "proxy.xml"} {
		text, err := os.ReadFile(filepath.Join("testdata", "appenders", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add(config("ConsoleAppender", param("threshold", "warn"), "%-6.3level%date{yyyy}%rownum{2}%encodedexception{stacktrace:3}%c{1}"))
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Contains(bytes.ToLower(text), []byte("fileappender")) || bytes.Contains(text, []byte("remote")) {
			return // what is read is enough: nothing is written to places that chance names
		}
		a, err := parseAppenders(text, Options{Root: root, Service: "Proxy", Machine: "m"}, &bytes.Buffer{})
		if err != nil {
			return
		}
		x := &record{time: time.Unix(0, 0), logger: "System.Proxy.Proxy", message: "Max retries reached\t\n", values: map[string]string{"err": "why", "stack": "where"}}
		a.append(x)
		for _, p := range a.all {
			p.layout.append(nil, x)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLevels(t *testing.T) {
	o := testOptions(t, newClock())
	o.Service, o.Levels = "Engine", &Levels{}
	trace, err := NewTrace(o)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(trace)
	qix := log.With(FacilityKey, "QixPerformance")
	if qix.Enabled(t.Context(), slog.LevelError) || !log.Enabled(t.Context(), slog.LevelInfo) || log.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("the defaults")
	}
	log.Error("no", FacilityKey, "QixPerformance")
	o.Levels.Set(map[string]Verbosity{"QixPerformance": Info, "System": Errors, "Session": Off, "Performance": Fatal})
	qix.Info("yes", "Method", "Doc::DoReload", "session", "abc", "netram", 7)
	log.Warn("no")
	log.Error("yes")
	log.Error("no", FacilityKey, "Session")
	log.Error("no", FacilityKey, "Performance")
	log.Log(t.Context(), LevelFatal, "yes", FacilityKey, "Performance")
	for facility, want := range map[string]string{"QixPerformance": "INFO", "System": "ERROR", "Performance": "FATAL"} {
		got := rows(t, filepath.Join(o.Root, "Engine", "Trace", "node1_"+facility+"_Engine.txt"))
		if len(got) != 2 || got[1][2] != want || got[1][8] != "yes" || got[1][4] != facility+".Engine.Engine" || len(got[1]) != len(got[0]) {
			t.Errorf("%s: %q", facility, got)
		}
	}
	if _, err := os.Stat(filepath.Join(o.Root, "Engine", "Trace", "node1_Session_Engine.txt")); err == nil {
		t.Error("what is off has a file")
	}
}

// TestUnwritable has writing fail: services go on, and the chain has no gap.
func TestUnwritable(t *testing.T) {
	o := testOptions(t, newClock())
	var failed []error
	o.Failed = func(err error) { failed = append(failed, err) }
	a := newTestAudit(t, o)
	a.Security(Event{Command: "first"})
	good := a.security.file
	bad, err := os.Open(good.Name()) // not for writing
	if err != nil {
		t.Fatal(err)
	}
	a.security.file = bad
	a.Security(Event{Command: "lost"})
	a.security.file = good
	_ = bad.Close()
	a.Security(Event{Command: "second"})
	if v, err := Verify(a.security.path, "", nil); err != nil || v.Rows != 2 || len(failed) != 1 {
		t.Errorf("%+v, %v, %v", v, err, failed)
	}
	o.Root = filepath.Join(a.security.path, "no folder")
	trace, err := NewTrace(o)
	if err != nil {
		t.Fatal(err)
	}
	slog.New(trace).Info("nowhere")
	if len(failed) != 2 {
		t.Errorf("%v", failed)
	}
}

func BenchmarkTrace(b *testing.B) {
	trace, err := NewTrace(Options{Root: b.TempDir(), Service: "Repository", Machine: "m"})
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(trace).With(FacilityKey, "Performance")
	b.Run("written", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			log.Info("request", "Tracenumber", 1, "Httpmethod", "GET", "Url", "/qrs/app/full", "Resourcetype", "app", "Method", "200", "Elapsedmilliseconds", 3)
		}
	})
	b.Run("off", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			log.Debug("request", "Tracenumber", 1, "Httpmethod", "GET", "Url", "/qrs/app/full")
		}
	})
}

func BenchmarkAudit(b *testing.B) {
	a, err := NewAudit(Options{Root: b.TempDir(), Service: "Repository", Machine: "m"})
	if err != nil {
		b.Fatal(err)
	}
	e := Event{UserDirectory: "DOM", UserID: "ann", SessionID: "secret", Context: "/qrs/app", Command: "Add app", Result: 201}
	b.Run("activity", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			a.Activity(e)
		}
	})
	b.Run("security", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			a.Security(e)
		}
	})
}
