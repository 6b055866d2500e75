package simd

import "fmt"

// Bits is where a number stands in records of fixed size: bits Offset to
// Offset+Width of a record, bit 0 being the least significant of its first
// byte. It touches at most five bytes.
//
// Source: the record part of QVD files.
type Bits struct {
	RecordBytes int
	Offset      int // first bit
	Width       int // 0 to 32 bits
}

// Slack is how many bytes behind the last record let kernels load eight bytes
// at any of its bytes. Without it they are right, too, but slower at the end.
const Slack = 8

// check panics unless records hold n records of which b is a part.
func (b Bits) check(records []byte, n int) {
	if b.Width < 0 || b.Width > 32 || b.Offset < 0 || b.Offset+b.Width > 8*b.RecordBytes || n > 0 && len(records)/n < b.RecordBytes {
		panic(fmt.Sprintf("simd: BUG: bits %d+%d of records of %d bytes, %d of them in %d", b.Offset, b.Width, b.RecordBytes, n, len(records)))
	}
}

// wide returns how many of n records can be read by a load of eight bytes at
// the first byte of b.
func (b Bits) wide(records []byte, n int) int {
	if b.RecordBytes == 0 {
		return 0
	}
	room := len(records) - Slack - b.Offset/8
	if room < 0 {
		return 0
	}
	return min(n, room/b.RecordBytes+1)
}

// at reads the number of one record byte by byte.
func (b Bits) at(record []byte) uint32 {
	var v uint64
	lo := b.Offset / 8
	hi := (b.Offset + b.Width + 7) / 8
	for i := hi - 1; i >= lo; i-- {
		v = v<<8 | uint64(record[i])
	}
	return uint32(v >> (b.Offset & 7) & (1<<b.Width - 1))
}

// Unpack writes the numbers b of the first len(dst) records into dst. Numbers
// that do not fit dst lose their upper bits.
func Unpack[C Code](dst []C, records []byte, b Bits) {
	b.check(records, len(dst))
	n := b.wide(records, len(dst))
	shift, mask := b.Offset&7, uint64(1)<<b.Width-1
	at, step := b.Offset/8, b.RecordBytes
	for i := range dst[:n] {
		dst[i] = C(load64(records, at) >> (shift & 63) & mask)
		at += step
	}
	for i := n; i < len(dst); i++ {
		dst[i] = C(b.at(records[i*step:]))
	}
}

// UnpackThrough writes through[v] for the numbers v = b of the first len(dst)
// records into dst. It returns the first row whose number is not below
// len(through), where it stops, or -1.
//
// It is the hot path of loading a QVD.
func UnpackThrough[C Code](dst []C, records []byte, b Bits, through []C) int {
	b.check(records, len(dst))
	i := unpackThrough(dst[:b.wide(records, len(dst))], records, b, through)
	for ; i < len(dst); i++ {
		v := b.at(records[i*b.RecordBytes:])
		if uint64(v) >= uint64(len(through)) {
			return i
		}
		dst[i] = through[v]
	}
	return -1
}

// unpackThroughGeneric is UnpackThrough for records that a load of eight bytes
// may pass, and what its assembly must agree with. It returns how many rows it
// has done: it leaves the last ones, and those from a group with a number that
// is too high on, to the caller, and may have written any of them.
//
// Measured in nanoseconds per row on an AMD EPYC (Zen 3), 16 Ki rows, tables
// in the caches:
//
//	one record at a time, bounds checks in each load   1.7 to 2.7
//	one at a time without them                         0.9
//	four at a time with one test for all, this one     0.8
//	AVX2, eight records by two gathers                 1.0 to 1.6
//	BMI2, four at a time, unpack_amd64.s               0.45 to 0.8
//
// The gathers lose as that processor makes single loads of them. The larger
// figures are of tables of 512 KiB.
func unpackThroughGeneric[C Code](dst []C, records []byte, b Bits, through []C) (i int) {
	shift, mask := b.Offset&7, uint64(1)<<b.Width-1
	at, step, top := b.Offset/8, b.RecordBytes, uint64(len(through))
	for ; i+4 <= len(dst); i += 4 {
		v0 := load64(records, at) >> (shift & 63) & mask
		v1 := load64(records, at+step) >> (shift & 63) & mask
		v2 := load64(records, at+2*step) >> (shift & 63) & mask
		v3 := load64(records, at+3*step) >> (shift & 63) & mask
		if v0 >= top || v1 >= top || v2 >= top || v3 >= top {
			return i
		}
		d := dst[i : i+4 : i+4]
		d[0], d[1], d[2], d[3] = through[v0], through[v1], through[v2], through[v3]
		at += 4 * step
	}
	return i
}
