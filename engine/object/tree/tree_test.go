package tree

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// oracle agrees with Parse when encoding/json reads the same value.
func oracle(t *testing.T, src string) {
	t.Helper()
	n, err := ParseString(src)
	var want any
	wantErr := json.Unmarshal([]byte(src), &want)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%q: error %v, encoding/json says %v", src, err, wantErr)
	}
	if err != nil {
		return
	}
	var got any
	if err := json.Unmarshal(n.Append(nil), &got); err != nil {
		t.Fatalf("%q: written back as %q: %v", src, n.JSON(), err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: written back as %q", src, n.JSON())
	}
}

var samples = []string{
	`{"b":1,"a":[true,false,null,-0.5e+3,""],"ü\n\u00e9\ud83d\ude00":"\ud800"}`,
	`[]`, `{}`, ` [ 1 , 2 ] `, `"\u001f\"\\\/"`, `01`, `1.`, `-`, `[1,]`, `{"a"}`, `{"a":}`, `"`, `"\x"`, `tru`, `1 2`, "\"\x01\"", "", `{"a":1,"a":2}`,
}

func TestParseAgreesWithEncodingJSON(t *testing.T) {
	for _, src := range samples {
		oracle(t, src)
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range samples {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if strings.Count(src, "[")+strings.Count(src, "{") > 150 || !json.Valid([]byte(src)) && strings.ContainsAny(src, "eE") {
			return // numbers out of range are errors of encoding/json only
		}
		n, err := ParseString(src)
		if (err == nil) != json.Valid([]byte(src)) {
			t.Fatalf("%q: error %v", src, err)
		}
		if err == nil {
			again, err := ParseString(n.JSON())
			if err != nil || !Equal(n, again) {
				t.Fatalf("%q: %q is not stable: %v", src, n.JSON(), err)
			}
		}
	})
}

func TestParseKeepsOrder(t *testing.T) {
	const src = `{"z":1.50,"a":{"y":[],"b":1e3}}`
	if got := MustParse(src).JSON(); got != src {
		t.Errorf("got %s: members and numbers stay as written", got)
	}
}

func TestParseLimits(t *testing.T) {
	deep := strings.Repeat("[", 1e6)
	if _, err := ParseString(deep); !errors.Is(err, ErrTooDeep) {
		t.Errorf("a million brackets: %v", err)
	}
	if _, err := Parse([]byte("[1,2,3]"), Limits{Values: 3}); !errors.Is(err, ErrTooMany) {
		t.Errorf("four values of three: %v", err)
	}
}

func TestPatch(t *testing.T) {
	for _, tt := range []struct {
		name, src string
		op        Op
		path, val string
		want      string // "" = an error
		why       string
	}{
		{"replace", `{"a":1,"b":2}`, Replace, "/a", `3`, `{"a":3,"b":2}`, "order stays"},
		{"replace missing", `{}`, Replace, "/alternateStates", `[]`, `{"alternateStates":[]}`, "works as add: nebula"},
		{"deep missing", `{}`, Add, "/a/b", `1`, `{"a":{"b":1}}`, "members left out as default"},
		{"array insert", `[1,2]`, Add, "/0", `0`, `[0,1,2]`, "RFC 6902"},
		{"array end", `[1]`, Add, "/-", `2`, `[1,2]`, "RFC 6902"},
		{"array replace", `[1,2]`, Replace, "/1", `3`, `[1,3]`, ""},
		{"array remove", `[1,2]`, Remove, "/0", ``, `[2]`, ""},
		{"outside", `[1]`, Replace, "/5", `1`, ``, "no such item"},
		{"root", `{"a":1}`, Replace, "/", `{"b":2}`, `{"b":2}`, "the root path"},
		{"remove missing", `{"a":1}`, Remove, "/x", ``, `{"a":1}`, "nothing to do"},
		{"escape", `{"a/b":1}`, Replace, "/a~1b", `2`, `{"a/b":2}`, "RFC 6901"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := MustParse(tt.src)
			var v *Node
			if tt.val != "" {
				v = MustParse(tt.val)
			}
			got, err := src.Patch(tt.op, tt.path, v)
			if (err != nil) != (tt.want == "") {
				t.Fatalf("error %v: %s", err, tt.why)
			}
			if err == nil && got.JSON() != tt.want {
				t.Errorf("got %s, want %s: %s", got.JSON(), tt.want, tt.why)
			}
			if src.JSON() != tt.src {
				t.Errorf("the source became %s", src.JSON())
			}
		})
	}
}

func TestAppendFloat(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", -1: "-1", 1e15: "1000000000000000", 0.1: "0.1", 1e300: "1e+300",
		math.Inf(1): `"Infinity"`, math.Inf(-1): `"-Infinity"`,
	} {
		if got := string(AppendFloat(nil, f)); got != want {
			t.Errorf("%g: got %s, want %s", f, got, want)
		}
	}
	if got := string(AppendFloat(nil, math.NaN())); got != `"NaN"` {
		t.Errorf("NaN: got %s", got)
	}
}

func TestMerge(t *testing.T) {
	got := MustParse(`{"a":{"x":1},"b":[1]}`).Merge(MustParse(`{"a":{"x":0,"y":2},"b":[2,3],"c":4}`))
	if want := `{"a":{"x":1,"y":2},"b":[1],"c":4}`; got.JSON() != want {
		t.Errorf("got %s, want %s", got.JSON(), want)
	}
}
