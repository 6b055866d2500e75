package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sums generates the kernels of sums_amd64.s, sums of values by bitmaps of rows:
// eight values at a time are widened to 64 bits and added under a mask.
func sums() {
	for _, k := range []struct {
		bits  int
		widen func(mem, mask, to operand.Op)
	}{
		{8, VPMOVSXBQ_Z}, {16, VPMOVSXWQ_Z}, {32, VPMOVSXDQ_Z},
	} {
		sumMasked(k.bits, k.widen)
	}
}

func sumMasked(bits int, widen func(mem, mask, to operand.Op)) {
	TEXT(fmt.Sprintf("sumMasked%dAVX512", bits), NOSPLIT, fmt.Sprintf("func(out *[16]int64, x *int%d, words *uint64, n int, null int64)", bits))
	Doc("Adds, of the values of n words of rows, those whose bits are set and that are not null:",
		"eight sums, then eight numbers of them. n is above 0.")
	x, words, n := Load(Param("x"), GP64()), Load(Param("words"), GP64()), Load(Param("n"), GP64())
	null, one := ZMM(), ZMM()
	VPBROADCASTQ(Load(Param("null"), GP64()), null)
	step := GP64()
	MOVQ(operand.U32(1), step)
	VPBROADCASTQ(step, one)
	// Two of each, so that an addition need not wait for the one before.
	sum, count := [2]reg.VecVirtual{ZMM(), ZMM()}, [2]reg.VecVirtual{ZMM(), ZMM()}
	for i := range 2 {
		VPXORQ(sum[i], sum[i], sum[i])
		VPXORQ(count[i], count[i], count[i])
	}
	Label("word")
	word := GP64()
	MOVQ(operand.Mem{Base: words}, word)
	TESTQ(word, word)
	JE(operand.LabelRef("next"))
	for i := range 8 {
		some, there, values := K(), K(), ZMM()
		KMOVB(word.As32(), some)
		widen(operand.Mem{Base: x, Disp: i * bits}, some, values) // 8 values of bits/8 bytes
		VPCMPQ(operand.Imm(4), null, values, some, there)
		VPADDQ(values, sum[i%2], there, sum[i%2])
		VPADDQ(one, count[i%2], there, count[i%2])
		if i < 7 {
			SHRQ(operand.Imm(8), word)
		}
	}
	Label("next")
	ADDQ(operand.U32(8*bits), x)
	ADDQ(operand.Imm(8), words)
	DECQ(n)
	JNE(operand.LabelRef("word"))
	VPADDQ(sum[0], sum[1], sum[0])
	VPADDQ(count[0], count[1], count[0])
	out := Load(Param("out"), GP64())
	VMOVDQU64(sum[0], operand.Mem{Base: out})
	VMOVDQU64(count[0], operand.Mem{Base: out, Disp: 64})
	VZEROUPPER()
	RET()
}
