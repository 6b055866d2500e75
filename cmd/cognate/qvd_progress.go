package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// A meter counts what is done of a file and shows it on one line of a
// terminal. Any number of goroutines may count.
type meter struct {
	name  string
	total int64 // bytes of the file; 0 = not known
	done  atomic.Int64
	rows  atomic.Int64
	out   atomic.Int64 // bytes written
	start time.Time
	stop  func()
}

// newMeter shows the meter on w until stop is called. Where nobody looks at
// it, it only counts.
func newMeter(w *os.File, name string, total int64) *meter {
	m := &meter{name: name, total: total, start: time.Now(), stop: func() {}}
	info, err := w.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return m
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				fmt.Fprint(w, "\r\x1b[K")
				return
			case <-tick.C:
				fmt.Fprint(w, "\r\x1b[K"+m.line(time.Since(m.start)))
			}
		}
	}()
	m.stop = func() {
		close(quit)
		<-done
		m.stop = func() {}
	}
	return m
}

// line returns what is shown after some time.
func (m *meter) line(took time.Duration) string {
	var b strings.Builder
	done, rows, out := m.done.Load(), m.rows.Load(), m.out.Load()
	if m.total > 0 {
		part := min(1, float64(done)/float64(m.total))
		full := int(part * barWidth)
		fmt.Fprintf(&b, "[%s%s] %3.0f%%  %s of %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), part*100, byteCount(min(done, m.total)), byteCount(m.total))
	}
	if rows > 0 {
		fmt.Fprintf(&b, "  %s rows, %s/s", grouped(rows), grouped(int64(float64(rows)/max(took.Seconds(), 1e-3))))
	}
	if out > 0 {
		fmt.Fprintf(&b, "  written %s", byteCount(out))
	}
	return fmt.Sprintf("%s  %s", strings.TrimSpace(b.String()), m.name)
}

// A countingReader counts the bytes that are read.
type countingReader struct {
	io.ReaderAt
	n *atomic.Int64
}

func (r *countingReader) ReadAt(b []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(b, off)
	r.n.Add(int64(n))
	return n, err
}

// A countingWriter counts the bytes that are written.
type countingWriter struct {
	io.Writer
	n *atomic.Int64
}

func (w *countingWriter) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.n.Add(int64(n))
	return n, err
}

// byteCount returns a size for people: 64.3 MB.
func byteCount(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	x, u := float64(n), 0
	for x >= 999.5 && u < len(units)-1 {
		x, u = x/1000, u+1
	}
	if u == 0 || x >= 99.95 {
		return fmt.Sprintf("%.0f %s", x, units[u])
	}
	return fmt.Sprintf("%.1f %s", x, units[u])
}

// grouped returns a number with commas between the thousands.
func grouped(n int64) string {
	if n < 0 {
		return "-" + grouped(-n)
	}
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural returns a count with its noun: 1 row, 2 rows.
func plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return grouped(n) + " " + noun
}
