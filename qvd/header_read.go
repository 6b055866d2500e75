package qvd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

const (
	// headerBytesMax bounds the search for the end of the header.
	headerBytesMax = 64 << 20
	// depthMax bounds the nesting of elements; known ones go five deep.
	depthMax = 32
)

const endTag = "</QvdTableHeader>"

// positions remember where elements stand, for messages.
type positions struct {
	rootAt map[string]int64
	fields []int64
	info   [2]int64 // first byte of the text of EncryptionInfo, and the one behind it
}

func (p *positions) root(element, format string, args ...any) error {
	return &FormatError{Offset: p.rootAt[element], What: "header, " + element, Err: fmt.Errorf(format, args...)}
}

func (p *positions) field(h *Header, i int, element, format string, args ...any) error {
	return &FormatError{Offset: p.fields[i], What: fmt.Sprintf("header, field %d %s, %s", i, quote(h.Fields[i].Name), element), Err: fmt.Errorf(format, args...)}
}

// findHeader returns the bytes of the header up to its NUL, which it must
// have. r has size bytes.
func findHeader(r io.ReaderAt, size int64) ([]byte, error) {
	const step = 64 << 10
	var buf []byte
	from := 0 // nothing to be found before
	for limit := min(size, headerBytesMax); ; {
		n := min(max(step, int64(len(buf))), limit-int64(len(buf)))
		if n <= 0 {
			return nil, noEnd(buf, size)
		}
		at := len(buf)
		buf = append(buf, make([]byte, n)...)
		if got, err := r.ReadAt(buf[at:], int64(at)); got < len(buf)-at {
			return nil, &FormatError{Offset: int64(at + got), What: "header", Err: readError(err)}
		}
		if at == 0 {
			if err := sniff(buf); err != nil {
				return nil, err
			}
		}
		if i := bytes.Index(buf[from:], []byte(endTag)); i >= 0 {
			return terminate(r, size, buf, from+i+len(endTag))
		}
		from = max(0, len(buf)-len(endTag)+1)
	}
}

// readError is never nil and never a bare io.EOF.
func readError(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func noEnd(buf []byte, size int64) error {
	if len(buf) == 0 {
		return &FormatError{What: "header", Err: fmt.Errorf("%w: the file is empty", ErrNotQVD)}
	}
	if size > int64(len(buf)) {
		return &FormatError{Offset: int64(len(buf)), What: "header", Err: fmt.Errorf("no %s in the first %d bytes", endTag, len(buf))}
	}
	return &FormatError{Offset: size, What: "header", Err: fmt.Errorf("the file ends before %s", endTag)}
}

// terminate returns the header whose end tag ends at end: line ends may
// follow, and a NUL must.
func terminate(r io.ReaderAt, size int64, buf []byte, end int) ([]byte, error) {
	tail := make([]byte, min(4, size-int64(end)))
	if n, err := r.ReadAt(tail, int64(end)); n < len(tail) {
		return nil, &FormatError{Offset: int64(end + n), What: "end of header", Err: readError(err)}
	}
	i := 0
	for i < len(tail) && i < 3 && (tail[i] == '\r' || tail[i] == '\n') {
		i++
	}
	if i == len(tail) {
		return nil, &FormatError{Offset: int64(end + i), What: "end of header", Err: errors.New("the file ends before the NUL")}
	}
	if tail[i] != 0 {
		return nil, &FormatError{Offset: int64(end + i), What: "end of header", Err: fmt.Errorf("byte 0x%02x where NUL belongs", tail[i])}
	}
	return append(buf[:end:end], tail[:i+1]...), nil
}

// sniff tells by its first bytes what a file is that is no QVD.
func sniff(b []byte) error {
	not := func(what string) error {
		return &FormatError{What: "header", Err: fmt.Errorf("%w: %s", ErrNotQVD, what)}
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(b, []byte("version https://git-lfs")):
		return not("it is a Git LFS pointer; fetch the file itself (git lfs pull)")
	case bytes.HasPrefix(b, []byte{0xff, 0xff, 0x01, 0x00}):
		return not("it is a container like a QVF file (an early Qlik Sense QVD or an app)")
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return not("it is a zip archive")
	case bytes.HasPrefix(b, []byte("PAR1")):
		return not("it is a Parquet file")
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return not("it is UTF-16 text")
	case !bytes.HasPrefix(text, []byte("<")):
		return not("it begins with " + quote(b[:min(len(b), 24)]))
	}
	return nil
}

// parseHeader reads the header's XML. Elements may come in any order, unknown
// ones are skipped; document types and entities but the five are refused. The
// error is a *FormatError without file name.
func parseHeader(b []byte) (*Header, *positions, error) {
	h := &Header{SizeBytes: int64(len(b))}
	b = b[:bytes.LastIndex(b, []byte(endTag))+len(endTag)]
	p := &headerParser{
		h: h, at: &positions{rootAt: map[string]int64{}},
		d:    xml.NewDecoder(bytes.NewReader(b)),
		seen: map[string]bool{},
	}
	for {
		p.offset = p.d.InputOffset()
		token, err := p.d.Token()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.token(token)
		} else {
			p.offset, err = p.d.InputOffset(), xmlError(err)
		}
		if err != nil {
			return nil, nil, p.wrap(err)
		}
	}
	if err := p.missing("QvdTableHeader/", rootNumbers[:], "header"); err != nil {
		return nil, nil, p.wrap(err)
	}
	return h, p.at, nil
}

