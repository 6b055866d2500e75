package simd

import "math/bits"

// Whole is an integer value of a row.
type Whole interface{ int8 | int16 | int32 }

// SumMasked returns the sum of the values of rows that are set and whose value
// is not null, and their number. Row r is bit r%64 of word r/64; x has a value
// for every row that is set.
func SumMasked[T Whole](x []T, rows []uint64, null T) (sum int64, n int) {
	words := min(len(rows), len(x)/64) // of which all values are there
	if words > 0 {
		sum, n, words = sumMasked(x, rows[:words], null)
	}
	s, m := sumMaskedGeneric(x[64*words:], rows[words:], null)
	return sum + s, n + m
}

// sumMaskedGeneric is what every other implementation must agree with.
func sumMaskedGeneric[T Whole](x []T, rows []uint64, null T) (sum int64, n int) {
	for i, word := range rows {
		for ; word != 0; word &= word - 1 {
			if v := x[64*i+bits.TrailingZeros64(word)]; v != null {
				sum += int64(v)
				n++
			}
		}
	}
	return sum, n
}
