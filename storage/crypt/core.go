package crypt

import (
	"encoding/base64"
	"strconv"
	"strings"
)

const (
	chunkDefault = 1 << 16
	chunkMin     = 1 << 12
	chunkMax     = 1 << 22
	lenMax       = 1 << 48
	chunksMax    = 1<<32 - 1 // the counter of a nonce has 32 bits
	tagLen       = 16
	dekLen       = 32
	saltLen      = 32
	prefixLen    = 7
	nonceLen     = prefixLen + 4 + 1
)

// A core holds the parameters that every recipient shares.
type core struct {
	geometry
	salt   [saltLen]byte
	prefix [prefixLen]byte // of every nonce
}

// coreKeys are the keys of the core string, in the one order it may have.
var coreKeys = [...]string{"v=1;alg=A256GCM-STREAM;chunk=", ";len=", ";salt=", ";np="}

// String returns the exact bytes that enter the header binding.
func (c core) String() string {
	return coreKeys[0] + strconv.FormatUint(c.chunk, 10) +
		coreKeys[1] + strconv.FormatUint(c.len, 10) +
		coreKeys[2] + encode64(c.salt[:]) +
		coreKeys[3] + encode64(c.prefix[:])
}

// parseCore reads a core string and holds it to the limits.
func parseCore(text string) (core, error) {
	c, err := scanCore(text)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return core{}, err
	}
	return c, nil
}

// scanCore reads a core string of the exact form, and so that c.String() is
// text again.
func scanCore(text string) (c core, err error) {
	var values [len(coreKeys)]string
	pos := 0
	for i, key := range coreKeys {
		if !strings.HasPrefix(text[pos:], key) {
			return core{}, malformed("core", pos, "want %q", key)
		}
		pos += len(key)
		end := len(text)
		if i+1 < len(coreKeys) {
			end = pos + max(0, strings.IndexByte(text[pos:], ';'))
		}
		values[i] = text[pos:end]
		pos = end
	}
	if c.chunk, err = scanDecimal("core.chunk", values[0]); err != nil {
		return core{}, err
	}
	if c.len, err = scanDecimal("core.len", values[1]); err != nil {
		return core{}, err
	}
	if err := decode64Into(c.salt[:], "core.salt", values[2]); err != nil {
		return core{}, err
	}
	if err := decode64Into(c.prefix[:], "core.np", values[3]); err != nil {
		return core{}, err
	}
	return c, nil
}

// scanDecimal reads digits without sign and leading zeros.
func scanDecimal(field, text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, malformed(field, 0, "%.40q is no decimal number of 64 bits in shortest form", text)
	}
	return n, nil
}

// b64 is base64url without padding; Strict refuses stray bits at the end.
var b64 = base64.RawURLEncoding.Strict()

func encode64(b []byte) string { return b64.EncodeToString(b) }

// decode64 is the exact inverse of encode64: no second text gives the same bytes.
func decode64(field, text string) ([]byte, error) {
	// The library's decoder skips line ends.
	if at := strings.IndexAny(text, "\r\n"); at >= 0 {
		return nil, malformed(field, at, "line end in base64url")
	}
	b, err := b64.DecodeString(text)
	if err != nil {
		return nil, malformed(field, 0, "%v", err)
	}
	return b, nil
}

func decode64Into(dst []byte, field, text string) error {
	if want := b64.EncodedLen(len(dst)); len(text) != want {
		return malformed(field, 0, "%d characters, want %d", len(text), want)
	}
	b, err := decode64(field, text)
	if err != nil {
		return err
	}
	copy(dst, b)
	return nil
}
