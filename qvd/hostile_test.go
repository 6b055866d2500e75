package qvd

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// hostileBase is a small file of three fields whose bytes the tests change:
// A has the symbols 10, 20 and 30, B the texts "x" and "yy" and a NULL, C is
// the constant 7. A stands in bits 0-1, B in 2-7, so a row is one byte.
func hostileBase(t testing.TB) []byte {
	t.Helper()
	c := storage.NewCatalog(show)
	b := c.NewBuilder("Base", []string{"A", "B", "C"})
	err := b.Append([]dual.Vector{
		dual.Nums([]float64{10, 20, 30, 10}, nil),
		dual.Vals([]dual.Value{dual.String("x"), {}, dual.String("yy"), dual.String("x")}),
		dual.Constant(dual.Number(7), 4),
	})
	if err != nil {
		t.Fatal(err)
	}
	return writeTable(t, b.Table(), WriteOptions{})
}

// readAll reads a file by every way there is; all have to agree on whether it
// can be read, and it returns the cells and the first error.
func readAll(t testing.TB, name string, file []byte) ([][]string, error) {
	t.Helper()
	f, err := NewFile(name, bytes.NewReader(file), int64(len(file)), OpenOptions{Workers: 2})
	if err != nil {
		if f != nil {
			t.Error("a file besides an error")
		}
		return nil, err
	}
	report, verifyErr := f.Verify(t.Context())
	table, tableErr := f.Table(t.Context(), storage.NewCatalog(show), Projection{})
	if (verifyErr == nil) != (tableErr == nil) || (report == nil) != (verifyErr != nil) || (table == nil) != (tableErr != nil) {
		t.Errorf("Verify: %v %v; Table: %v %v", report, verifyErr, table, tableErr)
	}
	rows, rowsErr := f.Rows(t.Context(), nil, 0, 100) // sees only the symbols that it needs
	if (rows == nil) != (rowsErr != nil) || rowsErr != nil && tableErr == nil {
		t.Errorf("Rows: %v %v; Table: %v", rows, rowsErr, tableErr)
	}
	if tableErr != nil {
		return nil, tableErr
	}
	return batchCells(t.(*testing.T), f, 3), nil
}

// header replaces the nth (from 0) text of an element.
func header(element string, nth int, text string) func([]byte) []byte {
	return func(file []byte) []byte {
		i := bytes.Index(file, []byte(endTag))
		at := regexp.MustCompile(`<`+element+`>[^<]*</`+element+`>`).FindAllIndex(file[:i], -1)[nth]
		return slices.Concat(file[:at[0]], []byte("<"+element+">"+text+"</"+element+">"), file[at[1]:])
	}
}

// without removes the nth element.
func without(element string, nth int) func([]byte) []byte {
	return func(file []byte) []byte {
		at := regexp.MustCompile(`<`+element+`>[^<]*</`+element+`>`).FindAllIndex(file, -1)[nth]
		return slices.Concat(file[:at[0]], file[at[1]:])
	}
}

// insert puts text in front of the first occurrence of a mark.
func insert(mark, text string) func([]byte) []byte {
	return func(file []byte) []byte {
		return bytes.Replace(file, []byte(mark), []byte(text+mark), 1)
	}
}

// body changes the byte at off of the body; negative counts from the end.
func body(off int, value byte) func([]byte) []byte {
	return func(file []byte) []byte {
		file = bytes.Clone(file)
		if off < 0 {
			file[len(file)+off] = value
		} else {
			file[bytes.IndexByte(file, 0)+1+off] = value
		}
		return file
	}
}

func all(changes ...func([]byte) []byte) func([]byte) []byte {
	return func(file []byte) []byte {
		for _, c := range changes {
			file = c(file)
		}
		return file
	}
}

func text(s string) func([]byte) []byte { return func([]byte) []byte { return []byte(s) } }

