//go:build !unix

package qvf

import (
	"io"
	"os"
)

// A mapping is a file in memory.
type mapping struct{ data []byte }

// mapFile reads the file where files cannot be mapped.
func mapFile(f *os.File) (*mapping, error) {
	data, err := io.ReadAll(f)
	return &mapping{data}, err
}

// inPlace is whether mappings take no memory of the process.
const inPlace = false
