package source

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Sizes of a worksheet by the standard.
const (
	sheetRowsMax    = 1 << 20
	sheetColumnsMax = 1 << 14
)

// An xlsxCell is a cell that has content.
type xlsxCell struct {
	column int    // from 0
	kind   string // attribute t: "" or n number, s shared text, str, inlineStr, b, e, d
	style  int    // attribute s
	text   string // of the value, as stored
}

// sheetRows iterates over the rows of a worksheet part.
type sheetRows struct {
	d     *xml.Decoder
	row   int // number of the last row, from 1
	cells []xlsxCell
	done  bool
}

// next returns the number of the next row and its cells that have content,
// in order. They are good until the next call.
func (s *sheetRows) next() (row int, cells []xlsxCell, err error) {
	for !s.done {
		t, err := s.d.RawToken()
		if err != nil {
			return 0, nil, sheetError(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "row" {
				return s.readRow(t)
			}
		case xml.EndElement:
			s.done = t.Name.Local == "sheetData"
		}
	}
	return 0, nil, io.EOF
}

func (s *sheetRows) readRow(start xml.StartElement) (row int, cells []xlsxCell, err error) {
	number := s.row + 1
	if r := attribute(start, "r"); r != "" {
		if number, err = strconv.Atoi(r); err != nil || number <= s.row || number > sheetRowsMax {
			return 0, nil, fmt.Errorf("row number %q after row %d: %w", r, s.row, ErrFormat)
		}
	}
	s.row, s.cells = number, s.cells[:0]
	column := -1
	for {
		t, err := s.d.RawToken()
		if err != nil {
			return 0, nil, sheetError(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			c, err := s.readCell(t, column+1)
			if err != nil {
				return 0, nil, err
			}
			if c.column <= column || c.column >= sheetColumnsMax {
				return 0, nil, fmt.Errorf("row %d: cell in column %d after column %d: %w", number, c.column+1, column+1, ErrFormat)
			}
			if column = c.column; c.text != "" {
				s.cells = append(s.cells, c)
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				return number, s.cells, nil
			}
		}
	}
}

// readCell reads up to the end of a c element. next is its column if it does
// not say.
func (s *sheetRows) readCell(start xml.StartElement, next int) (xlsxCell, error) {
	c := xlsxCell{column: next, kind: attribute(start, "t")}
	if ref := attribute(start, "r"); ref != "" {
		c.column = columnOf(ref)
	}
	c.style, _ = strconv.Atoi(attribute(start, "s")) // a bad one is the default style
	var text strings.Builder
	inside := false // of v, or of t in is
	for {
		t, err := s.d.RawToken()
		if err != nil {
			return c, sheetError(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			inside = t.Name.Local == "v" || t.Name.Local == "t"
		case xml.CharData:
			if inside {
				text.Write(t)
			}
		case xml.EndElement:
			inside = false
			if t.Name.Local == "c" {
				c.text = text.String()
				return c, nil
			}
		}
	}
}

// columnOf returns the column of a reference such as AB12, from 0; -1 if it
// has no letters.
func columnOf(ref string) int {
	n := 0
	for i := 0; i < len(ref) && n < sheetColumnsMax; i++ {
		c := ref[i] &^ 0x20 // upper case
		if c < 'A' || c > 'Z' {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

func sheetError(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("worksheet is cut off: %w", ErrFormat)
	}
	return fmt.Errorf("worksheet: %w", err)
}