// hostile are files that must be refused; want stands in the error.
var hostile = []struct {
	name   string
	change func([]byte) []byte
	want   string
}{
	{"empty file", text(""), "the file is empty"},
	{"git lfs pointer", text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"), "Git LFS"},
	{"container", text("\xff\xff\x01\x00\xc1\x06\x00\x00"), "container"},
	{"csv", text("a,b,c\n1,2,3\n"), `begins with "a,b,c`},
	{"zip", text("PK\x03\x04..."), "zip archive"},
	{"parquet", text("PAR1...."), "Parquet"},
	{"utf-16", text("\xff\xfe<\x00?\x00"), "UTF-16"},
	{"html", text("<html></QvdTableHeader>\r\n\x00"), "html"},
	{"other root", func(b []byte) []byte { return bytes.Replace(b, []byte(" <QvdTableHeader>"), []byte(" <Qvx>"), 1) }, "Qvx"},
	{"no end tag", func(b []byte) []byte { return bytes.Replace(b, []byte(endTag), []byte("</QvdTableFooter>"), 1) }, "ends before </QvdTableHeader>"},
	{"no NUL", func(b []byte) []byte { return bytes.Replace(b, []byte("\r\n\x00"), []byte("\r\n\x01"), 1) }, "0x01 where NUL belongs"},
	{"text behind the end tag", func(b []byte) []byte { return bytes.Replace(b, []byte(endTag), []byte(endTag+" "), 1) }, "0x20 where NUL belongs"},
	{"doctype", insert(" <QvdTableHeader>", "<!DOCTYPE x [<!ENTITY a \"b\">]>"), "document types"},
	{"entity", header("TableName", 0, "&a;"), "invalid character entity"},
	{"entity bomb", all(insert(" <QvdTableHeader>", `<!DOCTYPE x [<!ENTITY a "`+strings.Repeat("a", 1000)+`"><!ENTITY b "&a;&a;&a;&a;">]>`), header("TableName", 0, "&b;&b;")), "document types"},
	{"deep XML", insert("<Fields>", strings.Repeat("<x>", 100000)), "nest more than"},
	{"unbalanced", insert("<Fields>", "<x>"), "header"},
	{"encoding", func(b []byte) []byte { return bytes.Replace(b, []byte("UTF-8"), []byte("UTF-7"), 1) }, "UTF-7"},
	{"invalid UTF-8", header("TableName", 0, "\xff"), "invalid UTF-8"},
	{"compression", header("Compression", 0, "zip"), `Compression: "zip"`},
	{"two Offsets", insert("<Lineage>", "<Offset>1</Offset>"), "Offset is there twice"},
	{"two BitWidths", insert("<NumberFormat>", "<BitWidth>1</BitWidth>"), "BitWidth is there twice"},
	{"two Fields", insert("<Compression>", "<Fields></Fields>"), "Fields is there twice"},
	{"element in a number", header("BitWidth", 0, "<b/>2"), "elements where text belongs"},
	{"same name twice", header("FieldName", 1, "A"), "field 0 has the same name"},

	{"no RecordByteSize", without("RecordByteSize", 0), "no RecordByteSize"},
	{"no NoOfRecords", without("NoOfRecords", 0), "no NoOfRecords"},
	{"no root Offset", without("Offset", 3), "no Offset"},
	{"no root Length", without("Length", 3), "no Length"},
	{"no BitOffset", without("BitOffset", 0), "no BitOffset"},
	{"no BitWidth", without("BitWidth", 1), `field 1 "B"`},
	{"no Bias", without("Bias", 0), "no Bias"},
	{"no NoOfSymbols", without("NoOfSymbols", 0), "no NoOfSymbols"},
	{"no field Offset", without("Offset", 0), "no Offset"},
	{"no field Length", without("Length", 0), "no Length"},
	{"no FieldName", without("FieldName", 0), "no FieldName"},

	{"RecordByteSize 0", header("RecordByteSize", 0, "0"), "0 with 4 records"},
	{"RecordByteSize 2", header("RecordByteSize", 0, "2"), "4 bytes for 4 records of 2"},
	{"RecordByteSize huge", header("RecordByteSize", 0, "4611686018427387904"), "RecordByteSize"},
	{"NoOfRecords 5", header("NoOfRecords", 0, "5"), "4 bytes for 5 records"},
	{"NoOfRecords that wraps", all(header("NoOfRecords", 0, "4611686018427387905"), header("RecordByteSize", 0, "4")), "Length"},
	{"records beyond the end", all(header("NoOfRecords", 0, "5"), header("Length", 3, "5")), "of a body of"},
	{"Length 2^62", all(header("NoOfRecords", 0, "4611686018427387904"), header("Length", 3, "4611686018427387904")), "of a body of"},
	{"root Offset 2^63-1", header("Offset", 3, "9223372036854775807"), "records"},
	{"root Offset inside the symbols", header("Offset", 3, "20"), "inside the"},
	{"symbols inside the records", header("Offset", 2, "24"), "inside the"},
	{"field Offset beyond the end", header("Offset", 1, "1000"), `symbols of "B"`},
	{"overlapping symbols", header("Offset", 1, "14"), "inside the symbols"},
	{"all symbols at one place", all(header("Offset", 1, "0"), header("Length", 1, "15"), header("NoOfSymbols", 1, "3")), "inside the symbols"},
	{"swapped symbol tables", all(header("Offset", 0, "22"), header("Length", 0, "5"), header("NoOfSymbols", 0, "1"), header("Offset", 2, "0"), header("Length", 2, "15"), header("NoOfSymbols", 2, "3")), "index 1 of 1"},
	{"field Length short", header("Length", 0, "14"), "symbol 2 of \"A\": need 4 bytes, have 3"},
	{"field Length 2^62", header("Length", 0, "4611686018427387904"), "Length"},
	{"NoOfSymbols less", header("NoOfSymbols", 0, "2"), "5 bytes are left"},
	{"NoOfSymbols more", header("NoOfSymbols", 0, "4"), "symbol 3 of \"A\""},
	{"NoOfSymbols huge", header("NoOfSymbols", 0, "4000000000"), "4000000000 declared, room for 7"},
	{"NoOfSymbols 0", header("NoOfSymbols", 0, "0"), "0 in 15 bytes"},
	{"BitWidth 33", header("BitWidth", 0, "33"), "33 is more than 32"},
	{"BitWidth 64", header("BitWidth", 0, "64"), "64 is more than 32"},
	{"BitWidth 2^63-1", header("BitWidth", 0, "9223372036854775807"), "BitWidth"},
	{"BitOffset beyond the record", header("BitOffset", 1, "3"), "bits 3 to 9 of a record of 8"},
	{"BitOffset 2^63-1", header("BitOffset", 1, "9223372036854775807"), "BitOffset"},
	{"shared bits", header("BitWidth", 0, "3"), "bit 2 is also one of field \"A\""},
	{"Bias 2", header("Bias", 0, "2"), "2 is not within"},
	{"Bias -2^40", header("Bias", 1, "-1099511627776"), "not within"},
	{"Bias 2^40", header("Bias", 1, "1099511627776"), "not within"},
	{"Bias -0x2", header("Bias", 1, "-0x2"), "no number of digits"},
	{"index too high", body(-1, 0xff), "index 3 of 3 symbols"},
	{"index of one field too high", body(-2, 0x1d<<2), `record 2, field "B": index 27 of 2`},
	{"type byte 0", body(0, 0), "type byte 0x00"},
	{"type byte 3", body(5, 3), "symbol 1 of \"A\": type byte 0x03"},
	{"type byte 7", body(15, 7), "symbol 0 of \"B\": type byte 0x07"},
	{"NUL missing", body(21, 'z'), "symbol 1 of \"B\": no NUL ends the text in the 3 bytes left"},
	{"NUL too early", body(19, 0), "symbol 2 of \"B\": 2 bytes are left"},
	{"double where an int was", body(10, 2), "symbol 2 of \"A\": need 8 bytes, have 4"},
	{"LF-damaged body", func(b []byte) []byte { return bytes.Replace(b, []byte("\x01\x0a\x00"), []byte("\x01\x0d\x0a\x00"), 1) }, "type byte 0x00"},
	{"EncryptionInfo garbage", header("EncryptionInfo", 0, "AES256;what;ever"), "encrypted, in a way that is not known"},
	{"EncryptionInfo like ours", header("EncryptionInfo", 0, "eyJjb3JlIjoidj0xIiwicmNwIjpbXSwibWFjIjoiIn0"), "encrypted"},
	{"records without fields", func(b []byte) []byte {
		return regexp.MustCompile(`(?s)<Fields>.*</Fields>`).ReplaceAll(b, []byte("<Fields></Fields>"))
	}, "none with 4 records"},
}

func TestHostile(t *testing.T) {
	good := hostileBase(t)
	if _, err := readAll(t, "good.qvd", good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.change(good)
			if bytes.Equal(file, good) {
				t.Fatal("nothing was changed")
			}
			checkRefused(t, file, tt.want)
		})
	}
	for element, count := range map[string]int{"BitOffset": 3, "BitWidth": 3, "Bias": 3, "NoOfSymbols": 3, "Offset": 4, "Length": 4, "RecordByteSize": 1, "NoOfRecords": 1} {
		for nth := range count {
			for _, value := range []string{"", "x", "1.5", "+1", "1e3", "0x10", "-7777777", "9223372036854775808", "99999999999999999999999", "١"} {
				t.Run(fmt.Sprintf("%s %d is %q", element, nth, value), func(t *testing.T) {
					checkRefused(t, header(element, nth, value)(good), element)
				})
			}
		}
	}
}

