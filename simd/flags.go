package simd

// Flags are bytes that are 0 or 1, one per code.

// flagBits gathers the lowest bits of eight bytes in the uppermost byte of the
// product.
const flagBits = 0x0102040810204080

// PackFlags writes the flags as a bitmap into the first words of dst, which has
// room for them; bits of the last word behind the last flag become 0.
func PackFlags(dst []uint64, flags []uint8) {
	w := 0
	for ; len(flags) >= 64; flags = flags[64:] {
		var word uint64
		for i := 0; i < 64; i += 8 {
			word |= load64(flags, i) * flagBits >> 56 << i
		}
		dst[w] = word
		w++
	}
	if len(flags) > 0 {
		dst[w] = 0
		for i, f := range flags {
			dst[w] |= uint64(f&1) << i
		}
	}
}

// CountFlags returns the number of flags that are 1.
func CountFlags(flags []uint8) (n int) {
	for ; len(flags) >= 64; flags = flags[64:] {
		sum := uint64(0) // eight sums of at most eight
		for i := 0; i < 64; i += 8 {
			sum += load64(flags, i)
		}
		n += int(sum * 0x0101010101010101 >> 56)
	}
	for _, f := range flags {
		n += int(f)
	}
	return n
}

// OrFlags sets dst to dst OR b; b is at least as long as dst.
func OrFlags(dst, b []uint8) {
	b = b[:len(dst)]
	n := len(dst) &^ 7
	for i := 0; i < n; i += 8 {
		store64(dst, i, load64(dst, i)|load64(b, i))
	}
	for i := n; i < len(dst); i++ {
		dst[i] |= b[i]
	}
}

// AndFlags sets dst to dst AND b; b is at least as long as dst.
func AndFlags(dst, b []uint8) {
	b = b[:len(dst)]
	n := len(dst) &^ 7
	for i := 0; i < n; i += 8 {
		store64(dst, i, load64(dst, i)&load64(b, i))
	}
	for i := n; i < len(dst); i++ {
		dst[i] &= b[i]
	}
}

// OrNotFlags sets dst to dst OR NOT b; b is at least as long as dst.
func OrNotFlags(dst, b []uint8) {
	const ones = 0x0101010101010101
	b = b[:len(dst)]
	n := len(dst) &^ 7
	for i := 0; i < n; i += 8 {
		store64(dst, i, load64(dst, i)|(load64(b, i)^ones))
	}
	for i := n; i < len(dst); i++ {
		dst[i] |= b[i] ^ 1
	}
}

// UnpackFlags writes the first len(dst) bits of a bitmap as flags.
func UnpackFlags(dst []uint8, words []uint64) {
	for ; len(dst) >= 64; dst, words = dst[64:], words[1:] {
		word := words[0]
		if word == 0 {
			clear(dst[:64])
			continue
		}
		for i := 0; i < 64; i += 8 {
			store64(dst, i, spread(uint8(word>>i)))
		}
	}
	for i := range dst {
		dst[i] = uint8(words[0] >> i & 1)
	}
}

// spread returns eight bytes, byte i being bit i of b.
func spread(b uint8) uint64 {
	x := uint64(b)
	x = (x | x<<28) & 0x0000000F0000000F
	x = (x | x<<14) & 0x0003000300030003
	return (x | x<<7) & 0x0101010101010101
}
