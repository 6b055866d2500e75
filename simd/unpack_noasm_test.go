//go:build !amd64 || purego

package simd

import "testing"

func forEachUnpack[T interface {
	*testing.T | *testing.B
	Run(name string, body func(T)) bool
}](t T, body func(T),
) {
	t.Run("generic", body)
}
