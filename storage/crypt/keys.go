package crypt

import (
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// Keys is a key store: files, a token, a key management service.
// Implementations are safe for concurrent use.
type Keys interface {
	// Find returns the private key of a certificate, by its SHA-256
	// thumbprint or, where a store knows only that, its SHA-1 one. Both are
	// lower-case hexadecimal digits. It returns ErrNoKey, possibly wrapped,
	// where there is none, and another error where a key is there but cannot
	// be used. An expired certificate is no reason not to.
	Find(x5tS256, x5t string) (Unwrapper, error)
}

// An Unwrapper holds one private key, or knows who does.
type Unwrapper interface {
	// Unwrap returns the data encryption key, which the caller wipes, from
	// its RSA-OAEP form with SHA-256 and an empty label. It takes the same
	// time for valid and invalid input.
	Unwrap(wrapped []byte) ([]byte, error)
}

// Chain asks several stores in a row.
func Chain(stores ...Keys) Keys { return chain(stores) }

type chain []Keys

func (c chain) Find(x5tS256, x5t string) (Unwrapper, error) {
	var unusable error
	for _, store := range c {
		u, err := store.Find(x5tS256, x5t)
		switch {
		case err == nil:
			return u, nil
		case !errors.Is(err, ErrNoKey):
			unusable = errors.Join(unusable, err)
		}
	}
	if unusable != nil {
		return nil, unusable
	}
	return nil, ErrNoKey
}

// An rsaKey is a private key in memory.
type rsaKey struct{ key *rsa.PrivateKey }

func (k rsaKey) Unwrap(wrapped []byte) ([]byte, error) {
	return rsa.DecryptOAEP(sha256.New(), nil, k.key, wrapped, nil)
}

// unwrapFirst opens the DEK for the first recipient whose key the store has,
// and returns that recipient's SHA-1 thumbprint.
//
// ok is false if that key does not fit. The DEK is then one that opens
// nothing, so that the caller's work does not tell this from a wrong MAC.
func unwrapFirst(stanzas []stanza, keys Keys) (dek [dekLen]byte, by string, ok bool, err error) {
	if keys == nil {
		keys = Chain()
	}
	var unusable error
	for _, s := range stanzas {
		if s.x5t == "" {
			continue
		}
		u, err := keys.Find(s.x5tS256, s.x5t)
		if err != nil {
			if !errors.Is(err, ErrNoKey) {
				unusable = errors.Join(unusable, err)
			}
			continue
		}
		b, err := u.Unwrap(s.wrapped)
		ok = err == nil && len(b) == dekLen
		copy(dek[:], b)
		clear(b)
		return dek, s.x5t, ok, nil
	}
	if unusable != nil {
		return dek, "", false, fmt.Errorf("%w: %w", noKey(stanzas), unusable)
	}
	return dek, "", false, noKey(stanzas)
}

// noKey names the certificates that would open the object.
func noKey(stanzas []stanza) error {
	const namedMax = 8
	var names []string
	for _, s := range stanzas {
		if s.x5t != "" {
			names = append(names, s.x5t+" (SHA-256 "+s.x5tS256+")")
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%w: it has no recipient of a known type", ErrNoKey)
	}
	more := ""
	if len(names) > namedMax {
		names, more = names[:namedMax], fmt.Sprintf(" and %d more", len(names)-namedMax)
	}
	return fmt.Errorf("%w: it is sealed for the certificate %s%s", ErrNoKey, strings.Join(names, " or "), more)
}
