package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// structure generates the kernel of structure_amd64.s: 64 bytes per turn, each
// compared with three.
func structure() {
	TEXT("structureAVX2", NOSPLIT, "func(dst *uint64, text string, words int, a, b, c byte)")
	Doc("Bit i of word w of dst is whether byte 64w+i of text is a, b or c. words is above 0, and text has 64 bytes for each.")
	dst, text, words := Load(Param("dst"), GP64()), Load(Param("text").Base(), GP64()), Load(Param("words"), GP64())
	var wanted [3]reg.VecVirtual
	for i, name := range []string{"a", "b", "c"} {
		wanted[i] = YMM()
		x := XMM()
		MOVD(Load(Param(name), GP8()).(reg.GPVirtual).As32(), x)
		VPBROADCASTB(x, wanted[i])
	}

	Label("turn")
	masks := [2]reg.GPVirtual{}
	for half := range masks {
		bytes, hit, any := YMM(), YMM(), YMM()
		VMOVDQU(operand.Mem{Base: text, Disp: 32 * half}, bytes)
		VPCMPEQB(wanted[0], bytes, any)
		for _, w := range wanted[1:] {
			VPCMPEQB(w, bytes, hit)
			VPOR(hit, any, any)
		}
		masks[half] = GP64()
		VPMOVMSKB(any, masks[half].As32())
	}
	SHLQ(operand.Imm(32), masks[1])
	ORQ(masks[0], masks[1])
	MOVQ(masks[1], operand.Mem{Base: dst})
	ADDQ(operand.Imm(64), text)
	ADDQ(operand.Imm(8), dst)
	DECQ(words)
	JNZ(operand.LabelRef("turn"))
	VZEROUPPER()
	RET()
}
