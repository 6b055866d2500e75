package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packed generates the kernels of packed_amd64.s: each code's four bytes are
// brought together by one shuffle, then shifted and masked.
func packed() {
	packedVBMI()
	packedAVX2()
}

const packedSignature = "func(dst *uint32, from *byte, n, bits int, mask uint32, bytes *uint8, shifts *uint32)"

// packedVBMI unpacks sixteen codes by a shuffle of one register.
func packedVBMI() {
	TEXT("unpackCodesVBMI", NOSPLIT, packedSignature)
	Doc("Unpacks n codes, a multiple of 32 above 0.")
	dst, from, n, bits := Load(Param("dst"), GP64()), Load(Param("from"), GP64()), Load(Param("n"), GP64()), Load(Param("bits"), GP64())
	mask, bytes, shifts := ZMM(), ZMM(), ZMM()
	VPBROADCASTD(Load(Param("mask"), GP32()), mask)
	VMOVDQU64(operand.Mem{Base: Load(Param("bytes"), GP64())}, bytes)
	VMOVDQU64(operand.Mem{Base: Load(Param("shifts"), GP64())}, shifts)
	Label("turn")
	for i := range 2 {
		z, at := ZMM(), operand.Mem{Base: from}
		if i == 1 {
			at = operand.Mem{Base: from, Index: bits, Scale: 2}
		}
		VMOVDQU64(at, z)
		VPERMB(z, bytes, z)
		VPSRLVD(shifts, z, z)
		VPANDD(mask, z, z)
		VMOVDQU32(z, operand.Mem{Base: dst, Disp: 64 * i})
	}
	packedNext(dst, from, n, bits)
}

// packedAVX2 unpacks eight codes by a shuffle of each half of a register.
func packedAVX2() {
	TEXT("unpackCodesAVX2", NOSPLIT, packedSignature)
	Doc("Unpacks n codes, a multiple of 32 above 0.")
	dst, from, n, bits := Load(Param("dst"), GP64()), Load(Param("from"), GP64()), Load(Param("n"), GP64()), Load(Param("bits"), GP64())
	mask, bytes, shifts := YMM(), YMM(), YMM()
	m := Load(Param("mask"), GP32())
	VMOVD(m, mask.AsX())
	VPBROADCASTD(mask.AsX(), mask)
	VMOVDQU(operand.Mem{Base: Load(Param("bytes"), GP64())}, bytes)
	VMOVDQU(operand.Mem{Base: Load(Param("shifts"), GP64())}, shifts)
	half := GP64() // bytes to code 4
	MOVQ(bits, half)
	SHRQ(operand.Imm(1), half)
	Label("turn")
	group := GP64()
	MOVQ(from, group)
	for i := range 4 {
		y := YMM()
		VMOVDQU(operand.Mem{Base: group}, y.AsX())
		VINSERTI128(operand.Imm(1), operand.Mem{Base: group, Index: half, Scale: 1}, y, y)
		VPSHUFB(bytes, y, y)
		VPSRLVD(shifts, y, y)
		VPAND(mask, y, y)
		VMOVDQU(y, operand.Mem{Base: dst, Disp: 32 * i})
		if i < 3 {
			ADDQ(bits, group)
		}
	}
	packedNext(dst, from, n, bits)
}

// packedNext ends a turn of 32 codes.
func packedNext(dst, from, n, bits reg.Register) {
	LEAQ(operand.Mem{Base: from, Index: bits, Scale: 4}, from)
	ADDQ(operand.U32(128), dst)
	SUBQ(operand.Imm(32), n)
	JNE(operand.LabelRef("turn"))
	VZEROUPPER()
	RET()
}
