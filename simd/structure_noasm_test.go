//go:build !amd64 || purego

package simd

import "testing"

func forEachStructure(t *testing.T, body func(*testing.T)) { t.Run("generic", body) }
