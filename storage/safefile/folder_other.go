//go:build !unix

package safefile

// syncFolder does nothing where folders cannot be opened and synced.
func syncFolder(string) error { return nil }
