package storetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository/store/pgtemp"
)

// A Server is a PostgreSQL of one test, which may stop and start it. What it
// has said that it keeps it keeps, however it is stopped.
type Server struct {
	t   testing.TB
	dir string
	at  *pgtemp.Server
	bin string
	as  *syscall.SysProcAttr
}

// NewServer starts a server until the end of the test, which is skipped as those
// of [Config] are.
func NewServer(t testing.TB) *Server {
	t.Helper()
	if os.Getenv("COGNATE_SKIP_POSTGRES") != "" {
		t.Skip("COGNATE_SKIP_POSTGRES is set")
	}
	dir, err := os.MkdirTemp("", "cognate-pg") // sockets have short names
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{t: t, dir: dir, at: pgtemp.At(dir)}
	if s.bin, err = pgtemp.Find(); err != nil {
		t.Fatal(err)
	}
	if s.as, err = pgtemp.User(dir); err != nil {
		t.Fatal(err)
	}
	s.do("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// do runs a program of the server.
func (s *Server) do(program string, args ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...)
	cmd.SysProcAttr, cmd.Dir = s.as, s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v: %s", program, err, out)
	}
}

// Start starts the server and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	s.do("pg_ctl", "start", "-w", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-o",
		fmt.Sprintf("-k %s -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=100", s.dir))
}

// Stop stops it as a crash would: connections break off, and nothing is written
// any more.
func (s *Server) Stop() {
	s.t.Helper()
	if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); err == nil {
		s.do("pg_ctl", "stop", "-w", "-m", "immediate", "-D", s.data())
	}
}

// Database makes an empty database and returns its DSN.
func (s *Server) Database() string {
	s.t.Helper()
	dsn, err := s.at.Create(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return dsn
}
