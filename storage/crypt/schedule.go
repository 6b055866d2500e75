package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// A material is what must be random for each object.
type material struct {
	dek    [dekLen]byte
	salt   [saltLen]byte
	prefix [prefixLen]byte
}

// drawMaterial reads from random, crypto/rand outside of tests.
func drawMaterial(random io.Reader) (m material, err error) {
	for _, b := range [][]byte{m.dek[:], m.salt[:], m.prefix[:]} {
		if _, err := io.ReadFull(random, b); err != nil {
			return material{}, fmt.Errorf("draw a data encryption key: %w", err)
		}
	}
	return m, nil
}

// bind returns hb, which ties keys and parameters to the clear part.
func bind(clearPart []byte, coreText string) (hb [sha256.Size]byte) {
	h := sha256.New()
	h.Write(clearPart)
	h.Write([]byte{0})
	h.Write([]byte(coreText))
	h.Sum(hb[:0])
	return hb
}

// bodyKey returns kb.
func bodyKey(dek, salt []byte, hb [sha256.Size]byte) ([]byte, error) {
	return hkdf.Key(sha256.New, dek, salt, "oae1 body\x00"+string(hb[:]), 32)
}

// macKey returns km.
func macKey(dek, salt []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, dek, salt, "oae1 mac", 32)
}

// macOf authenticates the clear part, the core and the recipients.
func macOf(km []byte, hb [sha256.Size]byte, rcp []string) []byte {
	list := sha256.Sum256([]byte(strings.Join(rcp, "\n")))
	h := hmac.New(sha256.New, km)
	h.Write(hb[:])
	h.Write(list[:])
	return h.Sum(nil)
}

// commit returns a value that tells this object from every other one, and
// that nobody can find out or aim at without the object's DEK.
func commit(km []byte, hb [sha256.Size]byte) (c [sha256.Size]byte) {
	h := hmac.New(sha256.New, km)
	h.Write([]byte("oae1 list\x00")) // 42 bytes in all: no message of macOf, which has 64
	h.Write(hb[:])
	h.Sum(c[:0])
	return c
}

// newAEAD makes the cipher of the body and wipes its key.
func newAEAD(kb []byte) (cipher.AEAD, error) {
	defer clear(kb)
	block, err := aes.NewCipher(kb)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// putNonce writes the nonce of chunk i.
func putNonce(dst *[nonceLen]byte, prefix [prefixLen]byte, i uint64, last bool) {
	copy(dst[:], prefix[:])
	binary.BigEndian.PutUint32(dst[prefixLen:], uint32(i))
	dst[nonceLen-1] = 0
	if last {
		dst[nonceLen-1] = 1
	}
}
