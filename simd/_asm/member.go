package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// member generates the kernels of member_amd64.s. Each makes a word of a bitmap
// from 64 codes per turn.
func member() {
	member8VBMI()
	member8AVX2()
	for _, sizeBytes := range []int{2, 4} {
		gatherAVX512(sizeBytes)
		gatherAVX2(sizeBytes)
	}
	for _, blocks := range []int{1, 2, 4} {
		member16BW(blocks)
	}
	for _, sizeBytes := range []int{2, 4} {
		rangeAVX512(sizeBytes)
		rangeAVX2(sizeBytes)
	}
}

// A turn is the loop around a kernel: it counts words and puts them down.
type turn struct {
	dst, codes, n, keep reg.GPVirtual
	left                reg.GPVirtual // OR of all words
	bytes               int           // of 64 codes
}

// begin declares the kernel and reads its parameters but those of the set,
// which params name.
func begin(name string, sizeBytes int, params, doc string) *turn {
	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst *uint64, codes *uint%d, n int, keep uint64, %s) uint64", 8*sizeBytes, params))
	Doc(doc)
	load := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	t := &turn{dst: load("dst"), codes: load("codes"), n: load("n"), keep: load("keep"), left: GP64(), bytes: 64 * sizeBytes}
	XORQ(t.left, t.left)
	return t
}

// loop runs body, which returns the register with the word.
func (t *turn) loop(body func() reg.GPVirtual) {
	Label("turn")
	old := GP64()
	MOVQ(operand.Mem{Base: t.dst}, old)
	ORQ(t.keep, old)
	JEQ(operand.LabelRef("next"))
	word := body()
	ANDQ(old, word)
	MOVQ(word, operand.Mem{Base: t.dst})
	ORQ(word, t.left)
	Label("next")
	ADDQ(operand.Imm(8), t.dst)
	ADDQ(operand.U32(t.bytes), t.codes)
	DECQ(t.n)
	JNE(operand.LabelRef("turn"))
	VZEROUPPER()
	Store(t.left, ReturnIndex(0))
	RET()
}

func (t *turn) at(disp int) operand.Mem { return operand.Mem{Base: t.codes, Disp: disp} }

// member8VBMI looks 64 codes up in a table of 256 bytes held in four registers.
func member8VBMI() {
	t := begin("member8VBMI", 1, "table *uint8", "Words of codes whose entry in table, 256 bytes of 0 or 0xFF, is set.")
	table := Load(Param("table"), GP64())
	var z [4]reg.VecVirtual
	for i := range z {
		z[i] = ZMM()
		VMOVDQU64(operand.Mem{Base: table, Disp: 64 * i}, z[i])
	}
	t.loop(func() reg.GPVirtual {
		codes, lo, hi := ZMM(), ZMM(), ZMM()
		VMOVDQU64(t.at(0), codes)
		VMOVDQA64(codes, lo)
		VMOVDQA64(codes, hi)
		VPERMI2B(z[1], z[0], lo)
		VPERMI2B(z[3], z[2], hi)
		upper, k := K(), K()
		VPMOVB2M(codes, upper)
		VMOVDQU8(hi, upper, lo)
		VPMOVB2M(lo, k)
		word := GP64()
		KMOVQ(k, word)
		return word
	})
}

// member8AVX2 finds a code's bit in a matrix of 16 x 16 bits: its lower four
// bits choose a byte, the upper ones a bit of it.
func member8AVX2() {
	t := begin("member8AVX2", 1, "matrix *uint8", "Words of codes whose bit in matrix is set: 16 bytes for the upper halves 0 to 7 by lower half, then 16 for 8 to 15.")
	matrix := Load(Param("matrix"), GP64())
	lower, upper, bit, nibble := YMM(), YMM(), YMM(), YMM()
	VBROADCASTI128(operand.Mem{Base: matrix}, lower)
	VBROADCASTI128(operand.Mem{Base: matrix, Disp: 16}, upper)
	bits := GLOBL("nibbleBits", RODATA|NOPTR)
	for i := range 16 {
		DATA(i, operand.U8(1<<(i%8)))
	}
	VBROADCASTI128(bits, bit)
	t4 := GP32()
	MOVL(operand.U32(0x0F0F0F0F), t4)
	VMOVD(t4, nibble.AsX())
	VPBROADCASTD(nibble.AsX(), nibble)
	t.loop(func() reg.GPVirtual {
		var half [2]reg.GPVirtual
		for i := range half {
			codes, high, a, b, m := YMM(), YMM(), YMM(), YMM(), YMM()
			VMOVDQU(t.at(32*i), codes)
			VPSRLW(operand.Imm(4), codes, high)
			VPAND(nibble, high, high)
			VPAND(nibble, codes, a)
			VPSHUFB(a, upper, b)
			VPSHUFB(a, lower, a)
			VPBLENDVB(codes, b, a, a) // codes from 128 on take the upper matrix
			VPSHUFB(high, bit, m)
			VPAND(m, a, a)
			VPCMPEQB(m, a, a)
			half[i] = GP64()
			VPMOVMSKB(a, half[i].As32())
		}
		SHLQ(operand.Imm(32), half[1])
		ORQ(half[1], half[0])
		return half[0]
	})
}

