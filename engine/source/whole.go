package source

// wholeNumbers reads cells that are whole numbers as they are written by
// default: at most 15 digits, no zeros in front, no sign but a minus. It stops
// at the first other cell and returns how many it has read. By the rules of
// any locale those texts are these numbers.
func wholeNumbers(dst []float64, s string, cells []span) int {
	dst = dst[:len(cells)]
	for i, c := range cells {
		if lo := int(c.lo); c.n-1 < 8 && lo+8 <= len(s) {
			if x, ok := shortWhole(load8(s[lo:lo+8]), c.n); ok {
				dst[i] = float64(int64(x))
				continue
			}
		}
		x, ok := longWhole(s, c)
		if !ok {
			return i
		}
		dst[i] = x
	}
	return len(cells)
}

// load8 returns the first eight bytes of s, the first one in the lowest bits.
func load8(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// shortWhole reads the n digits that the lowest bytes of w are, 1 to 8 of them.
// ok is false where they are not digits, or several of which the first is 0.
//
// All digits are tested together and put together pairwise, as in Lemire,
// "Quickly parsing eight digits" (2018).
func shortWhole(w uint64, n uint32) (x uint64, ok bool) {
	const zeros = 0x3030303030303030
	skip := (64 - 8*n) & 63
	w = (w<<skip ^ zeros) // digits end at the top; what is below becomes '0's
	w ^= zeros & (1<<skip - 1)
	first := w >> skip & 0xff
	if (w|(w+0x7676767676767676))&0x8080808080808080 != 0 || first == 0 && n > 1 {
		return 0, false
	}
	w = w*10 + w>>8
	x = (w&0x000000ff000000ff*0x000f424000000064 + w>>16&0x000000ff000000ff*0x0000271000000001) >> 32
	return x, true
}

// longWhole is for what shortWhole does not read.
func longWhole(s string, c span) (x float64, ok bool) {
	if c.n > 16 {
		return 0, false
	}
	text := s[c.lo : c.lo+c.n]
	negative := text != "" && text[0] == '-'
	if negative {
		text = text[1:]
	}
	if text == "" || text[0] == '0' && (len(text) > 1 || negative) {
		return 0, false
	}
	if x, ok = wholeNumber(text); negative {
		x = -x
	}
	return x, ok
}