// xmlError is an error of the XML decoder without what it repeats of long
// names.
func xmlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "XML syntax error on ")
	if len(text) > 2*quoteMax {
		text = strings.ToValidUTF8(text[:2*quoteMax], "") + "…"
	}
	return errors.New("XML: " + text)
}

type headerParser struct {
	h      *Header
	at     *positions
	d      *xml.Decoder
	path   []string // open elements
	text   strings.Builder
	leaf   bool            // no element inside the open one yet
	seen   map[string]bool // paths; those of a field are forgotten at its end
	offset int64           // of the current token
}

func (p *headerParser) wrap(err error) error {
	var f *FormatError
	if errors.As(err, &f) {
		return err
	}
	what := "header"
	if n := len(p.h.Fields); n > 0 && slices.Contains(p.path, "QvdFieldHeader") {
		what = fmt.Sprintf("header, field %d %s", n-1, quote(p.h.Fields[n-1].Name))
	}
	return &FormatError{Offset: p.offset, What: what, Err: err}
}

func (p *headerParser) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.Directive:
		return fmt.Errorf("<!%s: document types are not allowed", quote(t))
	case xml.StartElement:
		return p.start(t.Name.Local)
	case xml.CharData:
		if p.leaf {
			p.text.Write(t)
		}
	case xml.EndElement:
		return p.end()
	}
	return nil
}

const (
	fieldPath  = "QvdTableHeader/Fields/QvdFieldHeader"
	formatPath = fieldPath + "/NumberFormat/"
	sourcePath = "QvdTableHeader/Lineage/LineageInfo"
	infoPath   = "QvdTableHeader/EncryptionInfo"
)

// rootNumbers and fieldNumbers are elements that must be there.
var (
	rootNumbers  = [...]string{"RecordByteSize", "NoOfRecords", "Offset", "Length", "Fields"}
	fieldNumbers = [...]string{"FieldName", "BitOffset", "BitWidth", "Bias", "NoOfSymbols", "Offset", "Length"}
)

func (p *headerParser) start(name string) error {
	if len(p.path) == 0 && name != "QvdTableHeader" {
		return fmt.Errorf("%w: the XML is of %s", ErrNotQVD, quote(name))
	}
	if len(p.path) >= depthMax {
		return fmt.Errorf("elements nest more than %d deep", depthMax)
	}
	p.path = append(p.path, name)
	p.text.Reset()
	p.leaf = true
	switch path := p.where(); path {
	case fieldPath:
		p.h.Fields = append(p.h.Fields, Field{})
		p.at.fields = append(p.at.fields, p.offset)
	case sourcePath:
		p.h.Lineage = append(p.h.Lineage, Lineage{})
		delete(p.seen, sourcePath+"/Discriminator")
		delete(p.seen, sourcePath+"/Statement")
	default:
		return p.once(path)
	}
	return nil
}

// once refuses a known element that comes twice.
func (p *headerParser) once(path string) error {
	if len(p.path) == 2 {
		p.at.rootAt[p.path[1]] = p.offset
	}
	if path == infoPath {
		p.at.info[0] = p.d.InputOffset()
	}
	known := p.target(path) != nil || path == "QvdTableHeader/Fields" || path == "QvdTableHeader"
	if !known || strings.HasSuffix(path, "/String") {
		return nil
	}
	if p.seen[path] {
		return fmt.Errorf("%s is there twice", p.path[len(p.path)-1])
	}
	p.seen[path] = true
	return nil
}

func (p *headerParser) where() string {
	if len(p.path) > 5 {
		return "" // nothing known is so deep
	}
	return strings.Join(p.path, "/")
}