// gatherAVX512 fetches the word of each code's bit, sixteen at a time.
func gatherAVX512(sizeBytes int) {
	t := begin(fmt.Sprintf("member%dAVX512", 8*sizeBytes), sizeBytes, "set *uint64", "Words of codes whose bit in set is set.")
	set := Load(Param("set"), GP64())
	one := ZMM()
	t1 := GP32()
	MOVL(operand.U32(1), t1)
	VPBROADCASTD(t1, one)
	every := K()
	KXNORW(every, every, every)
	t.loop(func() reg.GPVirtual {
		var ks [4]reg.OpmaskVirtual
		for i := range ks {
			codes, at, words, all := ZMM(), ZMM(), ZMM(), K()
			if sizeBytes == 2 {
				VPMOVZXWD(t.at(32*i), codes)
			} else {
				VMOVDQU32(t.at(64*i), codes)
			}
			VPSRLD(operand.Imm(5), codes, at)
			KMOVW(every, all)
			VPXORD(words, words, words)
			VPGATHERDD(operand.Mem{Base: set, Index: at, Scale: 4}, all, words)
			VPRORVD(codes, words, words)
			ks[i] = K()
			VPTESTMD(one, words, ks[i])
		}
		return joinMasks(ks)
	})
}

// joinMasks makes a word of four masks of 16 bits.
func joinMasks(ks [4]reg.OpmaskVirtual) reg.GPVirtual {
	KUNPCKWD(ks[0], ks[1], ks[0])
	KUNPCKWD(ks[2], ks[3], ks[2])
	KUNPCKDQ(ks[0], ks[2], ks[0])
	word := GP64()
	KMOVQ(ks[0], word)
	return word
}

// gatherAVX2 is the same, eight at a time.
func gatherAVX2(sizeBytes int) {
	t := begin(fmt.Sprintf("member%dAVX2", 8*sizeBytes), sizeBytes, "set *uint64", "Words of codes whose bit in set is set.")
	set := Load(Param("set"), GP64())
	low := YMM()
	t1 := GP32()
	MOVL(operand.U32(31), t1)
	VMOVD(t1, low.AsX())
	VPBROADCASTD(low.AsX(), low)
	every := YMM()
	VPCMPEQD(every, every, every)
	t.loop(func() reg.GPVirtual {
		word := GP64()
		XORQ(word, word)
		for i := 7; i >= 0; i-- {
			codes, at, words, all := YMM(), YMM(), YMM(), YMM()
			if sizeBytes == 2 {
				VPMOVZXWD(t.at(16*i), codes)
			} else {
				VMOVDQU(t.at(32*i), codes)
			}
			VPSRLD(operand.Imm(5), codes, at)
			VMOVDQA(every, all)
			VPXOR(words, words, words)
			VPGATHERDD(all, operand.Mem{Base: set, Index: at, Scale: 4}, words)
			VPANDN(low, codes, codes) // 31 - code%32
			VPSLLVD(codes, words, words)
			part := GP32()
			VMOVMSKPS(words, part)
			SHLQ(operand.Imm(8), word)
			ORQ(part.As64(), word)
		}
		return word
	})
}

// member16BW holds a set of up to 1024*blocks codes in registers, sixteen bits
// per lane, and looks 32 codes up at a time.
func member16BW(blocks int) {
	t := begin(fmt.Sprintf("member16x%dBW", blocks), 2, "set *uint64",
		fmt.Sprintf("Words of codes below %d whose bit in set, that many bits, is set.", 1024*blocks))
	set := Load(Param("set"), GP64())
	z := make([]reg.VecVirtual, 2*blocks)
	for i := range z {
		z[i] = ZMM()
		VMOVDQU64(operand.Mem{Base: set, Disp: 64 * i}, z[i])
	}
	one, low := ZMM(), ZMM()
	t1 := GP32()
	MOVL(operand.U32(0x00010001), t1)
	VPBROADCASTD(t1, one)
	MOVL(operand.U32(0x000F000F), t1)
	VPBROADCASTD(t1, low)
	t.loop(func() reg.GPVirtual {
		var ks [2]reg.OpmaskVirtual
		for i := range ks {
			codes, at, words := ZMM(), ZMM(), ZMM()
			VMOVDQU64(t.at(64*i), codes)
			VPSRLW(operand.Imm(4), codes, at)
			choose := func(block int) reg.VecVirtual {
				w := ZMM()
				VMOVDQA64(at, w)
				VPERMI2W(z[2*block+1], z[2*block], w)
				return w
			}
			blend := func(shift uint64, a, b reg.VecVirtual) { // b where bit 10 or 11 of the code is set
				k, s := K(), ZMM()
				VPSLLW(operand.Imm(shift), codes, s)
				VPMOVW2M(s, k)
				VMOVDQU16(b, k, a)
			}
			words = choose(0)
			if blocks >= 2 {
				blend(5, words, choose(1))
			}
			if blocks == 4 {
				upper := choose(2)
				blend(5, upper, choose(3))
				blend(4, words, upper)
			}
			VPANDQ(low, codes, codes)
			bit := ZMM()
			VPSLLVW(codes, one, bit)
			ks[i] = K()
			VPTESTMW(bit, words, ks[i])
		}
		KUNPCKDQ(ks[0], ks[1], ks[0])
		word := GP64()
		KMOVQ(ks[0], word)
		return word
	})
}

