//go:build amd64 && !purego

package simd

import "testing"

// forEachUnpack runs body with every implementation that this machine has.
func forEachUnpack[T interface {
	*testing.T | *testing.B
	Run(name string, body func(T)) bool
}](t T, body func(T),
) {
	had := hasBMI2
	if had {
		t.Run("BMI2", body)
	}
	hasBMI2 = false
	t.Run("generic", body)
	hasBMI2 = had
}
