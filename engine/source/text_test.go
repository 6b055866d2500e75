package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// show writes a value so that a reader of a failure sees its parts: NULL, 'text',
// 12, '007'/7.
func show(v dual.Value) string {
	switch v.Kind {
	case dual.Null:
		return "NULL"
	case dual.Num:
		return fmt.Sprint(v.Num)
	case dual.Text:
		return "'" + v.Text + "'"
	default:
		return fmt.Sprintf("'%s'/%v", v.Text, v.Num)
	}
}

// rows reads all of r: the names, then a line per row.
func rows(t *testing.T, r Reader, err error) []string {
	t.Helper()
	out, err := readAll(r, err)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readAll(r Reader, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := []string{strings.Join(r.Fields(), "|")}
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			return out, r.Close()
		}
		if err != nil {
			return nil, err
		}
		if len(b.Columns) != len(r.Fields()) {
			return nil, fmt.Errorf("%d columns for %d fields", len(b.Columns), len(r.Fields()))
		}
		for i := range b.Rows {
			var cells []string
			for c := range b.Columns {
				if b.Columns[c].N != b.Rows {
					return nil, fmt.Errorf("column of %d values in batch of %d", b.Columns[c].N, b.Rows)
				}
				cells = append(cells, show(b.Columns[c].At(i)))
			}
			out = append(out, strings.Join(cells, "|"))
		}
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInline(t *testing.T) {
	null := "-"
	for _, tt := range []struct {
		why, text string
		spec      Spec
		want      []string
	}{
		{"names first, numbers keep their text", "a,b\n1,x\n007,", Spec{}, []string{"a|b", "'1'/1|'x'", "'007'/7|''"}},
		{"blanks and tabs around names and cells go", " \n  a , b\t\n\t1 ,  x y  ", Spec{}, []string{"a|b", "'1'/1|'x y'"}},
		{"empty lines count nowhere", "\n\na\r\n\r\n1\n \n\t\n2\n\n", Spec{}, []string{"a", "'1'/1", "'2'/2"}},
		{"a surplus delimiter makes no field", "a,b,\n1,2,\n3,4", Spec{}, []string{"a|b", "'1'/1|'2'/2", "'3'/3|'4'/4"}},
		{"missing cells are empty texts, surplus ones are dropped", "a,b\n1\n2,3,4", Spec{}, []string{"a|b", "'1'/1|''", "'2'/2|'3'/3"}},
		{"quotes protect the delimiter", "a,b\n\"x,y\", \"z\" ", Spec{}, []string{"a|b", "'x,y'|'z'"}},
		{"quotes that are not first and last stay", "a,b\n\"510\"123-4567,5\"", Spec{}, []string{"a|b", `'"510"123-4567'|'5"'`}},
		{"single quotes and brackets are no quotes", "a,b\n\"'All'\",[x]", Spec{}, []string{"a|b", "''All''|'[x]'"}},
		{"a header of another delimiter is one field", "\"A\"|\"B\"\n1", Spec{}, []string{`"A"|"B"`, "'1'/1"}},
		{"a quote that is not closed in its line is a character", "a,b\n\"x,y\n\"z\",1", Spec{}, []string{"a|b", "'\"x'|'y'", "'z'|'1'/1"}},
		{"doubled quotes", "a\n\"say \"\"hi\"\"\"", Spec{}, []string{"a", `'say "hi"'`}},
		{"another delimiter", "k | v\n2 | \"a|b\"", Spec{Delimiter: "|"}, []string{"k|v", "'2'/2|'a|b'"}},
		{"tab delimiter, as a script writes it", "k\tv\n2\t x", Spec{Delimiter: `\t`}, []string{"k|v", "'2'/2|'x'"}},
		{"delimiter of two bytes", "k¤v\n2¤x\n3¤y\n", Spec{Delimiter: "¤"}, []string{"k|v", "'2'/2|'x'", "'3'/3|'y'"}},
		{"blanks delimit", "k   v\n  2  x y\n3 z\n", Spec{Delimiter: "spaces"}, []string{"k|v", "'2'/2|'x'", "'3'/3|'z'"}},
		{"no labels", "1,2\n3,4", Spec{Labels: LabelsNone}, []string{"@1|@2", "'1'/1|'2'/2", "'3'/3|'4'/4"}},
		{"no labels, one column with blanks inside", "^  #\n^#", Spec{Labels: LabelsNone}, []string{"@1", "'^  #'", "'^#'"}},
		{"names are made different", "a,,a,a1\n1,2,3,4", Spec{}, []string{"a|@2|a2|a1", "'1'/1|'2'/2|'3'/3|'4'/4"}},
		{"no quotes", "a,b\n\"x,y\"", Spec{Quotes: QuotesNone}, []string{"a|b", `'"x'|'y"'`}},
		{"msq: a cell may span lines", "a,b\n\"x\ny\",1", Spec{Quotes: QuotesMSQ}, []string{"a|b", "'x\ny'|'1'/1"}},
		{"text that means NULL", "a,b\n-,x", Spec{NullInterpret: &null}, []string{"a|b", "NULL|'x'"}},
		{"verbatim", "a,b\n1 , x", Spec{Verbatim: true}, []string{"a|b", "'1 '/1|' x'"}},
		{"comments", "a\n// no\n1", Spec{Comment: "//"}, []string{"a", "'1'/1"}},
		{"names only", "a,b", Spec{}, []string{"a|b"}},
		{"nothing", " \n", Spec{}, []string{""}},
		{"only what is needed is read", "a,b\n1,2", Spec{Needed: []string{"b"}}, []string{"a|b", "NULL|'2'/2"}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			r, err := Inline(tt.text, tt.spec, number.Default())
			if diff := cmp.Diff(tt.want, rows(t, r, err)); diff != "" {
				t.Errorf("%q: -want +got:\n%s", tt.text, diff)
			}
		})
	}
}

