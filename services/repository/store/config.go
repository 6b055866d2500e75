package store

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/google/uuid"
)

// The databases.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Config says where and how entities are kept.
type Config struct {
	Driver string // SQLite or Postgres
	// DSN is a file or ":memory:" for SQLite; for PostgreSQL what libpq
	// accepts, a URL or key=value pairs.
	DSN string
	// SiteKey encrypts secrets: 32 bytes. Without one, secrets cannot be
	// written or read.
	SiteKey []byte

	Schema   *schema.Schema   // default: schema.Load
	Log      *slog.Logger     // default: none
	Clock    func() time.Time // default: time.Now
	NewID    func() string    // default: random GUIDs
	MaxConns int              // default: 90; with ":memory:" it is 1
	Wait     time.Duration    // for a connection or a lock, then ErrBusy; default: 5 s
}

// Validate says which field is wrong.
func (c *Config) Validate() error {
	switch {
	case c.Driver != SQLite && c.Driver != Postgres:
		return fmt.Errorf("driver: %q is neither %s nor %s", c.Driver, SQLite, Postgres)
	case c.DSN == "":
		return errors.New("dsn: is empty")
	case len(c.SiteKey) != 0 && len(c.SiteKey) != keyLen:
		return fmt.Errorf("site key: has %d bytes, want %d", len(c.SiteKey), keyLen)
	case c.MaxConns < 0:
		return fmt.Errorf("max conns: %d is negative", c.MaxConns)
	case c.Wait < 0:
		return fmt.Errorf("wait: %v is negative", c.Wait)
	}
	return nil
}

// withDefaults fills in what is not set.
func (c Config) withDefaults() (Config, error) {
	if c.Schema == nil {
		s, err := schema.Load()
		if err != nil {
			return Config{}, err
		}
		c.Schema = s
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.NewID == nil {
		c.NewID = uuid.NewString
	}
	if c.MaxConns == 0 {
		c.MaxConns = 90
	}
	if c.Wait == 0 {
		c.Wait = 5 * time.Second
	}
	return c, nil
}
