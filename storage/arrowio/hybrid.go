package arrowio

import (
	"encoding/binary"
	"fmt"
)

// A hybrid reads numbers of up to 32 bits as Parquet packs levels and
// dictionary indices: runs of one number, and groups of eight packed numbers.
//
//	run:    varint n<<1, then the number in (width+7)/8 bytes
//	packed: varint n<<1 | 1, then n groups of width bytes each, lowest bits first
//
// Source: parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid".
type hybrid struct {
	data  []byte
	width int
	left  int    // numbers left of this run
	same  bool   // ... all of which are value
	value uint32 // of a run
	bit   int    // of data: the next packed number
	end   int    // of data: behind the packed run
}

func newHybrid(data []byte, width int) (*hybrid, error) {
	if width < 0 || width > 32 {
		return nil, fmt.Errorf("%w: numbers of %d bits", ErrFormat, width)
	}
	return &hybrid{data: data, width: width}, nil
}

// read fills dst with the next numbers.
func (h *hybrid) read(dst []uint32) error {
	for len(dst) > 0 {
		if h.left == 0 {
			if err := h.next(); err != nil {
				return err
			}
		}
		n := min(h.left, len(dst))
		if h.same {
			for i := range dst[:n] {
				dst[i] = h.value
			}
		} else {
			h.unpack(dst[:n])
		}
		h.left -= n
		dst = dst[n:]
	}
	return nil
}

// next reads the header of a run.
func (h *hybrid) next() error {
	h.data, h.end, h.bit = h.data[h.end:], 0, 0
	head, used := binary.Uvarint(h.data)
	if used <= 0 || head>>1 > 1<<25 || head>>1 == 0 { // a page has fewer values
		return fmt.Errorf("%w: bad length of a run", ErrFormat)
	}
	h.data = h.data[used:]
	h.same = head&1 == 0
	if h.same {
		size := (h.width + 7) / 8
		if len(h.data) < size {
			return fmt.Errorf("%w: a run needs %d bytes, has %d", ErrFormat, size, len(h.data))
		}
		h.value = 0
		for i, b := range h.data[:size] {
			h.value |= uint32(b) << (8 * i)
		}
		h.left, h.end = int(head>>1), size
		return nil
	}
	// The last group may be cut off where no number of it is used.
	h.left = int(head>>1) * 8
	if size := int(head>>1) * h.width; size <= len(h.data) {
		h.end = size
	} else {
		h.end = len(h.data)
		h.left = h.end * 8 / h.width
	}
	if h.left == 0 {
		return fmt.Errorf("%w: a run without numbers", ErrFormat)
	}
	return nil
}

// unpack fills dst with packed numbers, all of which are there.
func (h *hybrid) unpack(dst []uint32) {
	mask := uint64(1)<<h.width - 1
	data, bit, width := h.data, h.bit, h.width
	for i := range dst {
		at := bit >> 3
		if at+8 > len(data) {
			var tail [8]byte
			copy(tail[:], data[min(at, len(data)):])
			dst[i] = uint32(binary.LittleEndian.Uint64(tail[:]) >> (bit & 7) & mask)
		} else {
			dst[i] = uint32(binary.LittleEndian.Uint64(data[at:at+8]) >> (bit & 7) & mask)
		}
		bit += width
	}
	h.bit = bit
}
