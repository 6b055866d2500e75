package simd

import "math/bits"

// Mark sets seen[c] = 1 for the code c of every row in rows. A nil rows means
// every row. It stops once `open` codes that were not seen before have been
// seen, so a column of few codes costs little; it returns how many of them are
// still open. seen holds flags, one for every code that occurs.
//
// Flags are set without a look at them: a branch per row that is taken at random
// costs more than counting the flags now and then.
func Mark[C Code](seen []uint8, codes []C, rows []uint64, open int) int {
	return untilSeen(seen, len(codes), open, func(lo, hi int) {
		if rows == nil {
			markAll(seen, codes[lo:hi])
		} else {
			markRows(seen, codes[lo:hi], rows[lo>>6:])
		}
	})
}

// untilSeen calls mark for one part of n rows after the other, lo being a
// multiple of 64, until `open` more flags of seen are set; it returns how many
// of them are not.
func untilSeen(seen []uint8, n, open int, mark func(lo, hi int)) int {
	if open == 0 {
		return 0
	}
	before := CountFlags(seen)
	stride := 64 * max(512, len(seen)/16) // rows between two looks at whether all is seen
	left := open
	for lo := 0; lo < n && left > 0; lo += stride {
		mark(lo, min(lo+stride, n))
		left = open - (CountFlags(seen) - before)
	}
	return left
}

func markAll[C Code](seen []uint8, codes []C) {
	for _, c := range codes {
		seen[c] = 1
	}
}

func markRows[C Code](seen []uint8, codes []C, rows []uint64) {
	for w, word := range rows[:(len(codes)+63)>>6] {
		if word == 0 {
			continue
		}
		block := codes[w<<6:]
		if word == ^uint64(0) && len(block) >= 64 {
			markAll(seen, block[:64])
			continue
		}
		for ; word != 0; word &= word - 1 {
			seen[block[bits.TrailingZeros64(word)]] = 1
		}
	}
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

// Translate writes through[codes[i]] into dst[i]. dst has the same length and may
// be codes; through has an entry for every code that occurs.
func Translate[C Code](dst []uint32, codes []C, through []uint32) {
	dst = dst[:len(codes)]
	for i := translate(dst, codes, through); i < len(codes); i++ {
		dst[i] = through[codes[i]]
	}
}

// AppendRows appends the numbers of the rows set in the words, the first
// word standing for rows base, base+1, ...
func AppendRows(dst []uint32, words []uint64, base uint32) []uint32 {
	dst, done := appendRows(dst, words, base)
	for w, word := range words[done:] {
		at := base + uint32(done+w)<<6
		for ; word != 0; word &= word - 1 {
			dst = append(dst, at+uint32(bits.TrailingZeros64(word)))
		}
	}
	return dst
}