// checkRefused reads a file that cannot be read: the error names file and
// place and holds want, and memory stays in proportion.
func checkRefused(t *testing.T, file []byte, want string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cells, err := readAll(t, "h.qvd", file)
	runtime.ReadMemStats(&after)
	var bad *FormatError
	switch {
	case err == nil:
		t.Fatalf("read as %.300q", cells)
	case !errors.As(err, &bad):
		t.Fatalf("%T %v", err, err)
	case bad.File != "h.qvd" || bad.What == "" || bad.Offset < 0 || bad.Offset > int64(len(file)):
		t.Errorf("place %q, byte %d of %d, %q: %v", bad.File, bad.Offset, len(file), bad.What, err)
	case !strings.Contains(err.Error(), want) || len(err.Error()) > 500:
		t.Errorf("%v; want %q", err, want)
	}
	const fixed = 1 << 20 // the first read of a header, blocks of records
	if used := after.TotalAlloc - before.TotalAlloc; used > fixed+uint64(40*len(file)) {
		t.Errorf("%d bytes allocated for a file of %d", used, len(file))
	}
}

// A file cut anywhere, and any byte changed, gives an error or values, and
// never anything else.
func TestHostileBytes(t *testing.T) {
	good := hostileBase(t)
	body := bytes.IndexByte(good, 0) - len(endTag)
	for i := 0; i < len(good); i++ {
		if i > 100 && i < body {
			i += 6 // much of the header is alike
		}
		checkRefused(t, good[:i], "")
	}
	for i := range good {
		for _, value := range []byte{0, '9', good[i] ^ 1} {
			bad := bytes.Clone(good)
			bad[i] = value
			cells, err := readAll(t, "h.qvd", bad)
			if err == nil && len(cells) != 3 {
				t.Errorf("byte %d: %q", i, cells)
			}
		}
	}
}

