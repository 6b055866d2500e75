package source

import "unsafe"

// stringOf returns the bytes of a chunk as a text without copying them. A
// chunk has one owner, which calls this and touches the bytes again only when
// nothing refers to the text any more.
func stringOf(chunk []byte) string {
	return unsafe.String(unsafe.SliceData(chunk), len(chunk))
}
