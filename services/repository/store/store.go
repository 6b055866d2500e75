package store

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// A Store keeps the entities of one repository. Any number of goroutines may
// use it.
type Store struct {
	reader
	cfg     Config
	dialect *filter.Dialect
	reads   *sql.DB
	writes  *sql.DB // of SQLite one connection, so that writers queue here; of PostgreSQL the same as reads
	forKeep string  // what a SELECT adds to keep a row from others until the end of the transaction
	aead    cipher.AEAD
	bell    bell

	done    chan struct{} // closed by Close
	stop    context.CancelFunc
	running sync.WaitGroup
	release func() // lets go of what is below the databases

	waiting, served atomic.Int64 // for a connection now; uses of connections that have ended
	stats           func() Pool  // without those two
}

// Open connects to a database, waiting a second for one that is away, and
// brings its tables up to date.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &Store{cfg: cfg, done: make(chan struct{}), release: func() {}, stop: func() {}}
	s.reader = reader{store: s, with: s.read}
	if s.aead, err = newAEAD(cfg.SiteKey); err != nil {
		return nil, fmt.Errorf("store: site key: %w", err)
	}
	open := s.openSQLite
	if cfg.Driver == Postgres {
		open = s.openPostgres
	}
	if err := open(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("open %s store: %w", cfg.Driver, err)
	}
	return s, nil
}

// Close ends all subscriptions and connections. It must be called once.
func (s *Store) Close() error {
	close(s.done)
	s.stop()
	s.running.Wait()
	var err error
	if s.writes != nil && s.writes != s.reads {
		err = s.writes.Close()
	}
	if s.reads != nil {
		if e := s.reads.Close(); err == nil {
			err = e
		}
	}
	s.release()
	if err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// Schema returns the schema of the entities.
func (s *Store) Schema() *schema.Schema { return s.cfg.Schema }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.read(ctx, func(q querier) error { return q.exec(ctx, "SELECT 1") })
}

const (
	openTries = 10
	openPause = 100 * time.Millisecond
)

// awaitDatabase pings until the database answers.
func awaitDatabase(ctx context.Context, db *sql.DB, wait time.Duration) error {
	for try := 1; ; try++ {
		err := pingWithin(ctx, db, wait)
		if err == nil || try == openTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(openPause):
		}
	}
}

func pingWithin(ctx context.Context, db *sql.DB, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return db.PingContext(ctx)
}

// conn takes a connection from a pool, waiting no longer than cfg.Wait. release
// gives it back.
func (s *Store) conn(ctx context.Context, db *sql.DB) (c *sql.Conn, release func(), err error) {
	within, cancel := context.WithTimeout(ctx, s.cfg.Wait)
	defer cancel()
	s.waiting.Add(1)
	c, err = db.Conn(within)
	s.waiting.Add(-1)
	if err != nil {
		return nil, nil, waited(ctx, err)
	}
	return c, func() {
		_ = c.Close() // the pool looks after one that broke
		s.served.Add(1)
	}, nil
}

// read runs f on a connection for reading.
func (s *Store) read(ctx context.Context, f func(querier) error) error {
	c, release, err := s.conn(ctx, s.reads)
	if err != nil {
		return err
	}
	defer release()
	return f(querier{on: c, dialect: s.dialect})
}
