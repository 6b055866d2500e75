package container

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// Names of attributes. The first group is that of foreign files, the second is
// ours.
const (
	AttrType         = "Type"                 // what the stream is
	AttrFormat       = "Format"               // gzjson, binary; not to be relied on
	AttrContentHash  = "ContentHash"          // of unknown algorithm
	AttrSharedStatus = "SharedStatus"         // Private
	AttrSecurityMeta = "SecurityMetaAsBase64" // titles, owners: sensitive

	AttrHash    = "CognateHash"    // xxh64: and 16 hex digits, of the content
	AttrVersion = "CognateVersion" // of the stream's own layout
)

// hashNotComputed is the ContentHash of 32 bytes 0x11, which foreign files
// have where none was computed.
const hashNotComputed = "ERERERERERERERERERERERERERERERERERERERERERE="

const hashPrefix = "xxh64:"

// Attributes are the named values of an entry.
type Attributes map[string]any

// Text returns a textual attribute, "" if it is missing or not a text.
func (a Attributes) Text(name string) string {
	s, _ := a[name].(string)
	return s
}

// Hash returns the checksum of the content, if the entry has one: xxHash64
// with seed 0.
func (a Attributes) Hash() (sum uint64, ok bool) {
	hex, ok := strings.CutPrefix(a.Text(AttrHash), hashPrefix)
	if !ok || len(hex) != 16 {
		return 0, false
	}
	sum, err := strconv.ParseUint(hex, 16, 64)
	return sum, err == nil
}

// withHash returns a copy that has the checksum.
func (a Attributes) withHash(sum uint64) Attributes {
	b := maps.Clone(a)
	if b == nil {
		b = Attributes{}
	}
	b[AttrHash] = fmt.Sprintf("%s%016x", hashPrefix, sum)
	return b
}

// encode returns the JSON with its NUL; nothing at all for no attributes.
func (a Attributes) encode() ([]byte, error) {
	if len(a) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(map[string]any(a))
	if err != nil {
		return nil, fmt.Errorf("attributes: %w", err)
	}
	return append(b, 0), nil
}

// parseAttributes is lenient: what is not a JSON object gives no attributes.
func parseAttributes(raw []byte) Attributes {
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		raw = raw[:i]
	}
	var a Attributes
	if json.Unmarshal(raw, &a) != nil {
		return nil
	}
	return a
}

// Foreign returns the attributes that a stream of a foreign file has as a
// minimum.
func Foreign(streamType, format string) Attributes {
	a := Attributes{AttrContentHash: hashNotComputed, AttrType: streamType}
	if format != "" {
		a[AttrFormat] = format
	}
	return a
}
