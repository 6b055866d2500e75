package store

import (
	"context"
	"time"
)

const (
	batchMax  = 1000        // changes in a batch
	readPause = time.Second // after an error of the database
)

// Subscribe calls f with the changes after number since (LastChange, or the
// last Seq that was seen), in batches, in order, each once, until ctx ends, the
// store is closed or f returns an error, which it returns. Whoever calls it
// with the number he stopped at gets what he missed.
func (s *Store) Subscribe(ctx context.Context, since int64, f func([]Change) error) error {
	for {
		// The bell is asked for before the table is read: a change in between
		// rings it.
		ring := s.bell.next()
		var retry <-chan time.Time
		batch, err := s.Changes(ctx, since, batchMax)
		switch {
		case err != nil && ctx.Err() == nil:
			s.cfg.Log.Warn("changes cannot be read, trying again", "error", err)
			retry = time.After(readPause)
		case len(batch) > 0:
			since = batch[len(batch)-1].Seq // f may do with the batch what it likes
			if err := f(batch); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.done:
			return ErrClosed
		case <-ring:
		case <-retry:
		}
	}
}
