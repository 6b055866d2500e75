package store

import (
	"context"
	"database/sql"

	"github.com/cognate-bi/cognate/services/repository/filter"
)

// executor is what a *sql.Conn and a *sql.Tx have in common.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A querier runs statements with ? for arguments.
type querier struct {
	on      executor
	dialect *filter.Dialect
}

func (q querier) exec(ctx context.Context, query string, args ...any) error {
	_, err := q.on.ExecContext(ctx, q.dialect.Placeholders(query), args...)
	return explain(err)
}

// affected runs a statement and returns how many rows it changed.
func (q querier) affected(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := q.on.ExecContext(ctx, q.dialect.Placeholders(query), args...)
	if err != nil {
		return 0, explain(err)
	}
	return result.RowsAffected()
}

// rows calls scan for every row.
func (q querier) rows(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := q.on.QueryContext(ctx, q.dialect.Placeholders(query), args...)
	if err != nil {
		return explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return explain(rows.Err())
}
