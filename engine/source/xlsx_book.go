package source

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// sharedTextMax bounds the texts of a workbook that are kept in memory.
const sharedTextMax = 1 << 30

// date1904 is what a workbook of the old Macintosh calendar lacks in days.
const date1904 = 1462

// A workbook is what the cells of a worksheet refer to.
type workbook struct {
	locale  *number.Locale
	sheets  []bookSheet
	texts   []string       // shared texts
	formats []*dual.Format // by cell style
	dates   []bool         // style shows a date
	shift   float64        // of dates, in days
}

type bookSheet struct{ name, part string }

// openWorkbook reads the parts that all sheets share.
func openWorkbook(z *zip.Reader, loc *number.Locale) (*workbook, error) {
	b := &workbook{locale: loc}
	main, err := relation(z, "", "/officeDocument")
	if err != nil {
		return nil, err
	}
	if err := b.readSheets(z, main); err != nil {
		return nil, err
	}
	styles, err := relation(z, main, "/styles")
	if err == nil {
		err = b.readStyles(z, styles)
	}
	if err != nil && !errors.Is(err, errNoPart) {
		return nil, err
	}
	texts, err := relation(z, main, "/sharedStrings")
	if err == nil {
		err = b.readTexts(z, texts)
	}
	if err != nil && !errors.Is(err, errNoPart) {
		return nil, err
	}
	return b, nil
}

// sheet returns the part of a sheet by its name, by @n or, without a name, the
// first one.
func (b *workbook) sheet(name string) (string, error) {
	if len(b.sheets) == 0 {
		return "", fmt.Errorf("workbook without sheets: %w", ErrFormat)
	}
	if name == "" {
		return b.sheets[0].part, nil
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "@")); name[0] == '@' && err == nil && n >= 1 && n <= len(b.sheets) {
		return b.sheets[n-1].part, nil
	}
	plain := strings.TrimSuffix(strings.Trim(name, "'"), "$")
	for _, same := range []func(string) bool{
		func(s string) bool { return s == name },
		func(s string) bool { return strings.EqualFold(s, plain) },
	} {
		for _, s := range b.sheets {
			if same(s.name) {
				return s.part, nil
			}
		}
	}
	return "", fmt.Errorf("no sheet %q", name)
}

// label returns the text of a cell that holds a name.
func (b *workbook) label(c xlsxCell) string {
	v := b.value(c)
	return b.locale.Text(v)
}

// value returns the value of a cell.
func (b *workbook) value(c xlsxCell) dual.Value {
	switch c.kind {
	case "s":
		if i, err := strconv.Atoi(c.text); err == nil && i >= 0 && i < len(b.texts) {
			return dual.String(b.texts[i])
		}
		return dual.Value{}
	case "str", "inlineStr":
		return dual.String(c.text)
	case "b":
		if c.text == "1" {
			return dual.New("TRUE", -1)
		}
		return dual.New("FALSE", 0)
	case "e":
		return dual.Value{}
	case "d":
		return b.locale.Interpret(c.text)
	}
	x, ok := sheetNumber(c.text)
	if !ok {
		return dual.String(c.text)
	}
	var f *dual.Format
	if c.style >= 0 && c.style < len(b.formats) {
		f = b.formats[c.style]
		if b.dates[c.style] {
			x += b.shift
		}
	}
	return dual.Formatted(x, f)
}

// sheetNumber reads a number as the original does, whose result may be off in
// the last place: the decimals are added one by one, each divided by its power
// of ten. 0.48 becomes 0.48000000000000004, as keys and sums of apps that
// were made of workbooks have it (56 of 56 numbers of script truth s11).
func sheetNumber(text string) (x float64, ok bool) {
	if _, err := strconv.ParseFloat(text, 64); err != nil || strings.ContainsAny(text, "xXpPnN_") {
		return 0, false
	}
	digits, exponent := strings.TrimLeft(text, "+-"), 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		exponent, _ = strconv.Atoi(digits[i+1:]) // ParseFloat has seen it
		digits = digits[:i]
	}
	whole, decimals, _ := strings.Cut(digits, ".")
	x, _ = strconv.ParseFloat("0"+whole, 64)
	power := 1.0
	for _, d := range []byte(decimals) {
		power *= 10
		x += float64(d-'0') / power
	}
	if text[0] == '-' {
		x = -x
	}
	if exponent != 0 {
		x *= math.Pow10(exponent)
	}
	return x, !math.IsInf(x, 0)
}

func (b *workbook) readSheets(z *zip.Reader, main string) error {
	rels, err := relations(z, main)
	if err != nil {
		return err
	}
	targets := make(map[string]string, len(rels))
	for _, r := range rels {
		targets[r.id] = r.target
	}
	return eachElement(z, main, func(e xml.StartElement, _ func() (string, error)) error {
		switch e.Name.Local {
		case "workbookPr":
			if v := attribute(e, "date1904"); v == "1" || v == "true" {
				b.shift = date1904
			}
		case "sheet":
			for _, a := range e.Attr {
				if a.Name.Local == "id" && a.Name.Space != "" {
					b.sheets = append(b.sheets, bookSheet{attribute(e, "name"), targets[a.Value]})
				}
			}
		}
		return nil
	})
}

