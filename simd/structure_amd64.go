//go:build amd64 && !purego

package simd

//go:noescape
func structureAVX2(dst *uint64, text string, words int, a, b, c byte)

func structure(dst []uint64, text string, a, b, c byte) {
	if hasAVX2 && len(dst) > 0 {
		structureAVX2(&dst[0], text, len(dst), a, b, c)
		return
	}
	structureGeneric(dst, text, a, b, c)
}
