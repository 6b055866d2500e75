package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

// keyLen is that of AES-256.
const keyLen = 32

// newAEAD returns AES-256-GCM with a site's key, or nil without a key.
func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) == 0 {
		return nil, nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal encrypts a secret for its place, so that it cannot be read as another:
//
//	nonce (12 bytes) | ciphertext | tag (16 bytes)
func seal(aead cipher.AEAD, text, place string) []byte {
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, []byte(text), []byte(place))
}

// errSealed says nothing about the bytes or the key.
var errSealed = errors.New("secret cannot be decrypted: other site key, or damaged")

func unseal(aead cipher.AEAD, sealed []byte, place string) (string, error) {
	n := aead.NonceSize()
	if len(sealed) < n+aead.Overhead() {
		return "", errSealed
	}
	text, err := aead.Open(nil, sealed[:n], sealed[n:], []byte(place))
	if err != nil {
		return "", errSealed
	}
	return string(text), nil
}
