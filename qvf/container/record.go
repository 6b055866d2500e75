package container

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// A root record says which root directory is valid and what it must hold. Page
// 0 has room for two, at 0x50 and 0x90; generation g stands in number g%2, so
// that whatever happens while page 0 is written, the other is intact:
//
//	+0x00  "COGNATE" 01
//	+0x08  u64 generation, from 1
//	+0x10  u64 offset of the root directory's descriptor
//	+0x18  u64 xxHash64 of the root directory's content
//	+0x20  16 bytes 0
//	+0x30  u64 size of the file when the record was written
//	+0x38  u64 xxHash64 of the 56 bytes before
//
// A reader takes the record of the highest generation whose own checksum and
// whose root directory are right. Without any, the offset at 0x40 counts, as
// it does for foreign readers.
type record struct {
	generation uint64
	root       int64
	rootSum    uint64
	size       int64
}

const (
	recordMagic = "COGNATE\x01"
	recordBytes = 64
)

func (r record) encode() []byte {
	b := make([]byte, 0, recordBytes)
	b = append(b, recordMagic...)
	for _, x := range []uint64{r.generation, uint64(r.root), r.rootSum, 0, 0, uint64(r.size)} {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b))
}

// recordsOf returns the records of page 0 whose checksums are right, the
// highest generation first, and the number of those that are not.
func recordsOf(page []byte) (valid []record, broken int) {
	for slot := range 2 {
		b := page[recordsAt+slot*recordBytes:][:recordBytes]
		if string(b[:len(recordMagic)]) != recordMagic {
			continue
		}
		word := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
		if xxhash.Sum64(b[:0x38]) != word(0x38) {
			broken++
			continue
		}
		r := record{generation: word(8), root: int64(word(0x10)), rootSum: word(0x18), size: int64(word(0x30))}
		valid = append(valid, r)
	}
	if len(valid) == 2 && valid[0].generation < valid[1].generation {
		valid[0], valid[1] = valid[1], valid[0]
	}
	return valid, broken
}

// pageZero returns page 0 with the root of the newest record.
func pageZero(newest record, other []record) []byte {
	page := make([]byte, pageBytes)
	copy(page, []byte{0xFF, 0xFF, 0x01, 0x00})
	for at, x := range map[int]uint32{0x04: 1729, 0x0C: pageBytes, 0x10: 1} {
		binary.LittleEndian.PutUint32(page[at:], x)
	}
	binary.LittleEndian.PutUint64(page[rootAt:], uint64(newest.root))
	binary.LittleEndian.PutUint64(page[rootAt+8:], pageBytes)
	for _, r := range append(other[:len(other):len(other)], newest) {
		copy(page[recordsAt+int(r.generation%2)*recordBytes:], r.encode())
	}
	return page
}
