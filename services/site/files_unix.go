//go:build unix

package site

import "syscall"

// openFilesMax returns how many files this process may have open, 0 if the
// system does not tell. The runtime has raised it to what is allowed.
func openFilesMax() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return int(min(uint64(l.Cur), 1<<20)) //nolint:unconvert,gosec // signed on some systems
}