func (p *headerParser) end() error {
	path := p.where()
	name := p.path[len(p.path)-1]
	if path == fieldPath {
		if err := p.missing(fieldPath+"/", fieldNumbers[:], "field"); err != nil {
			return err
		}
		for known := range p.seen {
			if strings.HasPrefix(known, fieldPath) {
				delete(p.seen, known)
			}
		}
	}
	if path == infoPath {
		p.at.info[1] = p.offset
	}
	leaf := p.leaf
	p.leaf = false
	p.path = p.path[:len(p.path)-1]
	target := p.target(path)
	if target == nil {
		return nil
	}
	if !leaf {
		return fmt.Errorf("%s: elements where text belongs", name)
	}
	if err := assign(target, p.text.String(), name == "Bias"); err != nil {
		p.path = append(p.path, name) // for the message
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (p *headerParser) missing(prefix string, names []string, what string) error {
	for _, name := range names {
		if !p.seen[prefix+name] {
			return fmt.Errorf("the %s has no %s", what, name)
		}
	}
	return nil
}

// assign stores the text of an element in target, a *string, *[]string or
// *int64.
func assign(target any, text string, signed bool) (err error) {
	switch t := target.(type) {
	case *string:
		*t = text
	case *[]string:
		*t = append(*t, text)
	case *int64:
		*t, err = parseNumber(strings.TrimSpace(text), signed)
	}
	return err
}

// parseNumber reads a decimal number; only signed ones may be negative.
func parseNumber(text string, signed bool) (int64, error) {
	digits := text
	if signed {
		digits = strings.TrimPrefix(text, "-")
	}
	if digits == "" {
		return 0, fmt.Errorf("%s is no number", quote(text))
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, fmt.Errorf("%s is no number of digits", quote(text))
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s does not fit 63 bits", quote(text))
	}
	return n, nil
}

// target returns where the text of an element belongs, nil if it is not kept.
func (p *headerParser) target(path string) any {
	switch {
	case strings.HasPrefix(path, fieldPath+"/"):
		return p.fieldTarget(path[len(fieldPath)+1:])
	case strings.HasPrefix(path, sourcePath+"/"):
		last := &p.h.Lineage[len(p.h.Lineage)-1]
		switch path[len(sourcePath)+1:] {
		case "Discriminator":
			return &last.Discriminator
		case "Statement":
			return &last.Statement
		}
		return nil
	case strings.HasPrefix(path, "QvdTableHeader/"):
		return p.rootTarget(path[len("QvdTableHeader/"):])
	}
	return nil
}

func (p *headerParser) rootTarget(element string) any {
	h := p.h
	switch element {
	case "QvBuildNo":
		return &h.BuildNo
	case "CreatorDoc":
		return &h.CreatorDoc
	case "CreateUtcTime":
		return &h.CreateUTCTime
	case "SourceCreateUtcTime":
		return &h.SourceCreateUTCTime
	case "SourceFileUtcTime":
		return &h.SourceFileUTCTime
	case "SourceFileSize":
		return &h.SourceFileSize
	case "StaleUtcTime":
		return &h.StaleUTCTime
	case "TableName":
		return &h.TableName
	case "Compression":
		return &h.Compression
	case "RecordByteSize":
		return &h.RecordBytes
	case "NoOfRecords":
		return &h.Rows
	case "Offset":
		return &h.Offset
	case "Length":
		return &h.Length
	case "Comment":
		return &h.Comment
	case "EncryptionInfo":
		return &h.EncryptionInfo
	case "TableTags/String":
		return &h.TableTags
	}
	return nil
}

func (p *headerParser) fieldTarget(element string) any {
	f := &p.h.Fields[len(p.h.Fields)-1]
	n := &f.NumberFormat
	switch element {
	case "FieldName":
		return &f.Name
	case "BitOffset":
		return &f.BitOffset
	case "BitWidth":
		return &f.BitWidth
	case "Bias":
		return &f.Bias
	case "NoOfSymbols":
		return &f.Symbols
	case "Offset":
		return &f.Offset
	case "Length":
		return &f.Length
	case "Comment":
		return &f.Comment
	case "Tags/String":
		return &f.Tags
	case "NumberFormat/Type":
		return &n.Type
	case "NumberFormat/nDec":
		return &n.Decimals
	case "NumberFormat/UseThou":
		return &n.UseThou
	case "NumberFormat/Fmt":
		return &n.Pattern
	case "NumberFormat/Dec":
		return &n.Decimal
	case "NumberFormat/Thou":
		return &n.Thousand
	}
	return nil
}
