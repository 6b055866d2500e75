//go:build unix

package qvf

import (
	"os"
	"syscall"
)

// lock waits until no other process changes the file in place. It ends when f
// is closed.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }
