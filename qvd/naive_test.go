package qvd

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// naive is a second reader that shares no code with the package: regular
// expressions for the header, big integers for the records. It trusts its
// input. Cells are lines like those of a column digest: "-" for NULL, else
// the double's bits in hex or nothing, "|", and the text or "~".
type naive struct {
	names       []string
	offset      []int // BitOffset, BitWidth, Bias, of each field
	width, bias []int
	symbols     [][]string
	types       []map[string]int
	recordBytes int
	rows        int
	cells       [][]string // of each field
}

var (
	fieldPattern  = regexp.MustCompile(`(?s)<QvdFieldHeader>.*?</QvdFieldHeader>`)
	fieldsPattern = regexp.MustCompile(`(?s)<Fields>.*</Fields>`)
)

// element returns the text of the first element of that name.
func element(xml, name string) string {
	m := regexp.MustCompile(`(?s)<` + name + `>(.*?)</` + name + `>`).FindStringSubmatch(xml)
	if m == nil {
		return ""
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#13;", "\r", "&amp;", "&").Replace(m[1])
}

func integer(xml, name string) int {
	n, err := strconv.Atoi(element(xml, name))
	if err != nil {
		panic(err)
	}
	return n
}

func readNaive(file []byte) (n *naive, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("naive reader: %v", p)
		}
	}()
	n = &naive{}
	head, body, _ := bytes.Cut(file, []byte("</QvdTableHeader>"))
	_, body, _ = bytes.Cut(body, []byte{0})
	root := fieldsPattern.ReplaceAllString(string(head), "")
	n.recordBytes, n.rows = integer(root, "RecordByteSize"), integer(root, "NoOfRecords")
	records := body[integer(root, "Offset"):][:n.rows*n.recordBytes]
	for _, f := range fieldPattern.FindAllString(string(head), -1) {
		n.field(f, body, records)
	}
	return n, nil
}

func (n *naive) field(f string, body, records []byte) {
	n.names = append(n.names, element(f, "FieldName"))
	offset, width, bias := integer(f, "BitOffset"), integer(f, "BitWidth"), integer(f, "Bias")
	n.offset, n.width, n.bias = append(n.offset, offset), append(n.width, width), append(n.bias, bias)
	types := map[string]int{}
	symbols := naiveSymbols(body[integer(f, "Offset"):][:integer(f, "Length")], integer(f, "NoOfSymbols"), types)
	n.symbols, n.types = append(n.symbols, symbols), append(n.types, types)
	cells := make([]string, n.rows)
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(width)), big.NewInt(1))
	for r := range cells {
		record := bytes.Clone(records[r*n.recordBytes:][:n.recordBytes])
		for i, j := 0, len(record)-1; i < j; i, j = i+1, j-1 {
			record[i], record[j] = record[j], record[i]
		}
		x := new(big.Int).SetBytes(record)
		x.Rsh(x, uint(offset)).And(x, mask)
		k := int(x.Int64()) + bias
		cells[r] = "-"
		if k >= 0 && (width > 0 || len(symbols) > 0) {
			cells[r] = symbols[k]
		}
	}
	n.cells = append(n.cells, cells)
}

func naiveSymbols(b []byte, count int, types map[string]int) (symbols []string) {
	for range count {
		t := b[0]
		types[fmt.Sprint(t)]++
		b = b[1:]
		number, text := "", "~"
		switch t {
		case 1, 5:
			number = fmt.Sprintf("%016x", math.Float64bits(float64(int32(binary.LittleEndian.Uint32(b)))))
			b = b[4:]
		case 2, 6:
			number = fmt.Sprintf("%016x", binary.LittleEndian.Uint64(b))
			b = b[8:]
		case 4:
		default:
			panic(fmt.Sprintf("type %d", t))
		}
		if t >= 4 {
			i := bytes.IndexByte(b, 0)
			text, b = string(b[:i]), b[i+1:]
		}
		symbols = append(symbols, number+"|"+text)
	}
	if len(b) > 0 {
		panic("bytes are left")
	}
	return symbols
}

// digest is the columnDigest of the expected files.
func digest(cells []string) string {
	h := sha256.New()
	for _, c := range cells {
		h.Write([]byte(c + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// checkLayout holds a file that we wrote against the invariants of those that
// engines write (format reference, sections 1, 3 and 4.1).
func (n *naive) checkLayout(t *testing.T, file []byte) {
	t.Helper()
	head, body, _ := bytes.Cut(file, []byte("</QvdTableHeader>"))
	if !bytes.HasPrefix(body, []byte("\r\n\x00")) {
		t.Errorf("the header ends with % x", body[:3])
	}
	body = body[3:]
	root := fieldsPattern.ReplaceAllString(string(head), "")
	at, bits, next := 0, 0, 0
	for i, f := range fieldPattern.FindAllString(string(head), -1) {
		if got := integer(f, "Offset"); got != at {
			t.Errorf("field %d: symbols at %d, want %d", i, got, at)
		}
		at += integer(f, "Length")
		bits += n.width[i]
		if n.width[i] > 0 {
			if n.offset[i] != next || n.offset[i]%8+n.width[i] > 32 {
				t.Errorf("field %d: bits %d+%d, want them at %d and in one window", i, n.offset[i], n.width[i], next)
			}
			next += n.width[i]
		}
		n.checkSymbols(t, i)
	}
	if len(n.names) > 0 && bits != 8*n.recordBytes {
		t.Errorf("%d bits in records of %d bytes", bits, n.recordBytes)
	}
	if integer(root, "Offset") != at || integer(root, "Length") != n.rows*n.recordBytes || len(body) != at+n.rows*n.recordBytes {
		t.Errorf("records at %d, %d bytes, the body has %d", integer(root, "Offset"), integer(root, "Length"), len(body))
	}
}

// checkSymbols tells whether symbols are used, unique, and in the order of
// their first rows, and NULL is told by the bias.
func (n *naive) checkSymbols(t *testing.T, i int) {
	t.Helper()
	var order []string
	seen, numbers, null := map[string]bool{}, map[string]bool{}, false
	for _, c := range n.cells[i] {
		if c == "-" {
			null = true
		} else if !seen[c] {
			seen[c] = true
			order = append(order, c)
		}
	}
	if strings.Join(order, "\n") != strings.Join(n.symbols[i], "\n") {
		t.Errorf("field %d: symbols %.200q, the rows give %.200q", i, n.symbols[i], order)
	}
	for _, s := range order {
		number, _, _ := strings.Cut(s, "|")
		if number != "" && numbers[number] {
			t.Errorf("field %d: the number of %q is there twice", i, s)
		}
		numbers[number] = true
	}
	if want := map[bool]int{true: -2, false: 0}[null]; n.bias[i] != want {
		t.Errorf("field %d: bias %d, want %d", i, n.bias[i], want)
	}
}
