package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrStale    = errors.New("was changed by someone else")
	ErrBusy     = errors.New("database is busy")
	ErrAway     = errors.New("database does not answer") // it is not known what became of a change under way
	ErrFull     = errors.New("no room for the database")
	ErrNoKey    = errors.New("no key for secrets")
	ErrClosed   = errors.New("store is closed")
)

// ErrInvalid says which field of a document is wrong, and why.
type ErrInvalid = schema.Error

// ErrInUse says who needs an entity that was to be deleted.
type ErrInUse struct {
	Type, ID string // of the entity that refers to it
	Field    string // path without positions
}

func (e *ErrInUse) Error() string {
	return fmt.Sprintf("is the %s of %s %s", e.Field, e.Type, e.ID)
}

// A takenError is an ErrExists that a database found. What that says of its own
// indexes is nobody's business: the text says it in ours.
type takenError struct{ err error }

func (e *takenError) Error() string {
	return ErrExists.Error() + ": its id, name or key is that of another one"
}
func (e *takenError) Unwrap() []error { return []error{ErrExists, e.err} }

// explain turns errors of the databases that a caller can act on into ours.
func explain(err error) error {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return &takenError{err}
		case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		switch lite.Code() & 0xff { // the rest of the code says more
		case sqlite3.SQLITE_BUSY:
			return fmt.Errorf("%w: %w", ErrBusy, err)
		case sqlite3.SQLITE_FULL:
			return fmt.Errorf("%w: %w", ErrFull, err)
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
			return fmt.Errorf("%w: %w", ErrAway, err)
		}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "23505": // unique_violation
			return &takenError{err}
		case "23503": // foreign_key_violation
			return fmt.Errorf("%w: %w", ErrNotFound, err)
		case "55P03", "40P01", "53300": // lock_not_available, deadlock_detected, too_many_connections
			return fmt.Errorf("%w: %w", ErrBusy, err)
		case "53100": // disk_full
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
	}
	if away(err) {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return err
}

// away reports whether an error says that PostgreSQL cannot be reached, or has
// gone while it was asked.
func away(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		class08 := strings.HasPrefix(pg.Code, "08")                                      // connection_exception
		return class08 || pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03" // shutdown, crash, start
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) || pgconn.SafeToRetry(err)
}

// waited turns the end of a wait for a connection into ErrBusy, unless the
// caller itself had no more time.
func waited(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("%w: no connection is free", ErrBusy)
	}
	return explain(err)
}
