//go:build !unix

package qvf

import "os"

// lock does nothing where files cannot be locked: one process at a time may
// change a file.
func lock(*os.File) error { return nil }
