package storage

import (
	"encoding/binary"
	"fmt"
)

// A sealed catalog at rest is a directory and streams of arrays, each of which
// is used as it lies in memory or in a mapped file. All numbers are
// little-endian.
//
//	directory = version:u32 n:u32 { field } n:u32 { table }
//	field     = name comment tags format keyof symbols:u32 traits:u8 arena:u32
//	            keyof: tags, the fields that a synthetic key stands for
//	            traits: bit 0 some value has a number, bit 1 some value has a
//	            text, bit 2 numbers without text show their default text
//	            ([Symbols.Plain]), bits 3-5 all numeric, all integer, all ASCII,
//	            bits 6-7 form of the numbers: 0 float64, 1 int32, 2 float32,
//	            3 progression; version 2 has the first only
//	format    = 0:u8 | 1:u8 type:u8 pattern decimal thousand
//	table     = name comment tags rows:u32 flags:u8 n:u32 { column }
//	            flags: bit 0 loose, bit 1 distinct
//	column    = field:u32 width:u8 all:u32     all: the one code, for width 0
//	            width: bytes per code, 0, 1, 2 or 4, or bits from 17 to 25 of
//	            packed ones ([simd.Packed], slack included) from version 4 on
//	tags      = n:u32 { string }
//	string    = n:u32 bytes
//
//	stream field_<i>       = nums ends texted arena     of field i, if it has symbols
//	stream column_<t>_<c>  = codes                      of column c of table t, if its width is not 0
//
// The arrays of a field are as in [Symbols], each beginning at a multiple of
// 64 bytes, the gaps zero; nums has an entry for the null code, and is
// first:i64 step:i64 for a progression.
const (
	directoryVersion = 4
	bytesVersion     = 3 // is read, too: no packed codes
	floatsVersion    = 2 // is read, too: nor other numbers than float64
	arrayAlign       = 64

	hasNums    = 1 << 0
	hasTexts   = 1 << 1
	isPlain    = 1 << 2
	allNumeric = 1 << 3
	allInteger = 1 << 4
	allASCII   = 1 << 5
	formShift  = 6

	flagLoose    = 1 << 0
	flagDistinct = 1 << 1
)

// A FormatError says where a catalog at rest is not what it should be.
type FormatError struct {
	Block  string // "directory", "symbols of Region", "codes of Region in table Sales"
	Offset int64  // in the directory or stream
	Err    error
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("catalog: %s: byte %d: %v", e.Block, e.Offset, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// number is the element of an array.
type number interface {
	uint8 | uint16 | uint32 | uint64 | int8 | int16 | int32 | float32 | float64
}

func sizeOf[T number]() int {
	var x T
	return binary.Size(x)
}

// A symbolsLayout is where the arrays of a field lie in its stream, as ends in
// bytes; each begins at the next multiple of arrayAlign.
type symbolsLayout struct{ nums, ends, texted, arena int64 }

func layoutOf(symbols int, traits byte, arena int) (l symbolsLayout) {
	n := int64(symbols)
	if traits&hasNums != 0 {
		l.nums = numbersForm(traits >> formShift).bytes(n + 1)
	}
	l.ends, l.texted = l.nums, l.nums
	if traits&hasTexts != 0 {
		l.ends = aligned(l.nums) + 4*n
		l.texted = aligned(l.ends) + (n+63)/64*8
	}
	l.arena = l.texted
	if arena > 0 {
		l.arena = aligned(l.texted) + int64(arena)
	}
	return l
}

// A numbersForm is how numbers lie in memory and at rest.
type numbersForm uint8

const (
	asFloat64 numbersForm = iota
	asInt32
	asFloat32
	asProgression
)

// bytes returns the size of n numbers.
func (f numbersForm) bytes(n int64) int64 {
	switch f {
	case asFloat64:
		return 8 * n
	case asProgression:
		return 16
	default:
		return 4 * n
	}
}

func aligned(at int64) int64 { return (at + arrayAlign - 1) &^ (arrayAlign - 1) }

func fieldStream(i int) string     { return fmt.Sprintf("field_%d", i) }
func columnStream(t, c int) string { return fmt.Sprintf("column_%d_%d", t, c) }
