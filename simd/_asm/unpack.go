package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// unpack generates the kernels of unpack_amd64.s.
func unpack() {
	for _, sizeBytes := range []int{1, 2, 4} {
		unpackThrough(sizeBytes)
	}
}

// unpackThrough generates the kernel for codes of some bytes: four records per
// turn, their numbers compared with top before they are looked up.
func unpackThrough(sizeBytes int) {
	code := fmt.Sprintf("uint%d", 8*sizeBytes)
	TEXT(fmt.Sprintf("unpackThrough%dBMI2", 8*sizeBytes), NOSPLIT,
		fmt.Sprintf("func(dst *%s, records *byte, n int, step int, shift uint64, mask uint64, through *%s, top uint64) int", code, code))
	Doc("Rows done, a multiple of 4: n of them, or those before a group with a number that is not below top.")
	dst, records := Load(Param("dst"), GP64()), Load(Param("records"), GP64())
	n, step := Load(Param("n"), GP64()), Load(Param("step"), GP64())
	shift, mask := Load(Param("shift"), GP64()), Load(Param("mask"), GP64())
	through, top := Load(Param("through"), GP64()), Load(Param("top"), GP64())

	row, step3, step4 := GP64(), GP64(), GP64()
	XORQ(row, row)
	LEAQ(operand.Mem{Base: step, Index: step, Scale: 2}, step3)
	MOVQ(step, step4)
	SHLQ(operand.Imm(2), step4)

	Label("turn")
	for pair := range 2 {
		a, b := GP64(), GP64()
		from := [2]operand.Mem{{Base: records}, {Base: records, Index: step, Scale: 1}}
		if pair == 1 {
			from = [2]operand.Mem{{Base: records, Index: step, Scale: 2}, {Base: records, Index: step3, Scale: 1}}
		}
		SHRXQ(shift, from[0], a)
		SHRXQ(shift, from[1], b)
		ANDQ(mask, a)
		ANDQ(mask, b)
		CMPQ(a, top)
		JAE(operand.LabelRef("done"))
		CMPQ(b, top)
		JAE(operand.LabelRef("done"))
		for i, v := range []reg.GPVirtual{a, b} {
			from := operand.Mem{Base: through, Index: v, Scale: uint8(sizeBytes)}
			to := operand.Mem{Base: dst, Index: row, Scale: uint8(sizeBytes), Disp: (2*pair + i) * sizeBytes}
			move(sizeBytes, from, to)
		}
	}
	ADDQ(step4, records)
	ADDQ(operand.Imm(4), row)
	CMPQ(row, n)
	JB(operand.LabelRef("turn"))

	Label("done")
	Store(row, ReturnIndex(0))
	RET()
}

// move copies a code.
func move(sizeBytes int, from, to operand.Mem) {
	t := GP32()
	switch sizeBytes {
	case 1:
		MOVBLZX(from, t)
		MOVB(t.As8(), to)
	case 2:
		MOVWLZX(from, t)
		MOVW(t.As16(), to)
	default:
		MOVL(from, t)
		MOVL(t, to)
	}
}