func (b *workbook) readTexts(z *zip.Reader, part string) error {
	size := 0
	var text strings.Builder
	open, phonetic := false, false
	flush := func() {
		if open {
			b.texts = append(b.texts, text.String())
		}
		text.Reset()
	}
	err := eachElement(z, part, func(e xml.StartElement, content func() (string, error)) error {
		switch e.Name.Local {
		case "si":
			flush()
			open, phonetic = true, false
		case "rPh": // pronunciation, not content; it stands behind the text
			phonetic = true
		case "r":
			phonetic = false
		case "t":
			s, err := content()
			if err != nil {
				return err
			}
			if size += len(s) + 16; size > sharedTextMax {
				return fmt.Errorf("more than %d bytes of texts: %w", sharedTextMax, ErrFormat)
			}
			if !phonetic {
				text.WriteString(s)
			}
		}
		return nil
	})
	flush()
	return err
}

func (b *workbook) readStyles(z *zip.Reader, part string) error {
	custom := map[int]string{}
	kinds := xlsxFormats(b.locale)
	inCells := false
	return eachElement(z, part, func(e xml.StartElement, _ func() (string, error)) error {
		id, err := strconv.Atoi(attribute(e, "numFmtId"))
		switch e.Name.Local {
		case "numFmt":
			if err == nil {
				custom[id] = attribute(e, "formatCode")
			}
		case "cellXfs":
			inCells = true
		case "cellStyles", "cellStyleXfs", "dxfs":
			inCells = false
		case "xf":
			if inCells {
				f := kinds.format(id, custom[id])
				b.formats = append(b.formats, f)
				b.dates = append(b.dates, f == kinds.date || f == kinds.timestamp)
			}
		}
		return nil
	})
}

var errNoPart = errors.New("part is missing")

// A part of the package, bounded in what it unpacks to.
type part struct {
	io.Reader
	io.Closer
	stored int64
}

func openPart(z *zip.Reader, name string) (*part, error) {
	for _, f := range z.File {
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		stored := int64(f.CompressedSize64)
		left := stored*expansionMax + expansionFree
		limited := readerFunc(func(p []byte) (int, error) {
			n, err := r.Read(p)
			if left -= int64(n); left < 0 {
				return 0, fmt.Errorf("%s unpacks to too much: %w", name, ErrFormat)
			}
			return n, err
		})
		return &part{limited, r, stored}, nil
	}
	return nil, fmt.Errorf("%s: %w: %w", name, errNoPart, ErrFormat)
}

// eachElement calls f for every element of a part; content reads the text up
// to the element's end.
func eachElement(z *zip.Reader, name string, f func(e xml.StartElement, content func() (string, error)) error) error {
	p, err := openPart(z, name)
	if err != nil {
		return err
	}
	defer p.Close()
	d := xml.NewDecoder(p)
	content := func() (string, error) {
		var text []byte
		for {
			t, err := d.RawToken()
			if err != nil {
				return "", err
			}
			switch t := t.(type) {
			case xml.CharData:
				text = append(text, t...)
			case xml.EndElement:
				return string(text), nil
			}
		}
	}
	for {
		t, err := d.RawToken()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := f(e, content); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
}

// A partRelation leads from a part to another one.
type partRelation struct{ id, kind, target string }

// relations returns the relations of a part; of the package for "".
func relations(z *zip.Reader, of string) (rels []partRelation, err error) {
	name := path.Join(path.Dir(of), "_rels", path.Base(of)+".rels")
	if of == "" {
		name = "_rels/.rels"
	}
	err = eachElement(z, name, func(e xml.StartElement, _ func() (string, error)) error {
		if e.Name.Local == "Relationship" {
			target := attribute(e, "Target")
			if strings.HasPrefix(target, "/") {
				target = target[1:]
			} else {
				target = path.Join(path.Dir(of), target)
			}
			rels = append(rels, partRelation{attribute(e, "Id"), attribute(e, "Type"), target})
		}
		return nil
	})
	return rels, err
}

// relation returns the part to which a relation of a kind leads, by the end of
// the kind's name: the strict and the usual form of the format differ before.
func relation(z *zip.Reader, of, kind string) (string, error) {
	rels, err := relations(z, of)
	if err != nil {
		return "", err
	}
	for _, r := range rels {
		if strings.HasSuffix(r.kind, kind) {
			return r.target, nil
		}
	}
	return "", fmt.Errorf("%s: %w: %w", kind[1:], errNoPart, ErrFormat)
}
