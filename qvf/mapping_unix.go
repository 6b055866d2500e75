//go:build unix

package qvf

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// A mapping is a file in memory, read-only. It ends when nothing refers to it
// any more, so what is cut out of data has to come with a reference to the
// mapping.
type mapping struct{ data []byte }

// mapFile maps the whole file. Files that are only ever replaced or grown, as
// ours are, may be changed meanwhile; one that another program cuts off ends
// this process when it reads there.
func mapFile(f *os.File) (*mapping, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != int64(int(info.Size())) {
		return nil, fmt.Errorf("%d bytes do not fit this machine's addresses", info.Size())
	}
	if info.Size() == 0 {
		return &mapping{}, nil
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map into memory: %w", err)
	}
	m := &mapping{data}
	runtime.AddCleanup(m, func(data []byte) { _ = syscall.Munmap(data) }, data) // nobody is left to tell
	return m, nil
}

// inPlace is whether mappings take no memory of the process.
const inPlace = true
