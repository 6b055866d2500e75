package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/pressly/goose/v3"
)

// sqliteReaders bounds the connections that read a file: more than processors
// do not make it faster.
const sqliteReaders = 8

func (s *Store) openSQLite(ctx context.Context) error {
	s.dialect = filter.SQLite()
	var err error
	if s.cfg.DSN == ":memory:" {
		// Each connection would have a database of its own.
		if s.writes, err = s.sqliteDB(1); err != nil {
			return err
		}
		s.reads = s.writes
		s.stats = func() Pool { return sum(s.writes) }
	} else {
		if s.writes, err = s.sqliteDB(1); err != nil {
			return err
		}
		if s.reads, err = s.sqliteDB(min(s.cfg.MaxConns, sqliteReaders)); err != nil {
			return err
		}
		s.stats = func() Pool { return sum(s.reads, s.writes) }
	}
	if err := awaitDatabase(ctx, s.writes, s.cfg.Wait); err != nil {
		return err
	}
	return s.migrate(ctx, goose.DialectSQLite3, "migrations/sqlite")
}

// Without a cache size of its own a connection keeps 2 MB, less than a list of a
// thousand apps reads.
func (s *Store) sqliteDB(conns int) (*sql.DB, error) {
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", s.cfg.Wait.Milliseconds()),
		"journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)", "cache_size(-16384)",
	}}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: s.cfg.DSN}).EscapedPath(), RawQuery: options.Encode()}
	if s.cfg.DSN == ":memory:" {
		name.Opaque = s.cfg.DSN
	}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}
