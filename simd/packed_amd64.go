//go:build amd64 && !purego && !checked

package simd

// A shuffle is how kernels bring each code of a group of 16 into four bytes of
// its own: the bytes to take, for both halves of 8 codes (from the byte of code
// 0 and of code 4 on) and for all 16 (from that of code 0 on), and by how much
// to shift them.
type shuffle struct {
	halves [32]uint8
	all    [64]uint8
	shifts [16]uint32
}

// shuffles are by number of bits.
var shuffles = func() (s [PackedBits + 1]shuffle) {
	for bits := 1; bits <= PackedBits; bits++ {
		for i := range 64 {
			at := i / 4 * bits
			s[bits].all[i] = uint8(at/8 + i%4)
			s[bits].shifts[i/4] = uint32(at % 8)
			if i < 32 {
				s[bits].halves[i] = s[bits].all[i]
			}
			if i >= 16 && i < 32 {
				s[bits].halves[i] -= uint8(4 * bits / 8)
			}
		}
	}
	return s
}()

// The kernels unpack n codes, a multiple of 32 above 0, of which eight take
// bits bytes, and load up to 64 bytes from the first byte of each 16 on. They
// check nothing.

//go:noescape
func unpackCodesVBMI(dst *uint32, from *byte, n, bits int, mask uint32, bytes *uint8, shifts *uint32)

//go:noescape
func unpackCodesAVX2(dst *uint32, from *byte, n, bits int, mask uint32, bytes *uint8, shifts *uint32)

// unpackCodes unpacks as many codes as the best kernel that there is can do,
// and returns how many.
func unpackCodes(dst []uint32, packed []byte, bits int) int {
	n := len(dst) &^ 31
	if n == 0 || !hasAVX2 {
		return 0
	}
	with := &shuffles[bits]
	if hasVBMI {
		unpackCodesVBMI(&dst[0], &packed[0], n, bits, 1<<bits-1, &with.all[0], &with.shifts[0])
	} else {
		unpackCodesAVX2(&dst[0], &packed[0], n, bits, 1<<bits-1, &with.halves[0], &with.shifts[0])
	}
	return n
}
