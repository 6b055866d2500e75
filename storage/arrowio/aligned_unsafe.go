package arrowio

import (
	"bytes"
	"unsafe"
)

// aligned returns b at an address at which numbers of some bytes may lie: the
// library looks at them as they are.
func aligned(b []byte, size int) []byte {
	if len(b) > 0 && uintptr(unsafe.Pointer(&b[0]))%uintptr(size) != 0 {
		return bytes.Clone(b)
	}
	return b
}
