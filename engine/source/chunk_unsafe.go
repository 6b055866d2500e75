package source

import "unsafe"

// stringOf returns the bytes of a chunk as a text without copying them. A
// chunk has one owner, which calls this and never touches the bytes again.
func stringOf(chunk []byte) string {
	return unsafe.String(unsafe.SliceData(chunk), len(chunk))
}