// The header of 65 MiB: the search for its end is bounded.
func TestHostileHeaderSize(t *testing.T) {
	good := hostileBase(t)
	file := insert("<Fields>", "<x>"+strings.Repeat(" ", 65<<20)+"</x>")(good)
	checkRefused(t, file, "no </QvdTableHeader> in the first 67108864 bytes")
}

// Variants that are legal, if unusual, have the right values.
func TestLegalVariants(t *testing.T) {
	good := hostileBase(t)
	want, err := readAll(t, "good.qvd", good)
	if err != nil {
		t.Fatal(err)
	}
	b1 := slices.Clone(want)
	for _, tt := range []struct {
		name    string
		change  func([]byte) []byte
		column  int      // that differs
		cells   []string // of it, nil where none does
		warning string
	}{
		{"LF NUL", func(b []byte) []byte { return bytes.Replace(b, []byte("\r\n\x00"), []byte("\n\x00"), 1) }, 0, nil, ""},
		{"NUL at once", func(b []byte) []byte { return bytes.Replace(b, []byte("\r\n\x00"), []byte("\x00"), 1) }, 0, nil, ""},
		{"LF in the header", func(b []byte) []byte {
			head, rest, _ := bytes.Cut(b, []byte{0})
			return slices.Concat(bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n")), []byte{0}, rest)
		}, 0, nil, ""},
		{"byte order mark", func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) }, 0, nil, ""},
		{"unknown elements", all(insert("<Fields>", "<New><Offset>5</Offset><Fields/></New>"), insert("<BitOffset>", "<Extra a=\"1\"><BitWidth>9</BitWidth></Extra>")), 0, nil, ""},
		{"comments and CDATA", all(insert("<Fields>", "<!-- c -->"), header("Comment", 3, "<![CDATA[<b>]]>")), 0, nil, ""},
		{"no optional elements", all(without("Lineage", 0), without("Comment", 0), without("EncryptionInfo", 0), without("TableTags", 0), without("CreatorDoc", 0)), 0, nil, ""},
		{"other order", func(b []byte) []byte {
			b = without("BitWidth", 0)(b)
			return insert("</QvdFieldHeader>", "<BitWidth>2</BitWidth>")(b)
		}, 0, nil, ""},
		{"spaces around numbers", header("BitWidth", 0, " 2\n"), 0, nil, ""},
		{"trailing bytes", func(b []byte) []byte { return append(bytes.Clone(b), "more"...) }, 0, nil, "4 bytes follow"},
		{"gap bits", all(header("BitWidth", 1, "2")), 0, nil, "bits of a record"},
		{"Bias -1", all(header("Bias", 1, "-1"), body(-4, 1<<2), body(-3, 0|1), body(-2, 2<<2|2), body(-1, 1<<2)), 1, nil, "Bias is -1"},
		{"Bias -3", all(header("Bias", 1, "-3"), body(-4, 3<<2), body(-3, 2<<2|1), body(-2, 4<<2|2), body(-1, 3<<2)), 1, nil, "Bias is -3"},
		{"index -1", body(-3, 1<<2|1), 1, nil, "index -1 for NULL"},
		{"empty column of width 0", all(header("BitWidth", 2, "0"), header("NoOfSymbols", 2, "0"), header("Length", 2, "0")), 2, []string{"-", "-", "-", "-"}, ""},
		{"BitOffset of width 0", header("BitOffset", 2, "4000000000"), 0, nil, ""},
		{"type 0 as in old files", header("Type", 0, "0"), 0, nil, ""},
		{"unknown number format", header("Type", 0, "ROMAN"), 0, nil, ""},
		{"informal numbers", all(header("QvBuildNo", 0, "x"), header("SourceFileSize", 0, ""), header("nDec", 0, "many")), 0, nil, ""},
		{"unused symbol", body(-2, 3<<2|1), 0, []string{b1[0][0], b1[0][1], b1[0][1], b1[0][3]}, "1 of 3 are in no row"},
		{"duplicate symbol", body(6, 10), 0, []string{b1[0][0], b1[0][0], b1[0][2], b1[0][3]}, "same value as symbol 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.change(good)
			cells, err := readAll(t, "legal.qvd", file)
			if err != nil {
				t.Fatal(err)
			}
			w := slices.Clone(want)
			if tt.cells != nil {
				w[tt.column] = tt.cells
			}
			compare(t, tt.name, cells, w)
			report, err := openBytes(t, file, OpenOptions{}).Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			found := tt.warning == ""
			for _, warning := range report.Warnings {
				found = found || strings.Contains(warning.String(), tt.warning)
			}
			if !found {
				t.Errorf("warnings %v, want %q", report.Warnings, tt.warning)
			}
		})
	}
}

// A file that shrinks while it is open gives an error.
func TestShrinkingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.qvd")
	file := writeTable(t, randomTable(t, rand.New(rand.NewPCG(9, 9)), 5000, 3), WriteOptions{})
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t, path)
	if err := os.Truncate(path, int64(len(file)-10)); err != nil {
		t.Fatal(err)
	}
	var bad *FormatError
	if _, err := f.Table(t.Context(), storage.NewCatalog(nil), Projection{}); !errors.As(err, &bad) || !strings.Contains(err.Error(), "record") {
		t.Errorf("%v", err)
	}
	if _, err := Open(t.TempDir(), OpenOptions{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
}
