//go:build !linux

package bench

import (
	"errors"
	"time"
)

// processorTime returns 0: not known here.
func processorTime() time.Duration { return 0 }

// dropPages cannot be done here.
func dropPages(string) error { return errors.ErrUnsupported }

// processorTimeOf returns 0: not known here.
func processorTimeOf(int) time.Duration { return 0 }

// openFilesMax returns how many sockets are tried: not known here.
func openFilesMax() int { return 1000 + openFilesSpare }
