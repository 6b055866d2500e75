package accept

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A crowdedListener has no room for a while.
type crowdedListener struct {
	net.Listener
	failures int
	err      error
}

func (l *crowdedListener) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", l.err)}
	}
	c, _ := net.Pipe()
	return c, nil
}

// TestCrowded holds that a lack of room passes, is waited for and told once,
// and that other errors end it.
func TestCrowded(t *testing.T) {
	for _, err := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		synctest.Test(t, func(t *testing.T) {
			var said bytes.Buffer
			l := New(&crowdedListener{failures: 20, err: err}, 0, slog.New(slog.NewTextHandler(&said, nil)))
			begun := time.Now()
			c, got := l.Accept()
			if got != nil || c == nil {
				t.Fatalf("%v: %v", err, got)
			}
			if took := time.Since(begun); took < 5*time.Second || took > 10*time.Second {
				t.Errorf("%v: waited %v for 20 failures", err, took)
			}
			if n := strings.Count(said.String(), "level=WARN"); n != 1 {
				t.Errorf("%v: told %d times: %s", err, n, &said)
			}
		})
	}
	l := New(&crowdedListener{failures: 1, err: syscall.EBADF}, 0, slog.New(slog.DiscardHandler))
	if _, err := l.Accept(); !errors.Is(err, syscall.EBADF) {
		t.Errorf("an error that does not pass: %v", err)
	}
}

// TestMax holds that connections that are too many end at once, that others
// stay, and that there is room again when one ends.
func TestMax(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := New(inner, 2, slog.New(slog.DiscardHandler))
	accepted := make(chan net.Conn, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		return c
	}
	first, second := dial(), dial()
	_, _ = first, second
	one := <-accepted
	<-accepted
	if n, err := dial().Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one too many: %d, %v", n, err)
	}
	_ = one.Close()
	_ = one.Close() // counts once
	if l.Open() != 1 {
		t.Errorf("%d open", l.Open())
	}
	third := dial()
	if _, err := io.WriteString(<-accepted, "x"); err != nil {
		t.Error(err)
	}
	if _, err := third.Read(make([]byte, 1)); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	_ = l.Close()
	<-done
}
