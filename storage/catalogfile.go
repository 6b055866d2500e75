package storage

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// The catalog file holds a sealed catalog. All numbers are little-endian.
//
//	file      = "cogcat\r\n" version:u32 section(directory) { section(array) }
//	section   = bytes:u64 { chunk }            bytes before compression, in chunks of 1 MiB, the last shorter
//	chunk     = stored:u32 xxhash:u64 zstd     checksum of the stored bytes
//
//	directory = n:u32 { field } n:u32 { table }
//	field     = name comment tags format keyof symbols:u32 arrays:u8 arena:u32
//	            keyof: tags, the fields that a synthetic key stands for
//	            arrays: bit 0 some value has a number, bit 1 some value has a text
//	format    = 0:u8 | 1:u8 type:u8 pattern decimal thousand
//	table     = name comment tags rows:u32 flags:u8 n:u32 { column }
//	            flags: bit 0 loose, bit 1 distinct
//	column    = field:u32 width:u8 all:u32     all: the one code, for width 0
//	tags      = n:u32 { string }
//	string    = n:u32 bytes
//
// The arrays follow in the order of the directory, those that do not exist
// left out: for each field nums (code 1 first; NaN: no number), ends, texted
// and arena as in [Symbols], then for each column its codes.
//
// A chunk's size before compression follows from its section, so that a
// reader holds one chunk and what chunks before it have proved to be there.
const (
	catalogMagic   = "cogcat\r\n"
	catalogVersion = 1

	chunkBytes       = 1 << 20
	chunkStoredMax   = chunkBytes + chunkBytes/64 // zstd adds a few bytes to what it cannot compress
	chunkHeaderBytes = 4 + 8

	hasNums  = 1 << 0
	hasTexts = 1 << 1

	flagLoose    = 1 << 0
	flagDistinct = 1 << 1
)

// A FormatError says where a catalog file is not what it should be.
type FormatError struct {
	Block  string // "header", "directory", "numbers of Region" ...
	Offset int64  // of the file, or of the unpacked directory
	Err    error
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("catalog: %s: byte %d: %v", e.Block, e.Offset, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// number is the element of an array of the file.
type number interface {
	uint8 | uint16 | uint32 | uint64 | float64
}

func sizeOf[T number]() int {
	var x T
	return binary.Size(x)
}

// newEncoder and newDecoder are bound to one goroutine and one chunk.
func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(chunkBytes),
		zstd.WithDecoderMaxWindow(chunkBytes), zstd.WithDecodeAllCapLimit(true))
}
