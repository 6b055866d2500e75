package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// translate generates the kernels of translate_amd64.s: gathers of 32-bit
// numbers by codes.
func translate() {
	for _, sizeBytes := range []int{1, 2, 4} {
		TEXT(fmt.Sprintf("translate%dAVX512", 8*sizeBytes), NOSPLIT,
			fmt.Sprintf("func(dst *uint32, codes *uint%d, n int, through *uint32)", 8*sizeBytes))
		Doc("Writes the entries of through at the codes. n is above 0 and a multiple of 32.")
		dst, codes, n, through := Load(Param("dst"), GP64()), Load(Param("codes"), GP64()), Load(Param("n"), GP64()), Load(Param("through"), GP64())
		every := K()
		KXNORW(every, every, every)
		Label("turn")
		for i := range 2 {
			at, out, all := ZMM(), ZMM(), K()
			from := operand.Mem{Base: codes, Disp: 16 * sizeBytes * i}
			switch sizeBytes {
			case 1:
				VPMOVZXBD(from, at)
			case 2:
				VPMOVZXWD(from, at)
			default:
				VMOVDQU32(from, at)
			}
			KMOVW(every, all)
			VPXORD(out, out, out)
			VPGATHERDD(operand.Mem{Base: through, Index: at, Scale: 4}, all, out)
			VMOVDQU32(out, operand.Mem{Base: dst, Disp: 64 * i})
		}
		ADDQ(operand.U32(128), dst)
		ADDQ(operand.U32(32*sizeBytes), codes)
		SUBQ(operand.Imm(32), n)
		JNE(operand.LabelRef("turn"))
		VZEROUPPER()
		RET()
	}
}
