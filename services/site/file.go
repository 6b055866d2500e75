package site

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// replaceFile gives a file a new content that its owner alone can read. Who
// reads it sees the old content or the new one, whatever happens meanwhile.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone once it is renamed
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// secretFile returns the random bytes of a file, which is made where it is
// missing.
func secretFile(path string, size int) ([]byte, error) {
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret = make([]byte, size)
		_, _ = rand.Read(secret) // never fails
		err = replaceFile(path, secret)
	}
	if err == nil && len(secret) != size {
		err = fmt.Errorf("%s has %d bytes, not %d", path, len(secret), size)
	}
	return secret, err
}
