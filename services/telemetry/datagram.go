package telemetry

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of datagrams.
const (
	datagramMax    = 65507 // bytes of IPv4
	datagramsWait  = 1024  // rows that wait for a name to be found
	redialAfter    = 30 * time.Second
	resolveTimeout = 5 * time.Second
)

// A datagrams output sends each row as a datagram. It never holds up who logs:
// rows wait for a moment, and those for which there is no room are dropped.
type datagrams struct {
	o       *Options
	name    string // of the appender
	address string
	rows    chan []byte
	stop    chan struct{}
	once    sync.Once
	ended   sync.WaitGroup
	started sync.Once
}

func newUDP(o *Options, name, host, port, otherwise string) (*datagrams, error) {
	if port == "" {
		port = otherwise
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, fmt.Errorf("remotePort %q is no port", port)
	}
	if host == "" {
		return nil, fmt.Errorf("remoteAddress is missing")
	}
	return &datagrams{o: o, name: name, address: net.JoinHostPort(host, port), rows: make(chan []byte, datagramsWait), stop: make(chan struct{})}, nil
}

func (d *datagrams) write(_ slog.Level, text []byte) error {
	d.started.Do(func() { d.ended.Go(d.send) })
	if len(text) > datagramMax {
		text = []byte(strings.ToValidUTF8(string(text[:datagramMax]), ""))
	}
	select {
	case d.rows <- text:
		return nil
	default:
		return fmt.Errorf("appender %s: too many rows", d.name)
	}
}

// send sends rows until the end; those of a time without a connection are
// dropped.
func (d *datagrams) send() {
	var conn net.Conn
	var failed time.Time
	defer func() {
		if conn != nil {
			_ = conn.Close() // nothing waits in it
		}
	}()
	for {
		row, ok := d.next()
		if !ok {
			return
		}
		if conn == nil {
			if time.Since(failed) < redialAfter {
				continue
			}
			var err error
			if conn, err = net.DialTimeout("udp", d.address, resolveTimeout); err != nil {
				failed = time.Now()
				d.o.Failed(fmt.Errorf("appender %s: %w", d.name, err))
				continue
			}
		}
		_, _ = conn.Write(row) // a datagram that nobody takes is lost, as others are
	}
}

// next waits for a row. At the end those that wait still are sent.
func (d *datagrams) next() ([]byte, bool) {
	select {
	case row := <-d.rows:
		return row, true
	case <-d.stop:
	}
	select {
	case row := <-d.rows:
		return row, true
	default:
		return nil, false
	}
}

func (d *datagrams) close() error {
	d.once.Do(func() { close(d.stop) })
	d.started.Do(func() {}) // nothing is sent any more
	d.ended.Wait()
	return nil
}

// A syslog output sends rows in the form of RFC 3164, section 4.1.1: <facility
// and severity>identity: row.
type syslog struct {
	*datagrams
	facility int
	identity string
}

// syslogFacilities are the names of facilities, by their numbers.
var syslogFacilities = []string{
	"kernel", "user", "mail", "daemons", "authorization", "syslog", "printer", "news", "uucp", "clock", "authorization2", "ftp", "ntp", "audit", "alert", "clock2",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

func newSyslog(o *Options, name string, p map[string]string) (*syslog, error) {
	d, err := newUDP(o, name, p["remoteaddress"], p["remoteport"], "514")
	if err != nil {
		return nil, err
	}
	s := &syslog{d, 1, p["identity"]}
	if s.identity == "" {
		s.identity = o.Service
	}
	if text := strings.ToLower(p["facility"]); text != "" {
		if s.facility = index(syslogFacilities, text); s.facility < 0 {
			return nil, fmt.Errorf("there is no facility %q", p["facility"])
		}
	}
	return s, nil
}

func (s *syslog) write(l slog.Level, text []byte) error {
	severity := 7 // debug
	switch standard(l) {
	case LevelFatal:
		severity = 2
	case slog.LevelError:
		severity = 3
	case slog.LevelWarn:
		severity = 4
	case slog.LevelInfo:
		severity = 6
	}
	row := fmt.Appendf(nil, "<%d>%s: ", s.facility*8+severity, s.identity)
	return s.datagrams.write(l, append(row, strings.TrimRight(field(string(text)), "↓↵")...))
}
