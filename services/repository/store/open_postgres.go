package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

const (
	connLifetime = time.Hour
	// channel is the NOTIFY channel of changes, and changeLock the advisory
	// lock that commits of changes queue for.
	channel    = "cognate_change"
	changeLock = 0x636f676e617465 // "cognate"
)

func (s *Store) openPostgres(ctx context.Context) error {
	s.dialect, s.forKeep = filter.Postgres(), " FOR UPDATE"
	cfg, err := pgxpool.ParseConfig(s.cfg.DSN)
	if err != nil {
		return fmt.Errorf("dsn: %w", err) // pgx leaves the password out
	}
	cfg.MaxConns, cfg.MinConns, cfg.MaxConnLifetime = int32(min(s.cfg.MaxConns, 10_000)), 0, connLifetime
	cfg.ConnConfig.RuntimeParams["lock_timeout"] = strconv.FormatInt(s.cfg.Wait.Milliseconds(), 10)
	// Indexes lie in memory or on an SSD: the server's default, for disks that
	// turn, has it read all references for those of 20 streams.
	if params := cfg.ConnConfig.RuntimeParams; params["random_page_cost"] == "" {
		params["random_page_cost"] = "1.1"
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	s.release = pool.Close
	s.reads = stdlib.OpenDBFromPool(pool)
	s.writes = s.reads
	s.stats = func() Pool { // the standard library's know nothing of the pool below
		n := pool.Stat()
		return Pool{Open: int(n.TotalConns()), Active: int(n.AcquiredConns()), Waits: n.EmptyAcquireCount()}
	}
	if err := awaitDatabase(ctx, s.reads, s.cfg.Wait); err != nil {
		return err
	}
	// Nodes of a site may start at once.
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	if err := s.migrate(ctx, goose.DialectPostgres, "migrations/postgres", goose.WithSessionLocker(locker)); err != nil {
		return err
	}
	listening, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.running.Go(func() { s.listen(listening, cfg.ConnConfig.Copy()) })
	return nil
}

// listen rings the bell for changes of other processes, and after each new
// connection for what came before it. Its connection is none of the pool's.
func (s *Store) listen(ctx context.Context, cfg *pgx.ConnConfig) {
	for ctx.Err() == nil {
		err := s.listenOnce(ctx, cfg)
		if ctx.Err() != nil {
			return
		}
		s.cfg.Log.Warn("notifications of the database ended, connecting again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (s *Store) listenOnce(ctx context.Context, cfg *pgx.ConnConfig) error {
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		s.bell.ring()
		if _, err := c.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
