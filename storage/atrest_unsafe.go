package storage

import (
	"encoding/binary"
	"unsafe"
)

// littleEndian is whether numbers lie in memory as they do at rest.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// view returns bytes as numbers, without a copy where order and alignment of
// this machine allow it. len(b) is a multiple of the size of T.
func view[T number](b []byte) []T {
	size := sizeOf[T]()
	n := len(b) / size
	if n == 0 {
		return []T{}
	}
	if littleEndian && uintptr(unsafe.Pointer(&b[0]))%uintptr(size) == 0 {
		return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
	}
	out := make([]T, n)
	_, _ = binary.Decode(b, binary.LittleEndian, out) // cannot fail: the length fits
	return out
}

// bytesOf returns numbers as the bytes that they are at rest, without a copy
// where this machine's order allows it.
func bytesOf[T number](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	if littleEndian {
		return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*sizeOf[T]())
	}
	b, _ := binary.Append(nil, binary.LittleEndian, x) // numbers always have a binary form
	return b
}

// words32 returns the elements of 4 bytes as words of 32 bits, nil for others.
func words32[T number](x []T) []uint32 {
	if unsafe.Sizeof(*new(T)) != 4 {
		return nil
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}
