//go:build amd64 && !purego

package simd

import "golang.org/x/sys/cpu"

// Tests clear this to reach every path; nothing else writes it.
var hasBMI2 = cpu.X86.HasBMI2

// The kernels do n rows, a multiple of 4 above 0, or those before a group of
// four with a number that is not below top, and return how many. They load
// eight bytes per record and check nothing.

//go:noescape
func unpackThrough8BMI2(dst *uint8, records *byte, n, step int, shift, mask uint64, through *uint8, top uint64) int

//go:noescape
func unpackThrough16BMI2(dst *uint16, records *byte, n, step int, shift, mask uint64, through *uint16, top uint64) int

//go:noescape
func unpackThrough32BMI2(dst *uint32, records *byte, n, step int, shift, mask uint64, through *uint32, top uint64) int

// unpackThrough is unpackThroughGeneric by the best means there are.
func unpackThrough[C Code](dst []C, records []byte, b Bits, through []C) int {
	n := len(dst) &^ 3
	if !hasBMI2 || n == 0 || len(through) == 0 {
		return unpackThroughGeneric(dst, records, b, through)
	}
	from, top := &records[b.Offset/8], uint64(len(through))
	shift, mask := uint64(b.Offset&7), uint64(1)<<b.Width-1
	switch d := any(dst).(type) {
	case []uint8:
		return unpackThrough8BMI2(&d[0], from, n, b.RecordBytes, shift, mask, &any(through).([]uint8)[0], top)
	case []uint16:
		return unpackThrough16BMI2(&d[0], from, n, b.RecordBytes, shift, mask, &any(through).([]uint16)[0], top)
	case []uint32:
		return unpackThrough32BMI2(&d[0], from, n, b.RecordBytes, shift, mask, &any(through).([]uint32)[0], top)
	}
	return unpackThroughGeneric(dst, records, b, through)
}
