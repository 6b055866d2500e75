//go:build amd64 && !purego

package simd

import "testing"

// forEachStructure runs body with every implementation that this machine has.
func forEachStructure(t *testing.T, body func(*testing.T)) {
	had := hasAVX2
	if had {
		t.Run("AVX2", body)
	}
	hasAVX2 = false
	t.Run("generic", body)
	hasAVX2 = had
}
