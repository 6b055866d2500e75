package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// ChangeKind is what happened to an entity. The values are the interface's.
type ChangeKind int

const (
	Added   ChangeKind = 1
	Updated ChangeKind = 2
	Deleted ChangeKind = 3
)

// A Change is one change of one entity.
type Change struct {
	Seq        int64 // grows in the order of commits, with gaps
	At         time.Time
	Kind       ChangeKind
	Type, ID   string
	Properties []string // of Updated: the fields that changed
}

// changed notes a change for announce.
func (tx *Tx) changed(kind ChangeKind, e *Entity, properties []string) {
	at := e.Modified
	if kind == Deleted {
		at = tx.now()
	}
	tx.changes = append(tx.changes, Change{At: at, Kind: kind, Type: e.Type, ID: e.ID, Properties: properties})
}

// announce writes the changes of a transaction down, right before its commit.
// With PostgreSQL commits wait for each other from here on: numbers would be
// given in another order than they become visible in, and a reader miss some.
func (tx *Tx) announce(ctx context.Context) error {
	if len(tx.changes) == 0 {
		return nil
	}
	postgres := tx.store.cfg.Driver == Postgres
	if postgres {
		if err := tx.q.exec(ctx, "SELECT pg_advisory_xact_lock(?)", int64(changeLock)); err != nil {
			return err
		}
	}
	for _, c := range tx.changes {
		properties, err := json.Marshal(append([]string{}, c.Properties...))
		if err != nil {
			return err
		}
		err = tx.q.exec(ctx, "INSERT INTO change (at, change_type, type, id, changed_properties) VALUES (?, ?, ?, ?, ?)",
			c.At.UnixMilli(), int(c.Kind), c.Type, c.ID, string(properties))
		if err != nil {
			return err
		}
	}
	if postgres {
		return tx.q.exec(ctx, "SELECT pg_notify(?, '')", channel)
	}
	return nil
}

const changeColumns = "SELECT seq, at, change_type, type, id, changed_properties FROM change"

// Changes returns up to limit changes after number since.
func (r reader) Changes(ctx context.Context, since int64, limit int) ([]Change, error) {
	return r.changes(ctx, changeColumns+" WHERE seq > ? ORDER BY seq LIMIT ?", since, limit)
}

// changesSinceMax bounds what ChangesSince returns: who wants more asks again
// from the time of the last one.
const changesSinceMax = 10_000

// ChangesSince returns the first changes since a time, at most 10,000, of the
// types given or of all.
func (r reader) ChangesSince(ctx context.Context, since time.Time, types ...string) ([]Change, error) {
	query, args := changeColumns+" WHERE at >= ?", []any{since.UnixMilli()}
	if len(types) > 0 {
		var names []string
		for _, name := range types {
			t, err := r.store.entityType(name)
			if err != nil {
				return nil, err
			}
			names = append(names, r.store.cfg.Schema.Concrete(t)...)
		}
		condition, arg := r.store.dialect.In("type", names)
		query, args = query+" AND "+condition, append(args, arg)
	}
	return r.changes(ctx, query+" ORDER BY seq LIMIT ?", append(args, changesSinceMax)...)
}

func (r reader) changes(ctx context.Context, query string, args ...any) ([]Change, error) {
	var list []Change
	err := r.with(ctx, func(q querier) error {
		return q.rows(ctx, query, args, func(rows *sql.Rows) error {
			c, err := scanChange(rows)
			list = append(list, c)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	return list, nil
}

func scanChange(rows *sql.Rows) (Change, error) {
	var (
		c          Change
		at         int64
		properties []byte
	)
	if err := rows.Scan(&c.Seq, &at, &c.Kind, &c.Type, &c.ID, &properties); err != nil {
		return Change{}, err
	}
	c.At = time.UnixMilli(at).UTC()
	if err := json.Unmarshal(properties, &c.Properties); err != nil {
		return Change{}, fmt.Errorf("properties of change %d: %w", c.Seq, err)
	}
	return c, nil
}

// LastChange returns the number of the last change, 0 if there is none.
func (r reader) LastChange(ctx context.Context) (int64, error) {
	var seq int64
	err := r.with(ctx, func(q querier) error {
		return q.rows(ctx, "SELECT COALESCE(max(seq), 0) FROM change", nil, func(rows *sql.Rows) error { return rows.Scan(&seq) })
	})
	return seq, err
}

// PruneChanges removes the changes before a time, all but the last, and
// returns how many there were.
func (tx *Tx) PruneChanges(ctx context.Context, before time.Time) (int64, error) {
	return tx.q.affected(ctx, "DELETE FROM change WHERE at < ? AND seq < (SELECT max(seq) FROM change)", before.UnixMilli())
}
