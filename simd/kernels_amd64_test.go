//go:build amd64 && !purego

package simd

// forEachKernel runs body with every set of instructions that this machine
// has, less and less of them.
func forEachKernel[T runner[T]](t T, body func(T)) {
	avx2, avx512, vbmi, popcnt := hasAVX2, hasAVX512, hasVBMI, hasVPOPCNT
	defer func() { hasAVX2, hasAVX512, hasVBMI, hasVPOPCNT = avx2, avx512, vbmi, popcnt }()
	if hasVBMI && hasVPOPCNT {
		t.Run("VBMI", body)
	}
	if hasVBMI, hasVPOPCNT = false, false; hasAVX512 {
		t.Run("AVX512", body)
	}
	if hasAVX512 = false; hasAVX2 {
		t.Run("AVX2", body)
	}
	hasAVX2 = false
	t.Run("generic", body)
}
