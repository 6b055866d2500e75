package storage

import "unsafe"

// arenaString returns arena[lo:hi] as a string without a copy. The arena is
// only ever appended to, so the bytes behind the string never change; the
// slice expression keeps the bounds check.
func arenaString(arena []byte, lo, hi uint32) string {
	b := arena[lo:hi]
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}
