package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// bitmap generates the kernels of bitmap_amd64.s: an operation of two bitmaps,
// stored or not, with the number of bits in the result.
func bitmap() {
	ops := []struct {
		name   string
		op512  func(a, b, dst operand.Op)
		op256  func(a, b, dst operand.Op)
		stores bool
		doc    string
	}{
		{"count", nil, nil, false, "The number of bits in a."},
		{"andCount", func(a, b, d operand.Op) { VPANDQ(b, a, d) }, func(a, b, d operand.Op) { VPAND(b, a, d) }, false, "The number of bits in both."},
		{"and", func(a, b, d operand.Op) { VPANDQ(b, a, d) }, func(a, b, d operand.Op) { VPAND(b, a, d) }, true, "Sets a to a AND b; the number of its bits."},
		{"or", func(a, b, d operand.Op) { VPORQ(b, a, d) }, func(a, b, d operand.Op) { VPOR(b, a, d) }, true, "Sets a to a OR b; the number of its bits."},
		{"andNot", func(a, b, d operand.Op) { VPANDNQ(a, b, d) }, func(a, b, d operand.Op) { VPANDN(a, b, d) }, true, "Sets a to a AND NOT b; the number of its bits."},
	}
	for _, o := range ops {
		bitmapAVX512(o.name, o.op512, o.stores, o.doc)
	}
	ones := GLOBL("nibbleOnes", RODATA|NOPTR)
	for i, c := range []byte{0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4} {
		DATA(i, operand.U8(c))
	}
	for _, o := range ops {
		bitmapAVX2(o.name, o.op256, o.stores, o.doc, ones)
	}
}

const bitmapDoc = " n is the number of words, above 0 and a multiple of 32."

func bitmapSignature(two bool) string {
	if two {
		return "func(a, b *uint64, n int) int"
	}
	return "func(a *uint64, n int) int"
}

// bitmapAVX512 counts by VPOPCNTQ, four registers a turn.
func bitmapAVX512(name string, op func(a, b, dst operand.Op), stores bool, doc string) {
	TEXT(name+"AVX512", NOSPLIT, bitmapSignature(op != nil))
	Doc(doc + bitmapDoc)
	a, b := Load(Param("a"), GP64()), reg.Register(nil)
	if op != nil {
		b = Load(Param("b"), GP64())
	}
	n := Load(Param("n"), GP64())
	var sums [4]reg.VecVirtual
	for i := range sums {
		sums[i] = ZMM()
		VPXORQ(sums[i], sums[i], sums[i])
	}
	Label("turn")
	for i := range sums {
		z, at := ZMM(), operand.Mem{Base: a, Disp: 64 * i}
		VMOVDQU64(at, z)
		if op != nil {
			y := ZMM()
			VMOVDQU64(operand.Mem{Base: b, Disp: 64 * i}, y)
			op(z, y, z)
		}
		if stores {
			VMOVDQU64(z, at)
		}
		VPOPCNTQ(z, z)
		VPADDQ(z, sums[i], sums[i])
	}
	ADDQ(operand.U32(256), a)
	if op != nil {
		ADDQ(operand.U32(256), b)
	}
	SUBQ(operand.Imm(32), n)
	JNE(operand.LabelRef("turn"))
	VPADDQ(sums[1], sums[0], sums[0])
	VPADDQ(sums[3], sums[2], sums[2])
	VPADDQ(sums[2], sums[0], sums[0])
	half := YMM()
	VEXTRACTI64X4(operand.Imm(1), sums[0], half)
	VPADDQ(sums[0].AsY(), half, half)
	returnSum(half)
}

// returnSum adds the four numbers of y and returns the sum.
func returnSum(y reg.VecVirtual) {
	x, total := XMM(), GP64()
	VEXTRACTI128(operand.Imm(1), y, x)
	VPADDQ(y.AsX(), x, x)
	VPSHUFD(operand.Imm(0x4E), x, y.AsX())
	VPADDQ(y.AsX(), x, x)
	VMOVQ(x, total)
	VZEROUPPER()
	Store(total, ReturnIndex(0))
	RET()
}

// bitmapAVX2 looks the number of bits of each half byte up (Mula, Kurz, Lemire,
// "Faster population counts using AVX2 instructions", 2016).
func bitmapAVX2(name string, op func(a, b, dst operand.Op), stores bool, doc string, ones operand.Mem) {
	TEXT(name+"AVX2", NOSPLIT, bitmapSignature(op != nil))
	Doc(doc + bitmapDoc)
	a, b := Load(Param("a"), GP64()), reg.Register(nil)
	if op != nil {
		b = Load(Param("b"), GP64())
	}
	n := Load(Param("n"), GP64())
	table, nibble, zero, sum := YMM(), YMM(), YMM(), YMM()
	VBROADCASTI128(ones, table)
	mask := GP32()
	MOVL(operand.U32(0x0F0F0F0F), mask)
	VMOVD(mask, nibble.AsX())
	VPBROADCASTD(nibble.AsX(), nibble)
	VPXOR(zero, zero, zero)
	VPXOR(sum, sum, sum)
	Label("turn")
	for i := range 4 {
		y, at := YMM(), operand.Mem{Base: a, Disp: 32 * i}
		VMOVDQU(at, y)
		if op != nil {
			x := YMM()
			VMOVDQU(operand.Mem{Base: b, Disp: 32 * i}, x)
			op(y, x, y)
		}
		if stores {
			VMOVDQU(y, at)
		}
		high := YMM()
		VPSRLW(operand.Imm(4), y, high)
		VPAND(nibble, high, high)
		VPAND(nibble, y, y)
		VPSHUFB(high, table, high)
		VPSHUFB(y, table, y)
		VPADDB(high, y, y)
		VPSADBW(zero, y, y)
		VPADDQ(y, sum, sum)
	}
	ADDQ(operand.U32(128), a)
	if op != nil {
		ADDQ(operand.U32(128), b)
	}
	SUBQ(operand.Imm(16), n)
	JNE(operand.LabelRef("turn"))
	returnSum(sum)
}