func TestTextFile(t *testing.T) {
	for _, tt := range []struct {
		why, name, content string
		spec               Spec
		want               []string
	}{
		{"delimiter is found", "a.txt", "a;b\n1,5;x\n2,5;y\n", Spec{}, []string{"a|b", "'1,5'|'x'", "'2,5'|'y'"}},
		{"byte order mark", "a.csv", "\xef\xbb\xbfa,b\n1,ä\n", Spec{}, []string{"a|b", "'1'/1|'ä'"}},
		{"windows-1252 where it is not UTF-8", "a.csv", "a,b\n1,\xe4\x80\n", Spec{}, []string{"a|b", "'1'/1|'ä€'"}},
		{"utf-16", "a.csv", "\xff\xfea\x00\n\x00\xe4\x00\n\x00", Spec{}, []string{"a", "'ä'"}},
		{"code page by number", "a.csv", "a\n\xfe\n", Spec{Charset: "28599"}, []string{"a", "'ş'"}},
		{"header lines with stray quotes", "a.csv", "report \"x\n\na,b\n1,2\n", Spec{HeaderSize: HeaderSize{HeaderLines: 2}}, []string{"a|b", "'1'/1|'2'/2"}},
		{"header bytes", "a.csv", "xxxxa\n1\n", Spec{HeaderSize: HeaderSize{HeaderBytes: 4}}, []string{"a", "'1'/1"}},
		{"character 26 ends the text", "a.csv", "a\n1\x1a\n2\n", Spec{}, []string{"a", "'1'/1"}},
		{"unless it shall not", "a.csv", "a\nx\x1ay\n2\n", Spec{NoEOF: true}, []string{"a", "'x\x1ay'", "'2'/2"}},
		{"old line ends", "a.csv", "a,b\r1,2\r3,4", Spec{}, []string{"a|b", "'1'/1|'2'/2", "'3'/3|'4'/4"}},
		{"a csv without specification may span lines", "a.csv", "a,b\n\"x\n\"\"y\",2\n", Spec{}, []string{"a|b", "'x\n\"y'|'2'/2"}},
		{
			"fixed records", "a.txt", "ab 12xyz\n\nc   3\n",
			Spec{Format: "fix", Needed: []string{"@1:3", "@4:5", "@6:n"}},
			[]string{"@1:3|@4:5|@6:n", "'ab'|'12'/12|'xyz'", "'c'|'3'/3|''"},
		},
		{
			"fixed length", "a.txt", "ab1cd2e",
			Spec{Format: "fix", RecordLen: 3, Needed: []string{"@1:2", "@3:3"}},
			[]string{"@1:2|@3:3", "'ab'|'1'/1", "'cd'|'2'/2", "'e'|''"},
		},
		{"empty file", "a.csv", "", Spec{}, []string{""}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			r, err := Open(t.Context(), write(t, tt.name, tt.content), tt.spec, number.Default())
			if diff := cmp.Diff(tt.want, rows(t, r, err)); diff != "" {
				t.Errorf("%q: -want +got:\n%s", tt.content, diff)
			}
		})
	}
}

func TestTextErrors(t *testing.T) {
	for _, tt := range []struct {
		why, name, content string
		spec               Spec
		want               string
	}{
		{"quote without end", "a.csv", "a,b\n1,2\n3,\"x\n", Spec{}, "a.csv: line 3, column 3: quote is not closed"},
		{"unknown format", "a.csv", "a", Spec{Format: "kml"}, `a.csv: format "kml" is not supported`},
		{"unknown character set", "a.csv", "a", Spec{Charset: "codepage 7"}, "a.csv: unknown code page 7"},
		{"impossible delimiter", "a.csv", "a", Spec{Delimiter: `"`}, `a.csv: delimiter "\"" cannot be used`},
		{"fields of fixed records", "a.csv", "a", Spec{Format: "fix", Needed: []string{"x"}}, `a.csv: fixed records: field "x" is not of the form @first:last`},
		{"qvd", "a.qvd", "a", Spec{}, "a.qvd: qvd: a.qvd: byte 0: header: not a QVD file: it begins with \"a\""},
		{"damaged gzip", "a.csv", "\x1f\x8b\x08\x00", Spec{}, "a.csv: gzip: unexpected EOF"},
	} {
		t.Run(tt.why, func(t *testing.T) {
			_, err := readAll(Open(t.Context(), write(t, tt.name, tt.content), tt.spec, number.Default()))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "none.csv"), Spec{}, number.Default()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v, want %v", err, os.ErrNotExist)
	}
}
