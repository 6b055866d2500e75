// Package pgtemp runs a PostgreSQL server in a temporary folder, for tests and
// measurements. It needs the server's programs on this machine.
package pgtemp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Server is a PostgreSQL server that lives until it is closed or this process
// ends; keep it referred to until then. Its socket is its only door. Any number
// of goroutines may use it.
type Server struct {
	dir       string
	databases atomic.Int64
	// stdin is held open: when this process ends, however it does, the shell
	// that watches over the server reads its end.
	stdin io.Closer
}

// ErrMissing says that the server's programs are not installed.
var ErrMissing = errors.New("PostgreSQL is not installed (Debian: apt-get install postgresql)")

// watch starts the server, stops it at the end of its input and cleans up.
const watch = `"$1"/postgres -D "$2"/data -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=300 </dev/null >"$2"/log 2>&1 &
cat >/dev/null
kill -INT $!
wait
rm -rf "$2"`

// Start starts a server, which takes a second; databases in one are cheap.
func Start() (*Server, error) {
	bin, err := Find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "cognate-pg")
	if err != nil {
		return nil, err
	}
	as, err := User(dir)
	if err != nil {
		return nil, err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	server := exec.Command("/bin/sh", "-c", watch, "sh", bin, dir)
	server.SysProcAttr, server.Dir = as, dir
	c := &Server{dir: dir}
	if c.stdin, err = server.StdinPipe(); err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	return c, c.await()
}

// Find returns the folder of the server's programs: on the path, or
// the newest where Debian has them.
func Find() (string, error) {
	if file, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(file), nil
	}
	files, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(files) == 0 {
		return "", ErrMissing
	}
	return filepath.Dir(files[len(files)-1]), nil
}

// User gives dir to a user that the server may run as: it refuses root.
func User(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func (c *Server) dsn(database string) string {
	return fmt.Sprintf("host=%s user=postgres dbname=%s", c.dir, database)
}

// await waits until the server answers.
func (c *Server) await() error {
	var err error
	for range 300 {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(context.Background(), c.dsn("postgres")); err == nil {
			return conn.Close(context.Background())
		}
		time.Sleep(50 * time.Millisecond) // the server has no way to say that it is there
	}
	log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
	return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, log)
}

// At returns the server whose socket lies in a folder, which somebody else starts
// and stops.
func At(dir string) *Server { return &Server{dir: dir} }

// Close stops the server and removes what it kept.
func (c *Server) Close() error { return c.stdin.Close() }

// Create makes an empty database and returns its address.
func (c *Server) Create(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	name := fmt.Sprintf("test%d", c.databases.Add(1))
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return c.dsn(name), nil
}
