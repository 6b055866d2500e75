package telemetry

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Options say where and how long the files of a service are. The zero value of
// a limit is its default.
type Options struct {
	Root    string // folder of all logs
	Archive string // folder that [ArchiveRolled] moves files to; "" = none
	Service string // Proxy, Repository, Scheduler, …
	Machine string // default: the host name
	Version string // of the product
	SizeMax int64  // bytes of a file; default 10 MB
	AgeMax  time.Duration
	Now     func() time.Time
	Salt    []byte // of the hashes that stand for session ids; default: random
	Signer  Signer // of audit security logs that are rolled over; nil: nobody
	Failed  func(error)
	Levels  *Levels // what is written; nil: the defaults
	// Appenders get all rows, too; nil: there are none.
	Appenders *Appenders

	process  string // id of this process in logs
	started  string // when it began
	sequence int    // tests: the first number
}

// Defaults of [Options].
const (
	SizeMaxDefault = 10 << 20
	AgeMaxDefault  = 12 * time.Hour
)

// A Signer signs what was rolled over.
type Signer interface {
	Sign(message []byte) []byte
}

func (o Options) withDefaults() (Options, error) {
	if o.Root == "" || o.Service == "" {
		return o, errors.New("log: a root folder and a service are needed")
	}
	if o.Machine == "" {
		host, err := os.Hostname()
		if err != nil {
			return o, fmt.Errorf("log: %w", err)
		}
		o.Machine = host
	}
	if o.SizeMax == 0 {
		o.SizeMax = SizeMaxDefault
	}
	if o.AgeMax == 0 {
		o.AgeMax = AgeMaxDefault
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	if o.Salt == nil {
		o.Salt = make([]byte, 32)
		_, _ = rand.Read(o.Salt) // never fails
	}
	o.process, o.started = uuid.NewString(), o.Now().Format(timestamp)
	return o, nil
}

// A rolling is a log file. Any number of goroutines may write.
type rolling struct {
	o       *Options
	path    string // of the file that is written
	archive string // folder of those that were archived; "" = none
	columns []string
	stamp   string                // of the time in the names of rolled files
	rolled  func(path string)     // told of each; may be nil
	seal    func(*[]byte, []byte) // adds the last field to a row; may be nil
	unseal  func()                // takes it back: the row was not written

	mu       sync.Mutex
	file     *os.File
	size     int64
	opened   time.Time
	sequence int
	row      []byte
}

// sequenceMax is where numbers of rows begin anew.
const sequenceMax = 1<<31 - 1

// newRolling prepares a log; the file appears with its first row.
func newRolling(o *Options, sub, kind string, columns []string) *rolling {
	name := fmt.Sprintf("%s_%s_%s.txt", o.Machine, kind, o.Service)
	r := &rolling{o: o, path: filepath.Join(o.Root, o.Service, sub, name), columns: columns, sequence: o.sequence, stamp: rolledStamp}
	if o.Archive != "" {
		r.archive = filepath.Join(o.Archive, o.Service, sub)
	}
	return r
}

// rolledSuffix ends the names of rolled files.
const rolledSuffix = "Z.log"

// Formats of the time in the names of rolled files: of audit and service logs,
// and of trace logs.
const (
	rolledStamp = "20060102T150405"
	traceStamp  = "2006-01-02T15.04.05"
)

// write appends a row: its number, then the fields. It is there for other
// processes when write returns.
func (r *rolling) write(fields ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.tryWrite(fields); err != nil {
		r.o.Failed(fmt.Errorf("log %s: %w", r.path, err))
	}
}

func (r *rolling) tryWrite(fields []string) error {
	if err := r.ready(); err != nil {
		return err
	}
	if r.sequence++; r.sequence > sequenceMax || r.sequence < 1 {
		r.sequence = 1
	}
	r.row = strconv.AppendInt(r.row[:0], int64(r.sequence), 10)
	for _, f := range fields {
		r.row = append(append(r.row, '\t'), field(f)...)
	}
	if r.seal != nil {
		r.seal(&r.row, r.row)
	}
	r.row = append(r.row, '\n')
	err := r.append(r.row)
	if err != nil && r.unseal != nil {
		r.unseal()
	}
	return err
}

// append writes what is there as a whole, or not at all: a row that was cut off
// would look as if somebody had changed the log.
func (r *rolling) append(text []byte) error {
	n, err := r.file.Write(text)
	if err != nil && n > 0 {
		return errors.Join(err, r.file.Truncate(r.size))
	}
	r.size += int64(n)
	return err
}

// writeText appends a text as it is.
func (r *rolling) writeText(text []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ready(); err != nil {
		return err
	}
	return r.append(text)
}

// ready opens the file, and rolls over one that is full or old.
func (r *rolling) ready() error {
	now := r.o.Now()
	if r.file != nil && (r.size >= r.o.SizeMax || now.Sub(r.opened) >= r.o.AgeMax) {
		if err := r.roll(now); err != nil {
			return err
		}
	}
	if r.file == nil {
		return r.open(now)
	}
	return nil
}

// open makes the file; one that is there was left by an earlier process.
func (r *rolling) open(now time.Time) error {
	if err := os.MkdirAll(filepath.Dir(r.path), 0o755); err != nil {
		return err
	}
	if err := r.setAside(now); err != nil {
		return err
	}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	head := strings.Join(r.columns, "\t") + "\n"
	if len(r.columns) == 0 {
		head = ""
	}
	if _, err := f.WriteString(head); err != nil {
		return errors.Join(err, f.Close())
	}
	r.file, r.size, r.opened = f, int64(len(head)), now
	return nil
}

// roll closes the file and gives it its final name.
func (r *rolling) roll(now time.Time) error {
	err := r.file.Close()
	r.file = nil
	return errors.Join(err, r.setAside(now))
}

// setAside gives the file, if there is one, a name with the time.
func (r *rolling) setAside(now time.Time) error {
	if _, err := os.Stat(r.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	base := strings.TrimSuffix(r.path, ".txt") + "_" + now.UTC().Format(r.stamp)
	to := base + rolledSuffix
	for n := 1; r.taken(to); n++ { // twice within a second
		to = fmt.Sprintf("%s-%03d%s", base, n, rolledSuffix)
	}
	if err := os.Rename(r.path, to); err != nil {
		return err
	}
	if r.rolled != nil {
		r.rolled(to)
	}
	return nil
}

// taken reports whether a rolled file has that name already, archived or not.
func (r *rolling) taken(path string) bool {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if r.archive == "" {
		return false
	}
	_, err := os.Lstat(filepath.Join(r.archive, filepath.Base(path)))
	return !errors.Is(err, fs.ErrNotExist)
}

// close rolls the file over: its process ends.
func (r *rolling) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	return r.roll(r.o.Now())
}

// lastRow returns the last row of a log file, "" if there is none.
func lastRow(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // only read
	last, rows := "", 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, rowMax)
	for lines.Scan() {
		rows++
		last = lines.Text()
	}
	if rows < 2 {
		last = ""
	}
	return last, lines.Err()
}

// rowMax bounds a row that is read.
const rowMax = 1 << 20
