package enginetest

// A MemoryFile is a file in memory that an app can be written to.
type MemoryFile []byte

// WriteAt implements [io.WriterAt].
func (m *MemoryFile) WriteAt(p []byte, off int64) (int, error) {
	if end := int(off) + len(p); end > len(*m) {
		*m = append(*m, make([]byte, end-len(*m))...)
	}
	return copy((*m)[off:], p), nil
}