// rangeAVX512 compares codes, less lo, with the length of a run of codes.
func rangeAVX512(sizeBytes int) {
	t := begin(fmt.Sprintf("range%dAVX512", 8*sizeBytes), sizeBytes, "lo uint32, span uint32", "Words of codes from lo to lo+span.")
	lo, span := ZMM(), ZMM()
	broadcast(sizeBytes, Load(Param("lo"), GP32()).(reg.GPVirtual), lo)
	broadcast(sizeBytes, Load(Param("span"), GP32()).(reg.GPVirtual), span)
	t.loop(func() reg.GPVirtual {
		ks := make([]reg.OpmaskVirtual, sizeBytes)
		for i := range ks {
			codes := ZMM()
			VMOVDQU64(t.at(64*i), codes)
			ks[i] = K()
			switch sizeBytes {
			case 1:
				VPSUBB(lo, codes, codes)
				VPCMPUB(operand.Imm(2), span, codes, ks[i])
			case 2:
				VPSUBW(lo, codes, codes)
				VPCMPUW(operand.Imm(2), span, codes, ks[i])
			default:
				VPSUBD(lo, codes, codes)
				VPCMPUD(operand.Imm(2), span, codes, ks[i])
			}
		}
		switch sizeBytes {
		case 4:
			return joinMasks([4]reg.OpmaskVirtual(ks))
		case 2:
			KUNPCKDQ(ks[0], ks[1], ks[0])
		}
		word := GP64()
		KMOVQ(ks[0], word)
		return word
	})
}

func broadcast(sizeBytes int, from reg.GPVirtual, z reg.VecVirtual) {
	switch sizeBytes {
	case 1:
		VPBROADCASTB(from, z)
	case 2:
		VPBROADCASTW(from, z)
	default:
		VPBROADCASTD(from, z)
	}
}

// rangeAVX2 is the same with the lesser of both, as there is no unsigned
// compare.
func rangeAVX2(sizeBytes int) {
	t := begin(fmt.Sprintf("range%dAVX2", 8*sizeBytes), sizeBytes, "lo uint32, span uint32", "Words of codes from lo to lo+span.")
	lo, span := YMM(), YMM()
	for i, y := range []reg.VecVirtual{lo, span} {
		from := Load(Param([]string{"lo", "span"}[i]), GP32())
		VMOVD(from, y.AsX())
		switch sizeBytes {
		case 1:
			VPBROADCASTB(y.AsX(), y)
		case 2:
			VPBROADCASTW(y.AsX(), y)
		default:
			VPBROADCASTD(y.AsX(), y)
		}
	}
	t.loop(func() reg.GPVirtual {
		word := GP64()
		XORQ(word, word)
		within := func(i int) reg.VecVirtual { // all ones in lanes of codes that are in
			codes, least := YMM(), YMM()
			VMOVDQU(t.at(32*i), codes)
			switch sizeBytes {
			case 1:
				VPSUBB(lo, codes, codes)
				VPMINUB(span, codes, least)
				VPCMPEQB(codes, least, codes)
			case 2:
				VPSUBW(lo, codes, codes)
				VPMINUW(span, codes, least)
				VPCMPEQW(codes, least, codes)
			default:
				VPSUBD(lo, codes, codes)
				VPMINUD(span, codes, least)
				VPCMPEQD(codes, least, codes)
			}
			return codes
		}
		for part := 1; part >= 0; part-- {
			mask := within(part * sizeBytes)
			if sizeBytes == 2 { // two of 16 lanes make one of 32, in order after a permutation of quarters
				VPACKSSWB(within(part*sizeBytes+1), mask, mask)
				VPERMQ(operand.Imm(0xD8), mask, mask)
			}
			bits := GP32()
			if sizeBytes != 4 {
				VPMOVMSKB(mask, bits)
			} else {
				VMOVMSKPS(within(4*part+3), bits)
				for i := 2; i >= 0; i-- {
					m := mask
					if i > 0 {
						m = within(4*part + i)
					}
					eight := GP32()
					VMOVMSKPS(m, eight)
					SHLL(operand.Imm(8), bits)
					ORL(eight, bits)
				}
			}
			if part == 0 {
				SHLQ(operand.Imm(32), word)
			}
			ORQ(bits.As64(), word)
		}
		return word
	})
}
