package store

import (
	"bytes"
	"errors"
	"testing"
)

func TestSeal(t *testing.T) {
	aead, err := newAEAD(bytes.Repeat([]byte{1}, keyLen))
	if err != nil {
		t.Fatal(err)
	}
	other, err := newAEAD(bytes.Repeat([]byte{2}, keyLen))
	if err != nil {
		t.Fatal(err)
	}
	sealed := seal(aead, "open sesame", "a/password")
	if text, err := unseal(aead, sealed, "a/password"); text != "open sesame" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if bytes.Contains(sealed, []byte("sesame")) || bytes.Equal(sealed, seal(aead, "open sesame", "a/password")) {
		t.Error("not encrypted, or always the same")
	}
	if _, err := unseal(aead, sealed, "b/password"); !errors.Is(err, errSealed) {
		t.Errorf("another place: %v", err)
	}
	if _, err := unseal(other, sealed, "a/password"); !errors.Is(err, errSealed) {
		t.Errorf("another key: %v", err)
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := unseal(aead, damaged, "a/password"); !errors.Is(err, errSealed) {
			t.Errorf("byte %d damaged: %v", i, err)
		}
		if _, err := unseal(aead, sealed[:i], "a/password"); !errors.Is(err, errSealed) {
			t.Errorf("cut to %d: %v", i, err)
		}
	}
}
