package repository

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

func archiveOf(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		w, err := z.Create(entries[i])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, entries[i+1])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A directory that takes more memory than is allowed is not read to its end.
func TestArchiveDirectory(t *testing.T) {
	var many []string
	for i := range entriesMax + 1 {
		many = append(many, fmt.Sprintf("%d.js", i), "")
	}
	for name, raw := range map[string][]byte{
		"too many files":        archiveOf(t, many...),
		"too large a directory": archiveOf(t, strings.Fields(strings.Repeat(strings.Repeat("n", 60_000)+" x ", directoryMax/60_000+2))...),
	} {
		_, err := readArchive(bytes.NewReader(raw), int64(len(raw)), "")
		var wrong *schema.Error
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzArchive: whatever the bytes, no panic, and what is taken has paths that
// stay below their extension.
func FuzzArchive(f *testing.F) {
	f.Add(archiveOf(f, "a/a.qext", `{"type":"theme"}`, "a/x/y.css", "", "b.txt", "1"))
	f.Add(archiveOf(f, "a.qext", "{}", `..\x.js`, "1"))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		found, err := readArchive(bytes.NewReader(raw), int64(len(raw)), "")
		if err != nil {
			if found != nil {
				t.Fatal("extensions beside an error")
			}
			return
		}
		for _, x := range found {
			for _, file := range x.files {
				if p, err := contentPath(file.path); err != nil || p != file.path {
					t.Fatalf("path %q: %q, %v", file.path, p, err)
				}
			}
		}
	})
}

func TestContentPath(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"a.png", "a.png"},
		{`a\b.png`, "a/b.png"},
		{"/a/b.png/", "a/b.png"},
		{"ä b.png", "ä b.png"},
		{".gitignore", ".gitignore"},
		{"", ""},
		{"/", ""},
		{"..", ""},
		{"a/../b", ""},
		{".", ""},
		{"a/.", ""},
		{"a//b", ""},
		{"a.", ""},
		{" a", ""},
		{"a ", ""},
		{"a:b", ""},
		{"a%2fb", ""},
		{"a#b", ""},
		{"a\x00", ""},
		{"a\xff", ""},
		{strings.Repeat("a", 256), ""},
		{strings.Repeat("a/", 16) + "a", ""},
	} {
		if got, err := contentPath(tt.in); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("contentPath(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestFits(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "x", true}, {"*.png", "A.PNG", true}, {"*.png", "a.jpg", false}, {"a*b*c", "aXbYc", true}, {"a*a", "a", false}, {"", "x", false}, {"x", "x", true}, {"a*b*b", "ab", false},
	} {
		if got := fits(tt.pattern, tt.s); got != tt.want {
			t.Errorf("fits(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}
