package storage

// hugeBytes is the size from which on an array is worth huge pages, of which
// the system clears one at a time where it would clear 512.
const hugeBytes = 4 << 20

// large returns a slice of n zeros with room for more. It is where all arrays
// of a field or a column that grow with the number of rows come from while
// they are being filled.
func large[T number](n, room int) []T {
	s := make([]T, n, room)
	if room*sizeOf[T]() >= hugeBytes {
		adviseHuge(bytesOf(s[:room]))
	}
	return s
}

// doubled returns s with room for at least n more elements.
func doubled[T number](s []T, n int) []T {
	if len(s)+n <= cap(s) {
		return s
	}
	return append(large[T](0, max(len(s)+n, 2*len(s))), s...)
}
