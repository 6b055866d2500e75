package repository

import (
	"errors"
	"fmt"

	"github.com/cognate-bi/cognate/services/repository/store"
)

// Errors that callers of a repository act on. Those of fields are
// [schema.Error], those of filters [filter.Error].
var (
	ErrNotFound  = store.ErrNotFound
	ErrExists    = store.ErrExists
	ErrStale     = store.ErrStale // changed since it was read
	ErrForbidden = errors.New("not allowed by the security rules")
	ErrInvalid   = errors.New("invalid")
	ErrInactive  = errors.New("the account is inactive")
	ErrDirectory = errors.New("the directory could not be read")
)

// forbidden wraps [ErrForbidden] with what was refused.
func forbidden(r Right) error {
	return fmt.Errorf("%s %s %s: %w", r.Action, r.Type, r.ID, ErrForbidden)
}
