package safefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteReplacesOrLeaves(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data")
	big := strings.Repeat("x", 3*bufferBytes)
	broken := errors.New("broken")
	for _, tt := range []struct {
		write func(io.Writer) error
		want  string
		err   error
		why   string
	}{
		{text("one"), "one", nil, "a new file"},
		{text(big), big, nil, "a replaced file, larger than the buffer"},
		{func(w io.Writer) error { _, _ = io.WriteString(w, "part"); return broken }, big, broken, "an error leaves the old content"},
		{text(""), "", nil, "an empty file"},
	} {
		if err := Write(path, tt.write); !errors.Is(err, tt.err) {
			t.Fatalf("%s: error %v, want %v", tt.why, err, tt.err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != tt.want {
			t.Errorf("%s: %d bytes, %v; want %d", tt.why, len(got), err, len(tt.want))
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("%s: %d files in the folder, %v; want 1: nothing temporary is left", tt.why, len(left), err)
		}
	}
}

func TestWriteIntoMissingFolder(t *testing.T) {
	if err := Write(filepath.Join(t.TempDir(), "no", "data"), text("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want os.ErrNotExist: folders are not made", err)
	}
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}
