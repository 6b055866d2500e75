package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognate-bi/cognate/engine/number"
)

func TestJSON(t *testing.T) {
	for _, tt := range []struct {
		why, text, table string
		want             []string
	}{
		{"array of objects", `[{"a":1,"b":"x"},{"a":2.5,"b":""}]`, "", []string{"a|b", "1|'x'", "2.5|''"}},
		{"lines", "{\"a\":1}\n{\"a\":2}\n", "", []string{"a", "1", "2"}},
		{"null and missing members are NULL", `[{"a":null,"b":1},{"c":2}]`, "", []string{"a|b|c", "NULL|1|NULL", "NULL|NULL|2"}},
		{"truth values", `[{"a":true},{"a":false}]`, "", []string{"a", "'true'/-1", "'false'/0"}},
		{"texts are read like texts of files", `[{"a":"2021-03-28"},{"a":" 007 "}]`, "", []string{"a", "'2021-03-28'/44283", "'007'/7"}},
		{"nested objects and arrays", `[{"a":{"b":{"c":1},"d":"x"},"e":[1, {"f":"]"}]}]`, "", []string{"a.b.c|a.d|e", `1|'x'|'[1,{"f":"]"}]'`}},
		{"a table inside", `{"skip":[1,{}],"r":{"t":[{"a":1}]},"z":0}`, "root/r/t", []string{"a", "1"}},
		{"plain values", `[1,"x",null]`, "", []string{"value", "1", "'x'", "NULL"}},
		{"escapes in names", `[{"a\"\u00e4":1}]`, "", []string{`a"ä`, "1"}},
		{"the first of two members counts", `[{"a":1,"a":2}]`, "", []string{"a", "1"}},
		{"empty array", `[]`, "", []string{""}},
		{"nothing", ` `, "", []string{""}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			r, err := Open(t.Context(), write(t, "a.json", tt.text), Spec{Table: tt.table}, number.Default())
			if diff := cmp.Diff(tt.want, rows(t, r, err)); diff != "" {
				t.Errorf("%s: -want +got:\n%s", tt.text, diff)
			}
		})
	}
}

func TestJSONErrors(t *testing.T) {
	for _, tt := range []struct{ why, text, table, want string }{
		{"cut off", `[{"a":1},{"a"`, "", "unexpected EOF"},
		{"array not closed", `[{"a":1}`, "", "unexpected EOF"},
		{"no such table", `{"a":[]}`, "b", `table "b": no member "b"`},
		{"no array", `{"a":5}`, "a", "where an array of objects was expected"},
		{"nested too deep", strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), "", "nested more than"},
	} {
		t.Run(tt.why, func(t *testing.T) {
			_, err := readAll(Open(t.Context(), write(t, "a.json", tt.text), Spec{Table: tt.table}, number.Default()))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "a.json: ") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzJSON(f *testing.F) {
	f.Add(`[{"a":{"b":[1,"]"]},"c":null}]`)
	f.Add("{\"a\":1}\n{\"b\\\"\":[[]]}")
	f.Fuzz(func(t *testing.T, text string) {
		// No panic; Open recovers them, so the reader is used below it.
		r, err := openJSON(write(t, "a.json", text), Spec{}, number.Default())
		if err == nil {
			_, _ = readAll(r, nil)
		}
	})
}
