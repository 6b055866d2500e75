package simd

import (
	"fmt"
	"math/bits"
)

// Packed is n codes of the same number of bits each, one behind the other:
// code i is bits i*bits to (i+1)*bits, bit 0 being the least significant of the
// first byte. Behind them lie [PackedSlack] bytes, whose values mean nothing, so
// that kernels may load past the end. The zero value holds no codes.
//
// A code of up to 25 bits lies in four bytes, wherever it begins, which is what
// its kernels live by. What they read from memory is less than of whole bytes;
// scans unpack a block into the first cache and go over it there.
type Packed struct {
	bytes []byte
	bits  int
	n     int
}

const (
	// PackedBits is the greatest width of packed codes.
	PackedBits = 25
	// PackedSlack is how many bytes lie behind packed codes.
	PackedSlack = 64
	// packedBlock is how many codes a scan unpacks at a time: 8 KiB.
	packedBlock = 1 << 11
	// packedShare is the part of a block's rows below which codes are read one
	// by one.
	packedShare = 8
)

// PackedLen returns the bytes that n codes take, the slack included.
func PackedLen(n, width int) int { return (n*width+7)/8 + PackedSlack }

// NewPacked returns the n codes in b, which has the length that [PackedLen]
// says. It keeps b.
func NewPacked(b []byte, bits, n int) Packed {
	if bits < 1 || bits > PackedBits || n < 0 || len(b) != PackedLen(n, bits) {
		panic(fmt.Sprintf("simd: BUG: %d codes of %d bits in %d bytes", n, bits, len(b)))
	}
	return Packed{b, bits, n}
}

// Bits returns the width of a code, 0 of the zero value.
func (p *Packed) Bits() int { return p.bits }

// Bytes returns what the codes lie in, the slack included.
func (p *Packed) Bytes() []byte { return p.bytes }

// Part returns codes lo to hi (exclusive); lo is a multiple of 8.
func (p *Packed) Part(lo, hi int) Packed {
	if lo&7 != 0 || lo > hi || hi > p.n {
		panic(fmt.Sprintf("simd: BUG: part %d to %d of %d packed codes", lo, hi, p.n))
	}
	from := lo / 8 * p.bits
	return Packed{p.bytes[from : from+PackedLen(hi-lo, p.bits)], p.bits, hi - lo}
}

// Put writes codes from code lo, a multiple of 8, on. What lies behind them is
// lost: a vector is filled from its beginning.
func (p *Packed) Put(lo int, codes []uint32) {
	part := p.Part(lo, lo+len(codes))
	var acc uint64
	have, at := 0, 0
	for _, c := range codes {
		acc |= uint64(c) << have
		if have += p.bits; have >= 32 {
			store64(part.bytes, at, acc)
			acc >>= 32
			have -= 32
			at += 4
		}
	}
	store64(part.bytes, at, acc)
}

// At returns code i.
func (p *Packed) At(i int) uint32 {
	if uint(i) >= uint(p.n) {
		panic(fmt.Sprintf("simd: BUG: code %d of %d packed ones", i, p.n))
	}
	at := i * p.bits
	return uint32(load64(p.bytes, at>>3) >> (at & 7) & (1<<p.bits - 1))
}

// Unpack writes codes lo to lo+len(dst) into dst.
func (p *Packed) Unpack(dst []uint32, lo int) {
	if lo < 0 || lo > p.n-len(dst) {
		panic(fmt.Sprintf("simd: BUG: codes %d to %d of %d packed ones", lo, lo+len(dst), p.n))
	}
	if head := min(-lo&7, len(dst)); head > 0 { // kernels begin at a byte
		p.unpackGeneric(dst[:head], lo)
		dst, lo = dst[head:], lo+head
	}
	if len(dst) > 0 {
		n := unpackCodes(dst, p.bytes[lo/8*p.bits:], p.bits)
		p.unpackGeneric(dst[n:], lo+n)
	}
}

// unpackGeneric is Unpack, and what every other implementation of it must
// agree with. dst is not longer than the codes from lo on.
func (p *Packed) unpackGeneric(dst []uint32, lo int) {
	b, bits, mask := p.bytes, p.bits, uint64(1)<<p.bits-1
	at := lo * bits
	for i := range dst {
		dst[i] = uint32(load64(b, at>>3) >> (at & 7) & mask)
		at += bits
	}
}

