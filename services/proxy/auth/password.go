package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost of new hashes: the second choice of RFC 9106, section 4, in less memory
// (OWASP's minimum), as a proxy may have to compute several at a time.
const (
	hashMemoryKiB = 19 << 10
	hashPasses    = 2
	hashThreads   = 1
	hashSaltLen   = 16
	hashLen       = 32
)

// Bounds of hashes that somebody stored: they say how much memory checking
// them takes.
const (
	hashMemoryMaxKiB = 256 << 10
	hashPassesMax    = 10
	hashThreadsMax   = 4
	passwordMaxLen   = 1024
)

// A passwordHash is an argon2id hash in the PHC form:
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>      base64 without padding
type passwordHash struct {
	memoryKiB, passes uint32
	threads           uint8
	salt, sum         []byte
}

// HashPassword returns the PHC form of an argon2id hash of a password.
func HashPassword(password string, random io.Reader) (string, error) {
	if password == "" || len(password) > passwordMaxLen {
		return "", fmt.Errorf("password of %d bytes: need 1 to %d", len(password), passwordMaxLen)
	}
	h := passwordHash{memoryKiB: hashMemoryKiB, passes: hashPasses, threads: hashThreads, salt: make([]byte, hashSaltLen)}
	if _, err := io.ReadFull(random, h.salt); err != nil {
		return "", fmt.Errorf("salt: %w", err)
	}
	h.sum = h.compute(password, hashLen)
	return h.String(), nil
}

func (h passwordHash) compute(password string, length int) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memoryKiB, h.threads, uint32(length))
}

// matches compares in constant time.
func (h passwordHash) matches(password string) bool {
	return len(password) <= passwordMaxLen && subtle.ConstantTimeCompare(h.compute(password, len(h.sum)), h.sum) == 1
}

func (h passwordHash) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memoryKiB, h.passes, h.threads, b64(h.salt), b64(h.sum))
}

// nobody is the hash that a user who does not exist is compared with, at the
// same cost, so that the time of an answer does not tell names.
func nobody() passwordHash {
	return passwordHash{
		memoryKiB: hashMemoryKiB, passes: hashPasses, threads: hashThreads,
		salt: make([]byte, hashSaltLen), sum: make([]byte, hashLen),
	}
}

// parseHash reads the PHC form. No error quotes it.
func parseHash(s string) (h passwordHash, _ error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errors.New("password hash: not argon2id of version 19")
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memoryKiB, &h.passes, &h.threads); n != 3 || err != nil {
		return h, errors.New("password hash: wrong parameters")
	}
	if h.memoryKiB > hashMemoryMaxKiB || h.memoryKiB < 8 || h.passes < 1 || h.passes > hashPassesMax || h.threads < 1 || h.threads > hashThreadsMax {
		return h, fmt.Errorf("password hash: parameters m=%d, t=%d, p=%d out of bounds", h.memoryKiB, h.passes, h.threads)
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	h.sum, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(h.salt) < 8 || len(h.sum) < 16 || len(h.sum) > 64 {
		return h, errors.New("password hash: wrong salt or sum")
	}
	return h, nil
}
