package crypt

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
)

const (
	okSalt = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	okCore = "v=1;alg=A256GCM-STREAM;chunk=65536;len=5;salt=" + okSalt + ";np=AQIDBAUGBw"
	okX5T  = "0000000000000000000000000000000000000000"
	okX256 = "1111111111111111111111111111111111111111111111111111111111111111"
	okRcp  = "RSA-OAEP-256;" + okX5T + ";" + okX256 + ";AAAA"
	okMac  = "yZ7C71-DkL2XCiexunt8hVsQufq0aZVAAcRjEFmU_RE"
)

func TestParseCore(t *testing.T) {
	if c, err := parseCore(okCore); err != nil || c.String() != okCore || c.len != 5 || c.chunk != 65536 {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, tt := range []struct{ from, to, why string }{
		{"v=1", "v=2", "another version"},
		{"v=1", "V=1", "keys have one case"},
		{"A256GCM-STREAM", "A128GCM-STREAM", "another algorithm"},
		{"chunk=65536", "chunk=0", "no chunk"},
		{"chunk=65536", "chunk=3", "no power of two"},
		{"chunk=65536", "chunk=12288", "no power of two within the limits"},
		{"chunk=65536", "chunk=2048", "below the limit"},
		{"chunk=65536", "chunk=2147483648", "above the limit"},
		{"chunk=65536", "chunk=18446744073709551616", "above 64 bits"},
		{"chunk=65536", "chunk=065536", "leading zero"},
		{"chunk=65536", "chunk=+65536", "sign"},
		{"chunk=65536", "chunk=0x10000", "hexadecimal"},
		{"chunk=65536", "chunk=65_536", "underscore"},
		{"chunk=65536", "chunk=", "empty"},
		{"len=5", "len=-5", "negative"},
		{"len=5", "len=05", "leading zero"},
		{"len=5", "len=5 ", "space"},
		{"len=5", "len=281474976710657", "2^48 + 1"},
		{"len=5", "len=9223372036854775808", "2^63"},
		{"len=5", "len=18446744073709551615", "2^64 - 1"},
		{"chunk=65536;len=5", "chunk=4096;len=281474976710656", "more chunks than the counter has"},
		{"chunk=65536;len=5", "len=5;chunk=65536", "another order"},
		{okSalt, okSalt[1:], "short salt"},
		{okSalt, okSalt + "A", "long salt"},
		{okSalt, okSalt[:42] + "9", "stray bits"},
		{okSalt, okSalt[:42] + "=", "padding"},
		{okSalt, "+" + okSalt[1:], "the other alphabet"},
		{okSalt, okSalt[:20] + "\n" + okSalt[21:], "line end"},
		{"np=AQIDBAUGBw", "np=AQIDBAUGB", "short prefix"},
		{"np=AQIDBAUGBw", "np=AQIDBAUGBw;", "something behind"},
		{"np=AQIDBAUGBw", "np=AQIDBAUGBw;x=1", "another key"},
		{"v=1;", " v=1;", "something before"},
		{okCore, "", "empty"},
		{okCore, okCore[:30], "cut"},
		{";", "", "no separators"},
	} {
		text := strings.ReplaceAll(okCore, tt.from, tt.to)
		c, err := parseCore(text)
		if !errors.Is(err, ErrFormat) || c != (core{}) {
			t.Errorf("%s: parseCore(%q) = %+v, %v; want ErrFormat", tt.why, text, c, err)
		}
	}
}

// TestGeometry compares with the arithmetic of a loop.
func TestGeometry(t *testing.T) {
	for _, chunk := range []uint64{1, 2, 4, 32} {
		for length := range uint64(100) {
			g := geometry{chunk, length}
			var n, sealed, left uint64 = 0, 0, length
			for n == 0 || left > 0 {
				take := min(left, chunk)
				if g.sealedOff(n) != int64(sealed) || g.plainLen(n) != int(take) || g.last(n) != (left == take) {
					t.Fatalf("%+v: chunk %d: at %d, %d bytes", g, n, g.sealedOff(n), g.plainLen(n))
				}
				left, sealed, n = left-take, sealed+take+tagLen, n+1
			}
			if g.chunks() != n || g.sealedLen() != int64(sealed) {
				t.Fatalf("%+v: %d chunks, %d bytes; want %d, %d", g, g.chunks(), g.sealedLen(), n, sealed)
			}
		}
	}
	for _, g := range []geometry{{chunkMin, math.MaxUint64}, {chunkMax, math.MaxInt64}, {chunkMin, lenMax}, {0, 0}} {
		if g.check() == nil {
			t.Errorf("%+v passes", g)
		}
	}
	largest := geometry{chunkMax, lenMax}
	if err := largest.check(); err != nil || largest.sealedLen() != lenMax+tagLen*lenMax/chunkMax {
		t.Errorf("largest body: %v, %d", err, largest.sealedLen())
	}
}

func TestDecodeParams(t *testing.T) {
	want := Params{okCore, []string{okRcp, "other;x"}, okMac}
	text := EncodeParams(want)
	if got, err := DecodeParams(text); err != nil || EncodeParams(got) != text {
		t.Fatalf("%+v, %v", got, err)
	}
	if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("%q is not plain base64url", text)
	}
	for _, tt := range []struct{ json, why string }{
		{``, "empty"},
		{`null`, "no object"},
		{`[]`, "no object"},
		{`{}`, "nothing in it"},
		{`{"core":"c","rcp":[]}`, "mac is missing"},
		{`{"core":"c","rcp":[],"mac":"m","x":"y"}`, "unknown member"},
		{`{"core":"c","rcp":[],"mac":"m","mac":"m"}`, "repeated member"},
		{`{"Core":"c","rcp":[],"mac":"m"}`, "keys have one case"},
		{`{"core":1,"rcp":[],"mac":"m"}`, "a number"},
		{`{"core":null,"rcp":[],"mac":"m"}`, "a null"},
		{`{"core":"c","rcp":"r","mac":"m"}`, "recipients are a list"},
		{`{"core":"c","rcp":null,"mac":"m"}`, "recipients are a list"},
		{`{"core":"c","rcp":[1],"mac":"m"}`, "of strings"},
		{`{"core":"c","rcp":[["r"]],"mac":"m"}`, "of strings"},
		{`{"core":"c","rcp":[],"mac":"m"} ` + "x", "something behind"},
		{`{"core":"c","rcp":[],"mac":"m"}{}`, "a second object"},
		{`{"core":"c","rcp":[],"mac":"m"`, "cut"},
		{`{"core":"c","rcp":[` + strings.Repeat(`"",`, recipientsMax) + `""],"mac":"m"}`, "65 recipients"},
		{"{\"core\":\"\xff\",\"rcp\":[],\"mac\":\"m\"}", "invalid UTF-8"},
		{`{"core":"c","rcp":` + strings.Repeat("[", 5000), "deep"},
	} {
		if p, err := DecodeParams(encode64([]byte(tt.json))); !errors.Is(err, ErrFormat) || p.Core != "" {
			t.Errorf("%s: %+v, %v", tt.why, p, err)
		}
	}
	for _, bad := range []string{text + "=", text + "\n", text[:len(text)-1] + "!", "\r\n" + text} {
		if _, err := DecodeParams(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestStanza(t *testing.T) {
	for _, tt := range []struct{ text, why string }{
		{"RSA-OAEP-256", "nothing behind"},
		{"RSA-OAEP-256;" + okX5T + ";" + okX256, "no key"},
		{okRcp + ";x", "a fifth part"},
		{strings.Replace(okRcp, okX5T, okX5T[1:], 1), "short thumbprint"},
		{strings.Replace(okRcp, okX5T, strings.Repeat("AB", 20), 1), "upper case"},
		{strings.Replace(okRcp, okX256, strings.Repeat("xy", 32), 1), "no digits"},
		{strings.Replace(okRcp, "AAAA", "AAA!", 1), "no base64"},
		{"ECDH-P256;\n", "line end in an unknown type"},
		{"ECDH-P256;\u00e9", "beyond ASCII"},
	} {
		if _, err := (Params{okCore, []string{okRcp, tt.text}, okMac}).stanzas(); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", tt.why, err)
		} else if !strings.Contains(err.Error(), "rcp[1]") {
			t.Errorf("%s: %v does not say where", tt.why, err)
		}
	}
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestHostileParamsAllocateLittle(t *testing.T) {
	id := testKey(t, 0)
	huge, err := Seal(testClear, lenMax, []*Recipient{id.recipient}, Options{Chunk: chunkMax})
	if err != nil {
		t.Fatal(err)
	}
	coreOf := func(from, to string) Params {
		return Params{strings.Replace(okCore, from, to, 1), []string{okRcp}, okMac}
	}
	rcpOf := func(n int, text string) Params {
		p := Params{Core: okCore, Mac: okMac}
		for range n {
			p.Rcp = append(p.Rcp, text)
		}
		return p
	}
	for _, tt := range []struct {
		why string
		p   Params
	}{
		{"len 2^63", coreOf("len=5", "len=9223372036854775808")},
		{"len 2^64-1", coreOf("len=5", "len=18446744073709551615")},
		{"chunk 0", coreOf("65536", "0")},
		{"chunk 3", coreOf("65536", "3")},
		{"chunk 2^31", coreOf("65536", "2147483648")},
		{"65 recipients", rcpOf(65, okRcp)},
		{"a recipient of 1 MiB", rcpOf(1, okRcp+strings.Repeat("A", 1<<20))},
		{"64 of 100 KiB", rcpOf(64, okRcp+strings.Repeat("A", 100<<10))},
		{"a core of 1 MiB", coreOf("len=5", "len="+strings.Repeat("5", 1<<20))},
		{"a valid envelope of 2^48 bytes over a body of 100", huge.Params()},
	} {
		for _, open := range []func(Params) error{
			func(p Params) error {
				_, err := openBody(testClear, p, make([]byte, 100), id)
				return err
			},
			func(p Params) error {
				p, err := DecodeParams(EncodeParams(p))
				if err == nil {
					_, err = openBody(testClear, p, make([]byte, 100), id)
				}
				return err
			},
		} {
			var err error
			used := allocated(func() { err = open(tt.p) })
			budget := 16*uint64(len(EncodeParams(tt.p))) + 256<<10
			if err == nil || used > budget {
				t.Errorf("%s: %d bytes allocated, budget %d; %v", tt.why, used, budget, err)
			}
			if err != nil && len(err.Error()) > 500 {
				t.Errorf("%s: a message of %d bytes", tt.why, len(err.Error()))
			}
		}
	}
	text := strings.Repeat("A", 1<<20)
	if used := allocated(func() { _, err = DecodeParams(text) }); !errors.Is(err, ErrFormat) || used > 64<<10 {
		t.Errorf("element of 1 MiB: %d bytes allocated; %v", used, err)
	}
	blob := append([]byte(blobMagic), 0xff, 0xff, 0xff, 0xff, '{')
	if used := allocated(func() { _, err = OpenBlob(blob, "k", "n", id) }); !errors.Is(err, ErrFormat) || used > 64<<10 {
		t.Errorf("blob with a head of 4 GiB: %d bytes allocated; %v", used, err)
	}
}

func TestParamsJSONIsTheReferences(t *testing.T) {
	var got bytes.Buffer
	if err := json.Compact(&got, appendJSON(nil, Params{"a", []string{"b<>&"}, "c"})); err != nil {
		t.Fatal(err)
	}
	if want := `{"core":"a","rcp":["b<>&"],"mac":"c"}`; got.String() != want {
		t.Errorf("%s, want %s", &got, want)
	}
}
