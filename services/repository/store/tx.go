package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// A Tx is a transaction. One goroutine may use it, until the function it was
// made for returns.
type Tx struct {
	reader
	// User is written down as who made the changes.
	User string

	store   *Store
	q       querier
	changes []Change
	// spoiled is the first error after which rows may be written in part.
	spoiled error
}

// serviceUser makes the changes that nobody asked for.
const serviceUser = `INTERNAL\sa_repository`

// Tx runs f in a transaction that sees its own changes. It is committed if f
// returns nil, and has no effect otherwise. Other methods of the Store must
// not be called inside: with ":memory:" they would wait for f.
func (s *Store) Tx(ctx context.Context, f func(*Tx) error) error {
	c, release, err := s.conn(ctx, s.writes)
	if err != nil {
		return err
	}
	defer release()
	sqlTx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return explain(err)
	}
	defer sqlTx.Rollback() //nolint:errcheck // without effect after a commit
	tx := &Tx{User: serviceUser, store: s, q: querier{on: sqlTx, dialect: s.dialect}}
	tx.reader = reader{store: s, with: func(_ context.Context, f func(querier) error) error { return f(tx.q) }}
	if err := f(tx); err != nil {
		return err
	}
	if tx.spoiled != nil {
		return fmt.Errorf("transaction cannot be committed: %w", tx.spoiled)
	}
	if err := tx.announce(ctx); err != nil {
		return fmt.Errorf("announce changes: %w", err)
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", explain(err))
	}
	if len(tx.changes) > 0 {
		s.bell.ring()
	}
	if err := tx.analyse(ctx, c); err != nil { // what was done stands
		s.cfg.Log.Warn("the database could not count what was added, and may be slow for a minute", "err", err)
	}
	return nil
}

// analyseFrom is from how many new entities on PostgreSQL counts what there is
// after a transaction: for a minute it would plan as if they were not there, and
// lists would take seconds.
const analyseFrom = 1000

func (tx *Tx) analyse(ctx context.Context, c *sql.Conn) error {
	added := 0
	for i := range tx.changes {
		if tx.changes[i].Kind == Added {
			added++
		}
	}
	if added < analyseFrom || tx.store.cfg.Driver != Postgres {
		return nil
	}
	_, err := c.ExecContext(ctx, "ANALYZE entity, reference")
	return err
}

// spoil notes an error that came while rows were written, and returns it.
func (tx *Tx) spoil(err error) error {
	if tx.spoiled == nil {
		tx.spoiled = err
	}
	return err
}

// now is the time in the precision of dates.
func (tx *Tx) now() time.Time { return tx.store.cfg.Clock().UTC().Truncate(time.Millisecond) }

// touch marks e as changed: later than before, whatever the clock says, so that
// of two writers who read the same one is stale.
func (tx *Tx) touch(e *Entity) {
	e.ModifiedBy = tx.User
	if now := tx.now(); now.After(e.Modified) {
		e.Modified = now
	} else {
		e.Modified = e.Modified.Add(time.Millisecond)
	}
}

// keep reads an entity and keeps it from other transactions.
func (tx *Tx) keep(ctx context.Context, typ, id string) (*Entity, *schema.Type, error) {
	t, err := tx.store.entityType(typ)
	if err != nil {
		return nil, nil, err
	}
	ids := canonicalIDs([]string{id})
	if len(ids) == 0 {
		return nil, nil, fmt.Errorf("%s %s: %w", typ, id, ErrNotFound)
	}
	if tx.store.forKeep != "" {
		if err := tx.q.exec(ctx, "SELECT 1 FROM entity WHERE id = ?"+tx.store.forKeep, ids[0]); err != nil {
			return nil, nil, err
		}
	}
	e, err := tx.Get(ctx, t.Name, ids[0])
	if err != nil {
		return nil, nil, err
	}
	return e, tx.store.cfg.Schema.Type(e.Type), nil
}

// Lock reads an entity and keeps other transactions from changing it until this
// one ends.
func (tx *Tx) Lock(ctx context.Context, typ, id string) (*Entity, error) {
	e, _, err := tx.keep(ctx, typ, id)
	return e, err
}

// put writes what has changed of an entity that is there.
func (tx *Tx) put(ctx context.Context, t *schema.Type, e *Entity) error {
	r, err := tx.store.row(t, e)
	if err != nil {
		return err
	}
	err = tx.q.exec(ctx, "UPDATE entity SET name = ?, modified = ?, modified_by = ?, doc = ?, folded = ? WHERE id = ?",
		r.name, e.Modified.UnixMilli(), e.ModifiedBy, r.doc, r.folded, e.ID)
	if err != nil {
		return err
	}
	if err := tx.q.exec(ctx, "DELETE FROM reference WHERE source = ?", e.ID); err != nil {
		return err
	}
	return tx.refer(ctx, t, e)
}