// UnpackAt writes the codes at the given places into dst, which is as long.
func (p *Packed) UnpackAt(dst, places []uint32) {
	dst = dst[:len(places)]
	b, bits, mask, n := p.bytes, uint(p.bits), uint64(1)<<p.bits-1, uint(p.n)
	for i, r := range places {
		if uint(r) >= n {
			p.At(int(r)) // panics
		}
		at := uint(r) * bits
		dst[i] = uint32(load64(b, int(at>>3)) >> (at & 7) & mask)
	}
}

// Translate is [Translate] of the codes from lo on.
func (p *Packed) Translate(dst []uint32, lo int, through []uint32) {
	for ; len(dst) > 0; lo += packedBlock {
		part := dst[:min(packedBlock, len(dst))]
		p.Unpack(part, lo)
		Translate(part, part, through)
		dst = dst[len(part):]
	}
}

// Mark is [Mark].
func (p *Packed) Mark(seen []uint8, rows []uint64, open int) int {
	var buf [packedBlock]uint32
	return untilSeen(seen, p.n, open, func(lo, hi int) {
		for ; lo < hi; lo += packedBlock {
			codes := buf[:min(packedBlock, hi-lo)]
			if rows == nil {
				p.Unpack(codes, lo)
				markAll(seen, codes)
				continue
			}
			words := rows[lo>>6 : (lo+len(codes)+63)>>6]
			switch n := Count(words); {
			case n == 0:
			case n < len(codes)/packedShare:
				p.markFew(seen, words, lo)
			default:
				p.Unpack(codes, lo)
				markRows(seen, codes, words)
			}
		}
	})
}

// markFew marks the codes of the rows set in words, the first of which stands
// for code lo on.
func (p *Packed) markFew(seen []uint8, words []uint64, lo int) {
	b, width, mask := p.bytes, p.bits, uint64(1)<<p.bits-1
	for w, word := range words {
		for ; word != 0; word &= word - 1 {
			row := lo + w<<6 + bits.TrailingZeros64(word)
			if row >= p.n {
				p.At(row) // panics
			}
			at := row * width
			seen[load64(b, at>>3)>>(at&7)&mask] = 1
		}
	}
}

// MarkAt is [MarkAt].
func (p *Packed) MarkAt(seen []uint8, rows []uint32) {
	b, bits, mask, n := p.bytes, uint(p.bits), uint64(1)<<p.bits-1, uint(p.n)
	for _, r := range rows {
		if uint(r) >= n {
			p.At(int(r)) // panics
		}
		at := uint(r) * bits
		seen[load64(b, int(at>>3))>>(at&7)&mask] = 1
	}
}

// Count is [CountCodes].
func (p *Packed) Count(counts []uint32, rows []uint64) {
	var buf [packedBlock]uint32
	for lo := 0; lo < p.n; lo += packedBlock {
		codes, words := buf[:min(packedBlock, p.n-lo)], []uint64(nil)
		if rows != nil {
			if words = rows[lo>>6 : (lo+len(codes)+63)>>6]; !Any(words) {
				continue
			}
		}
		p.Unpack(codes, lo)
		CountCodes(counts, codes, words)
	}
}

// Member is [Member] of the codes from lo, a multiple of 64, to hi.
func (p *Packed) Member(rows []uint64, lo, hi int, s *CodeSet) (some bool) {
	var buf [packedBlock]uint32
	for at := lo; at < hi; at += packedBlock {
		codes := buf[:min(packedBlock, hi-at)]
		p.Unpack(codes, at)
		some = Member(rows[(at-lo)>>6:], codes, s) || some
	}
	return some
}

// MemberAnd is [MemberAnd] of the codes from lo, a multiple of 64, to hi.
func (p *Packed) MemberAnd(rows []uint64, lo, hi int, s *CodeSet) (some bool) {
	var buf [packedBlock]uint32
	for at := lo; at < hi; at += packedBlock {
		codes := buf[:min(packedBlock, hi-at)]
		words := rows[(at-lo)>>6 : (at-lo+len(codes)+63)>>6]
		if !Any(words) {
			continue
		}
		p.Unpack(codes, at)
		some = MemberAnd(words, codes, s) || some
	}
	return some
}

// Max is [Max].
func (p *Packed) Max() (top uint32) {
	var buf [packedBlock]uint32
	for lo := 0; lo < p.n; lo += packedBlock {
		codes := buf[:min(packedBlock, p.n-lo)]
		p.Unpack(codes, lo)
		top = max(top, Max(codes))
	}
	return top
}
