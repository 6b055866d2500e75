package storage

import "syscall"

// adviseHuge asks for huge pages. It only is advice: whether the system gives
// them changes nothing but the time it takes.
func adviseHuge(b []byte) {
	const page = 4 << 10 // what addresses are aligned to: large arrays of Go are to 8 KiB
	if n := len(b) &^ (page - 1); n > 0 {
		_ = syscall.Madvise(b[:n], syscall.MADV_HUGEPAGE)
	}
}
