package arrowio

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// allocationMax bounds one allocation on behalf of a file: no page or buffer
// of a sane file is larger.
const allocationMax = 1 << 30

// bounded is Go's allocator with a limit. Arrow's interface has no error, so
// it panics where the limit is passed; [recovered] makes that an error.
type bounded struct{}

func (bounded) Allocate(size int) []byte {
	check(size)
	return memory.DefaultAllocator.Allocate(size)
}

func (bounded) Reallocate(size int, b []byte) []byte {
	check(size)
	return memory.DefaultAllocator.Reallocate(size, b)
}

func (bounded) Free(b []byte) { memory.DefaultAllocator.Free(b) }

func check(size int) {
	if size < 0 || size > allocationMax {
		panic(fmt.Sprintf("buffer of %d bytes", size))
	}
}

// onePage is an allocator that has one buffer, which it gives again and again:
// a reader of pages needs the memory of a page until it asks for the next one.
type onePage struct{ buf []byte }

func (a *onePage) Allocate(size int) []byte {
	check(size)
	if size > cap(a.buf) {
		a.buf = memory.DefaultAllocator.Allocate(size + size/8)
	}
	return a.buf[:size]
}

func (a *onePage) Reallocate(size int, b []byte) []byte {
	check(size)
	if size <= cap(b) {
		return b[:size]
	}
	grown := a.Allocate(size)
	copy(grown, b)
	return grown
}

func (a *onePage) Free([]byte) {}
