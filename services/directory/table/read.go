package table

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cognate-bi/cognate/services/directory"
)

// readPeople reads both tables as they are at one moment.
func readPeople(ctx context.Context, v directory.Values, q directory.Query) (*directory.People, error) {
	c, err := read(v)
	if err != nil {
		return nil, err
	}
	timeout, err := v.Timeout()
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeoutCause(ctx, timeout, directory.ErrTimeout)
	defer cancel()
	people, err := c.readPeople(within, q)
	if err != nil && within.Err() != nil {
		return nil, context.Cause(within)
	}
	return people, err
}

func (c *config) readPeople(ctx context.Context, q directory.Query) (*directory.People, error) {
	db, err := pgx.ConnectConfig(ctx, c.database)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.database.Host, err)
	}
	defer db.Close(context.WithoutCancel(ctx))
	tx, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it has changed nothing
	var found directory.Collector
	if err := c.people(ctx, tx, q, &found); err != nil {
		return nil, fmt.Errorf("table %s, columns userid and name: %w", c.users, err)
	}
	if len(found.List) == 0 {
		found.Nobody, err = c.isEmpty(ctx, tx)
		return &found.People, err
	}
	if c.attributes == "" {
		return &found.People, nil
	}
	if err := c.properties(ctx, tx, q, &found); err != nil {
		return nil, fmt.Errorf("table %s, columns userid, type and value: %w", c.attributes, err)
	}
	return &found.People, nil
}

// among is the condition for the people of a query, and its arguments.
func among(q directory.Query) (condition string, args []any) {
	if q.All() {
		return "", nil
	}
	ids := make([]string, len(q.IDs))
	for i, id := range q.IDs {
		ids[i] = strings.ToLower(strings.TrimSpace(id))
	}
	return " WHERE lower(trim(userid::text)) = ANY($1)", []any{ids}
}

// valueMax bounds what is read of a value, in characters: what is longer is left
// out, and not shortened.
const valueMax = "1024"

func (c *config) people(ctx context.Context, tx pgx.Tx, q directory.Query, to *directory.Collector) error {
	where, args := among(q)
	return each(ctx, tx, ordered("userid", "name", "''", c.users+where), args, func(id, name, _ string) error {
		_, err := to.Add(directory.Person{ID: id, Name: name, Source: "userid " + id})
		return err
	})
}

func (c *config) properties(ctx context.Context, tx pgx.Tx, q directory.Query, to *directory.Collector) error {
	where, args := among(q)
	n := 0
	return each(ctx, tx, ordered("userid", "type", "value", c.attributes+where), args, func(id, kind, value string) error {
		if n++; n > directory.MembersMax {
			return fmt.Errorf("%d attributes: %w", directory.MembersMax, directory.ErrTooMany)
		}
		if person, ok := to.Find(id); ok {
			to.Give(person, directory.Attribute{Type: kind, Value: value, Source: c.attributes})
		}
		return nil
	})
}

// ordered is a query for three columns, in the order of their bytes: of users
// with the same name always the same one is the first.
func ordered(a, b, c, from string) string {
	text := func(column string) string { return "left(" + column + "::text, " + valueMax + ") COLLATE \"C\"" }
	return "SELECT " + text(a) + " a, " + text(b) + " b, " + text(c) + " c FROM " + from + " ORDER BY a, b, c"
}

// each calls f with each row of three texts; NULL is empty.
func each(ctx context.Context, tx pgx.Tx, query string, args []any, f func(a, b, c string) error) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a, b, c *string
		if err := rows.Scan(&a, &b, &c); err != nil {
			return err
		}
		if err := f(orEmpty(a), orEmpty(b), orEmpty(c)); err != nil {
			return err
		}
	}
	return rows.Err()
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// isEmpty reports whether the table of users has no row.
func (c *config) isEmpty(ctx context.Context, tx pgx.Tx) (bool, error) {
	var one int
	err := tx.QueryRow(ctx, "SELECT 1 FROM "+c.users+" LIMIT 1").Scan(&one)
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	return false, err
}
