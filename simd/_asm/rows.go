package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows generates the kernel of rows_amd64.s, lists of rows out of bitmaps: it
// compresses the numbers of 16 rows at a time.
func rows() {
	TEXT("appendRowsAVX512", NOSPLIT, "func(dst *uint32, words *uint64, n int, base uint32)")
	Doc("Writes the numbers of the rows whose bits are set in n words, the first of them base.",
		"n is above 0; dst has room for 16 numbers more than there are.")
	dst, words, n := Load(Param("dst"), GP64()), Load(Param("words"), GP64()), Load(Param("n"), GP64())
	base := Load(Param("base"), GP32())
	at, steps := ZMM(), [4]reg.VecVirtual{ZMM(), ZMM(), ZMM(), ZMM()}
	for i := range steps {
		count := fmt.Sprintf("count%d", 16*i)
		VPMOVZXBD(counting(count, 16*i), steps[i])
	}
	step := GP32()
	MOVL(operand.U32(64), step)
	more := ZMM()
	VPBROADCASTD(step, more)
	VPBROADCASTD(base, at)
	Label("word")
	word := GP64()
	MOVQ(operand.Mem{Base: words}, word)
	TESTQ(word, word)
	JE(operand.LabelRef("next"))
	for i := range steps {
		some, numbers, part := K(), ZMM(), GP32()
		MOVWLZX(word.As16(), part)
		KMOVW(part, some)
		VPADDD(at, steps[i], numbers)
		VPCOMPRESSD_Z(numbers, some, numbers)
		VMOVDQU32(numbers, operand.Mem{Base: dst})
		POPCNTL(part, part)
		LEAQ(operand.Mem{Base: dst, Index: part.As64(), Scale: 4}, dst)
		if i < 3 {
			SHRQ(operand.Imm(16), word)
		}
	}
	Label("next")
	VPADDD(more, at, at)
	ADDQ(operand.Imm(8), words)
	DECQ(n)
	JNE(operand.LabelRef("word"))
	VZEROUPPER()
	RET()
}

// counting is the numbers from a first one on, a byte each.
func counting(name string, first int) operand.Mem {
	at := GLOBL(name, RODATA|NOPTR)
	for i := range 16 {
		DATA(i, operand.U8(first+i))
	}
	return at
}
