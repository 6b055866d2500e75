//go:build !amd64 || purego

package simd

func forEachKernel[T runner[T]](t T, body func(T)) { t.Run("generic", body) }
