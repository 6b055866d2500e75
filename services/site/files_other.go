//go:build !unix

package site

// openFilesMax returns 0: there is no such bound here.
func openFilesMax() int { return 0 }
