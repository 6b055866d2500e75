package simd

// Structure finds the bytes that divide a text: bit i of dst[w] is set where
// byte 64w+i of text is a, b or c. dst has a word for every 64 bytes that
// text has or begins; the bits behind the text are 0.
func Structure(dst []uint64, text string, a, b, c byte) {
	words := len(text) / 64
	structure(dst[:words], text[:64*words], a, b, c)
	if rest := text[64*words:]; rest != "" {
		m := uint64(0)
		for i := range len(rest) {
			if x := rest[i]; x == a || x == b || x == c {
				m |= 1 << i
			}
		}
		dst[words] = m
	}
}

// structureGeneric is Structure for whole words: eight bytes at a time.
func structureGeneric(dst []uint64, text string, a, b, c byte) {
	const ones = 0x0101010101010101
	wa, wb, wc := ones*uint64(a), ones*uint64(b), ones*uint64(c)
	for w := range dst {
		m := uint64(0)
		for i := 0; i < 64; i += 8 {
			x := loadText(text, w*64+i)
			// Bit 7 of each byte that is equal; multiplied, they come together.
			m |= (equal(x^wa) | equal(x^wb) | equal(x^wc)) >> 7 * 0x0102040810204080 >> 56 << i
		}
		dst[w] = m
	}
}

// equal sets bit 7 of the bytes of x that are 0, and clears all other bits.
func equal(x uint64) uint64 {
	const low = 0x7f7f7f7f7f7f7f7f
	return ^(x&low + low | x | low)
}

// loadText returns eight bytes of a text, the first one in the lowest bits.
func loadText(text string, at int) uint64 {
	t := text[at : at+8]
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
		uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}
