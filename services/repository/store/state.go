package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// State reads what a service keeps of its own under a name, and keeps the row
// from other transactions until the end of this one. What was never written
// leaves to as it is.
func (tx *Tx) State(ctx context.Context, name string, to any) error {
	// The row has to be there to be kept: two that write it first would not see
	// each other.
	if err := tx.q.exec(ctx, "INSERT INTO state (name, value) VALUES (?, 'null') ON CONFLICT (name) DO NOTHING", name); err != nil {
		return fmt.Errorf("state %s: %w", name, err)
	}
	var raw []byte
	err := tx.q.rows(ctx, "SELECT value FROM state WHERE name = ?"+tx.store.forKeep, []any{name}, func(rows *sql.Rows) error { return rows.Scan(&raw) })
	if err != nil {
		return fmt.Errorf("state %s: %w", name, err)
	}
	if string(raw) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("state %s: %w", name, err)
	}
	return nil
}

// SetState writes it.
func (tx *Tx) SetState(ctx context.Context, name string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("state %s: %w", name, err)
	}
	if err := tx.q.exec(ctx, "UPDATE state SET value = ? WHERE name = ?", string(raw), name); err != nil {
		return fmt.Errorf("state %s: %w", name, err)
	}
	return nil
}
