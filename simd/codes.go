package simd

import "math/bits"

// Mark sets seen[c] = 1 for the code c of every row in rows. A nil rows means
// every row. It stops as soon as `open` codes that were not seen before have
// been seen, so a column of few codes costs little; it returns how many of
// them are still open.
func Mark[C Code](seen []uint8, codes []C, rows []uint64, open int) int {
	const stride = 512 // words between two looks at whether all is seen
	if rows == nil {
		for lo := 0; lo < len(codes) && open > 0; lo += stride * 64 {
			for _, c := range codes[lo:min(lo+stride*64, len(codes))] {
				if seen[c] == 0 {
					seen[c] = 1
					open--
				}
			}
		}
		return open
	}
	for lo := 0; lo < len(rows) && open > 0; lo += stride {
		for w := lo; w < min(lo+stride, len(rows)); w++ {
			word := rows[w]
			if word == 0 {
				continue
			}
			block := codes[w<<6:]
			if word == ^uint64(0) && len(block) >= 64 {
				for _, c := range block[:64] {
					if seen[c] == 0 {
						seen[c] = 1
						open--
					}
				}
				continue
			}
			for ; word != 0; word &= word - 1 {
				c := block[bits.TrailingZeros64(word)]
				if seen[c] == 0 {
					seen[c] = 1
					open--
				}
			}
		}
	}
	return open
}

// MarkAt sets seen[c] = 1 for the codes c of the given rows.
func MarkAt[C Code](seen []uint8, codes []C, rows []uint32) {
	for _, r := range rows {
		seen[codes[r]] = 1
	}
}

// CountCodes adds 1 to counts[c] for the code c of every row in rows. A nil
// rows means every row.
func CountCodes[C Code](counts []uint32, codes []C, rows []uint64) {
	if rows == nil {
		for _, c := range codes {
			counts[c]++
		}
		return
	}
	for w, word := range rows {
		if word == 0 {
			continue
		}
		block := codes[w<<6:]
		for ; word != 0; word &= word - 1 {
			counts[block[bits.TrailingZeros64(word)]]++
		}
	}
}

// Widen writes codes into dst, which has the same length.
func Widen[C Code](dst []uint32, codes []C) {
	dst = dst[:len(codes)]
	for i, c := range codes {
		dst[i] = uint32(c)
	}
}

// Translate writes through[codes[i]] into dst[i]; dst has the same length, and
// through an entry for every code that occurs.
func Translate[C Code](dst []uint32, codes []C, through []uint32) {
	dst = dst[:len(codes)]
	for i := translate(dst, codes, through); i < len(codes); i++ {
		dst[i] = through[codes[i]]
	}
}

// AppendRows appends the numbers of the rows set in the words, the first
// word standing for rows base, base+1, ...
func AppendRows(dst []uint32, words []uint64, base uint32) []uint32 {
	for w, word := range words {
		at := base + uint32(w)<<6
		for ; word != 0; word &= word - 1 {
			dst = append(dst, at+uint32(bits.TrailingZeros64(word)))
		}
	}
	return dst
}
