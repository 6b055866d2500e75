package container

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// A directory is an array of 64-byte cells. The low three bits of a cell's
// first u32 tell what it is; the other bits can be anything.
//
//	3       a file entry starts here      1, 5   goes on with the entry before
//	7       a directory entry             0, 4   free
//
// An entry is 1 + n cells. Their bytes 4 to 63, one after the other, hold
//
//	u32 n, f64 time, u64 offset, u64 size, u32 nameLen, name, u32 attrLen, attributes
//
// where offset and size locate the descriptor.
const (
	cellMask  = 7
	cellFile  = 3
	cellDir   = 7
	cellMore  = 1
	moreMask  = 3 // of a cell that goes on, bit 2 may be left over
	cellRoom  = cellBytes - 4
	entryHead = 4 + 8 + 8 + 8 // n, time, offset, size
)

// A cellEntry is one entry as its cells say it.
type cellEntry struct {
	dir    bool
	name   string
	time   float64
	offset int64
	attrs  []byte // as stored, the NUL included
}

// parseCells returns the entries of a directory. The error says which cell,
// counted from 0, is wrong.
func parseCells(content []byte) ([]cellEntry, int, error) {
	var entries []cellEntry
	n := len(content) / cellBytes
	for i := 0; i < n; {
		kind := binary.LittleEndian.Uint32(content[i*cellBytes:]) & cellMask
		if kind != cellFile && kind != cellDir {
			i++ // free, or the rest of an entry that was removed
			continue
		}
		more := int64(binary.LittleEndian.Uint32(content[i*cellBytes+4:]))
		if more >= int64(n-i) {
			return nil, i, fmt.Errorf("entry goes on for %d cells, the directory has %d left", more, n-i-1)
		}
		record, err := joinCells(content[i*cellBytes : (i+1+int(more))*cellBytes])
		if err != nil {
			return nil, i, err
		}
		e, err := parseEntry(record)
		if err != nil {
			return nil, i, err
		}
		e.dir = kind == cellDir
		entries = append(entries, e)
		i += 1 + int(more)
	}
	return entries, 0, nil
}

// joinCells takes the flags out of an entry's cells.
func joinCells(cells []byte) ([]byte, error) {
	record := make([]byte, 0, len(cells)/cellBytes*cellRoom)
	for at := 0; at < len(cells); at += cellBytes {
		if kind := binary.LittleEndian.Uint32(cells[at:]) & moreMask; at > 0 && kind != cellMore {
			return nil, fmt.Errorf("cell %d after its start has kind %d, want %d", at/cellBytes, kind, cellMore)
		}
		record = append(record, cells[at+4:at+cellBytes]...)
	}
	return record, nil
}

func parseEntry(record []byte) (cellEntry, error) {
	e := cellEntry{
		time:   math.Float64frombits(binary.LittleEndian.Uint64(record[4:])),
		offset: int64(binary.LittleEndian.Uint64(record[12:])),
	}
	name, rest, err := lengthPrefixed(record[entryHead:], "name")
	if err != nil {
		return e, err
	}
	e.name = string(name)
	if err := checkName(e.name); err != nil {
		return e, err
	}
	e.attrs, _, err = lengthPrefixed(rest, "attributes")
	return e, err
}

func lengthPrefixed(b []byte, what string) (value, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, fmt.Errorf("%s: the entry's cells end before the length", what)
	}
	n := int64(binary.LittleEndian.Uint32(b))
	if n > int64(len(b)-4) {
		return nil, nil, fmt.Errorf("%s of %d bytes, the entry's cells have %d", what, n, len(b)-4)
	}
	return b[4 : 4+n : 4+n], b[4+n:], nil
}

// checkName refuses names that would not be one element of a path, here or in
// the folder that somebody extracts the container to.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("name %q", name)
	case strings.ContainsAny(name, "/\x00"):
		return fmt.Errorf("name %q has a slash or NUL in it", name)
	case !utf8.ValidString(name):
		return fmt.Errorf("name %q is not UTF-8", name)
	}
	return nil
}

// appendCells appends the cells of an entry.
func appendCells(dst []byte, e cellEntry) []byte {
	record := make([]byte, 4, entryHead+8+len(e.name)+len(e.attrs)+cellRoom)
	record = binary.LittleEndian.AppendUint64(record, math.Float64bits(e.time))
	record = binary.LittleEndian.AppendUint64(record, uint64(e.offset))
	record = binary.LittleEndian.AppendUint64(record, pageBytes)
	record = binary.LittleEndian.AppendUint32(record, uint32(len(e.name)))
	record = append(record, e.name...)
	record = binary.LittleEndian.AppendUint32(record, uint32(len(e.attrs)))
	record = append(record, e.attrs...)
	for len(record)%cellRoom != 0 {
		record = append(record, 0)
	}
	binary.LittleEndian.PutUint32(record, uint32(len(record)/cellRoom-1))

	kind := uint32(cellFile)
	if e.dir {
		kind = cellDir
	}
	for ; len(record) > 0; record = record[cellRoom:] {
		dst = binary.LittleEndian.AppendUint32(dst, kind)
		dst = append(dst, record[:cellRoom]...)
		kind = cellMore
	}
	return dst
}
