package crypt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	// ParamsLenMax limits the text of encoded parameters, in bytes.
	ParamsLenMax  = 256 << 10
	recipientsMax = 64
)

// Params are what a reader needs beside the clear part and a key.
type Params struct {
	Core string   `json:"core"` // algorithm, geometry, salt, nonce prefix
	Rcp  []string `json:"rcp"`  // the DEK, wrapped for each recipient
	Mac  string   `json:"mac"`  // b64, over the clear part, core and rcp
}

// EncodeParams returns p as the text of a QVD header's EncryptionInfo element:
// base64url of JSON, ASCII without XML's special characters.
func EncodeParams(p Params) string { return encode64(appendJSON(nil, p)) }

// DecodeParams reads what EncodeParams wrote, of at most ParamsLenMax bytes.
// No member may be missing, repeated or unknown; [Open] checks their values.
func DecodeParams(text string) (Params, error) {
	if len(text) > ParamsLenMax {
		return Params{}, malformed("EncryptionInfo", ParamsLenMax, "%d characters, at most %d", len(text), ParamsLenMax)
	}
	data, err := decode64("EncryptionInfo", text)
	if err != nil {
		return Params{}, err
	}
	var p Params
	if err := parseObject("EncryptionInfo", data, p.members()); err != nil {
		return Params{}, err
	}
	return p, nil
}

// members names the parts of p for parseObject.
func (p *Params) members() map[string]any {
	return map[string]any{"core": &p.Core, "rcp": &p.Rcp, "mac": &p.Mac}
}

// appendJSON appends v without the escapes that JSON in HTML needs.
func appendJSON(dst []byte, v any) []byte {
	buf := bytes.NewBuffer(dst)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("crypt: BUG: " + err.Error()) // strings, numbers and lists of them only
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// parseObject reads a JSON object whose members are exactly the keys of
// members, pointing to a string or a []string. encoding/json alone would also
// take other cases of a key, repeated keys and replaced UTF-8: a change that
// nothing notices.
func parseObject(field string, data []byte, members map[string]any) error {
	if !utf8.Valid(data) {
		return malformed(field, 0, "invalid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	fail := func(format string, args ...any) error {
		return malformed(field, int(dec.InputOffset()), format, args...)
	}
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fail("want a JSON object")
	}
	for len(members) > 0 {
		key, ok := stringToken(dec)
		into, known := members[key]
		if !ok || !known {
			return fail("%.40q is missing, unknown or repeated", key)
		}
		delete(members, key)
		if ok := parseMember(dec, into); !ok {
			return fail("value of %q", key)
		}
	}
	if t, err := dec.Token(); err != nil || t != json.Delim('}') {
		return fail("want the end of the object")
	}
	if _, err := dec.Token(); err != io.EOF {
		return fail("bytes behind the object")
	}
	return nil
}

func parseMember(dec *json.Decoder, into any) (ok bool) {
	switch into := into.(type) {
	case *string:
		*into, ok = stringToken(dec)
		return ok
	case *[]string:
		return parseStrings(dec, into)
	default:
		panic("crypt: BUG: member is neither string nor list")
	}
}

// parseStrings stops beyond the largest number of recipients, so that a list
// of empty strings does not cost more than it weighs.
func parseStrings(dec *json.Decoder, into *[]string) bool {
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return false
	}
	for dec.More() {
		s, ok := stringToken(dec)
		if !ok || len(*into) == recipientsMax {
			return false
		}
		*into = append(*into, s)
	}
	_, err := dec.Token()
	return err == nil
}

func stringToken(dec *json.Decoder) (s string, ok bool) {
	t, err := dec.Token()
	if err != nil {
		return "", false
	}
	s, ok = t.(string)
	return s, ok
}

// A stanza is one parsed entry of Params.Rcp.
type stanza struct {
	x5t, x5tS256 string // "" if the type is unknown
	wrapped      []byte
}

const stanzaRSA = "RSA-OAEP-256"

// parseStanza reads one recipient. Types that are not known give an empty
// stanza: a reader skips them.
func parseStanza(field, text string) (stanza, error) {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			// A line end would make two lists of recipients look alike to the MAC.
			return stanza{}, malformed(field, i, "byte %#x in a recipient", text[i])
		}
	}
	kind, rest, _ := strings.Cut(text, ";")
	if kind != stanzaRSA {
		return stanza{}, nil
	}
	parts := strings.Split(rest, ";")
	if len(parts) != 3 || !isThumbprint(parts[0], 40) || !isThumbprint(parts[1], 64) {
		return stanza{}, malformed(field, len(kind), "want two thumbprints and a wrapped key")
	}
	wrapped, err := decode64(field, parts[2])
	if err != nil {
		return stanza{}, err
	}
	return stanza{x5t: parts[0], x5tS256: parts[1], wrapped: wrapped}, nil
}

func (s stanza) String() string {
	return strings.Join([]string{stanzaRSA, s.x5t, s.x5tS256, encode64(s.wrapped)}, ";")
}

// isThumbprint reports whether s is n lower-case hexadecimal digits.
func isThumbprint(s string, n int) bool {
	if len(s) != n || strings.ToLower(s) != s {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

// parse checks everything that can be checked without a key.
func (p Params) parse() (core, []stanza, error) {
	c, err := parseCore(p.Core)
	if err != nil {
		return core{}, nil, err
	}
	stanzas, err := p.stanzas()
	if err != nil {
		return core{}, nil, err
	}
	return c, stanzas, nil
}

func (p Params) stanzas() ([]stanza, error) {
	if n := len(p.Rcp); n == 0 || n > recipientsMax {
		return nil, malformed("rcp", 0, "%d recipients, want 1 to %d", n, recipientsMax)
	}
	total := 0
	stanzas := make([]stanza, len(p.Rcp))
	for i, text := range p.Rcp {
		if total += len(text); total > ParamsLenMax {
			return nil, malformed("rcp", 0, "more than %d bytes", ParamsLenMax)
		}
		s, err := parseStanza(fmt.Sprintf("rcp[%d]", i), text)
		if err != nil {
			return nil, err
		}
		stanzas[i] = s
	}
	return stanzas, nil
}
