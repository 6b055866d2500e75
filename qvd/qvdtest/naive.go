// Package qvdtest is a second reader of QVD files, for tests: it shares no code
// with package qvd and is as simple as can be.
package qvdtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// A File is what the reader finds: by regular expressions in the header, by
// big integers in the records. It trusts its input.
//
// Cells are lines like those of a column digest: "-" for NULL, else the
// double's bits in hex or nothing, "|", and the text or "~" for none.
type File struct {
	Names                     []string // of the fields, as what follows
	BitOffset, BitWidth, Bias []int
	Symbols                   [][]string // distinct cells
	Cells                     [][]string // one per row
	RecordBytes               int
	Rows                      int
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

// Read reads a file, which package qvd accepts.
func Read(file []byte) (n *File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("naive reader: %v", p)
		}
	}()
	n = &File{}
	head, body, _ := bytes.Cut(file, []byte("</QvdTableHeader>"))
	_, body, _ = bytes.Cut(body, []byte{0})
	root := fieldsPattern.ReplaceAllString(string(head), "")
	n.RecordBytes, n.Rows = integer(root, "RecordByteSize"), integer(root, "NoOfRecords")
	records := body[integer(root, "Offset"):][:n.Rows*n.RecordBytes]
	for _, f := range fieldPattern.FindAllString(string(head), -1) {
		n.field(f, body, records)
	}
	return n, nil
}

func (n *File) field(f string, body, records []byte) {
	n.Names = append(n.Names, element(f, "FieldName"))
	offset, width, bias := integer(f, "BitOffset"), integer(f, "BitWidth"), integer(f, "Bias")
	n.BitOffset, n.BitWidth, n.Bias = append(n.BitOffset, offset), append(n.BitWidth, width), append(n.Bias, bias)
	symbols := readSymbols(body[integer(f, "Offset"):][:integer(f, "Length")], integer(f, "NoOfSymbols"))
	n.Symbols = append(n.Symbols, symbols)
	cells := make([]string, n.Rows)
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(width)), big.NewInt(1))
	for r := range cells {
		record := bytes.Clone(records[r*n.RecordBytes:][:n.RecordBytes])
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
	n.Cells = append(n.Cells, cells)
}

func readSymbols(b []byte, count int) (symbols []string) {
	for range count {
		t := b[0]
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

// Digest is the columnDigest of the expected files.
func Digest(cells []string) string {
	h := sha256.New()
	for _, c := range cells {
		h.Write([]byte(c + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// CheckLayout holds the file against the invariants of those that engines
// write (format reference, sections 1, 3 and 4.1).
func (n *File) CheckLayout(file []byte) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	head, body, _ := bytes.Cut(file, []byte("</QvdTableHeader>"))
	if !bytes.HasPrefix(body, []byte("\r\n\x00")) {
		bad("the header ends with % x", body[:3])
	}
	body = body[3:]
	root := fieldsPattern.ReplaceAllString(string(head), "")
	at, bits := 0, 0
	for i, f := range fieldPattern.FindAllString(string(head), -1) {
		if got := integer(f, "Offset"); got != at {
			bad("field %d: symbols at %d, want %d", i, got, at)
		}
		at += integer(f, "Length")
		if w := n.BitWidth[i]; w > 0 && (n.BitOffset[i] != bits || bits%8+w > 32) {
			bad("field %d: bits %d+%d, want them at %d and in one window", i, n.BitOffset[i], w, bits)
		}
		bits += n.BitWidth[i]
		if err := n.checkSymbols(i); err != nil {
			bad("field %d: %w", i, err)
		}
	}
	if len(n.Names) > 0 && bits != 8*n.RecordBytes {
		bad("%d bits in records of %d bytes", bits, n.RecordBytes)
	}
	if integer(root, "Offset") != at || integer(root, "Length") != n.Rows*n.RecordBytes || len(body) != at+n.Rows*n.RecordBytes {
		bad("records at %d, %d bytes, the body has %d", integer(root, "Offset"), integer(root, "Length"), len(body))
	}
	return errors.Join(errs...)
}

// checkSymbols tells whether symbols are used, unique, and in the order of
// their first rows, and NULL is told by the bias.
func (n *File) checkSymbols(i int) error {
	var order []string
	seen, numbers, bias := map[string]bool{}, map[string]bool{}, 0
	for _, c := range n.Cells[i] {
		if c == "-" {
			bias = -2
		} else if !seen[c] {
			seen[c] = true
			order = append(order, c)
		}
	}
	if strings.Join(order, "\n") != strings.Join(n.Symbols[i], "\n") {
		return fmt.Errorf("symbols %.200q, the rows give %.200q", n.Symbols[i], order)
	}
	for _, s := range order {
		number, _, _ := strings.Cut(s, "|")
		if number != "" && numbers[number] {
			return fmt.Errorf("the number of %q is there twice", s)
		}
		numbers[number] = true
	}
	if n.Bias[i] != bias {
		return fmt.Errorf("bias %d, want %d", n.Bias[i], bias)
	}
	return nil
}
