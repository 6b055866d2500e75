package source

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// A dialect says how delimited text is cut into records and cells.
//
// A record ends at the end of a line outside quotes. A cell is quoted where
// its first character but blanks is a double quote and the next double quote
// that is not doubled is its last one; a doubled quote means one. If something
// follows the closing quote, the cell is taken as it is, quotes included. A
// standard quote that is not closed in its line is an ordinary character.
type dialect struct {
	delimiter string
	spaces    bool // any number of blanks delimit
	quotes    QuoteMode
	tabs      bool // tabs around a cell are blanks too (INLINE)
	verbatim  bool
	comment   string
	newline   byte      // '\n', or '\r' in files that have no '\n'
	stops     [256]bool // bytes that may end a run of ordinary characters
	single    int       // the delimiter if it is one byte that does not collapse, else -1
}

// A span is a cell: n bytes of the chunk from lo on. Doubled quotes inside are
// to be undoubled where the bit escaped of n is set. It is 8 bytes because
// writing and reading spans is much of the cost of a short cell.
type span struct{ lo, n uint32 }

const escaped = 1 << 31

// len returns the number of bytes.
func (c span) len() uint32 { return c.n &^ escaped }

// A grid is the cells of a batch by column. The first rows elements of each
// column are set.
type grid struct {
	columns [][]span
	rows    int
	room    int // length of the columns
}

// grow makes room for more rows. Columns lie behind each other with a cache
// line between them, so that as many of them as the cache has lines at all can
// be written at a time, not only as many as it has ways.
func (g *grid) grow() {
	room := max(256, 2*g.room)
	const line = 8
	cells := make([]span, (room+line)*len(g.columns))
	for i, old := range g.columns {
		lo := (room + line) * i
		g.columns[i] = cells[lo : lo+room : lo+room]
		copy(g.columns[i], old)
	}
	g.room = room
}

func newDialect(s *Spec, delimiter string, newline byte) (*dialect, error) {
	d := &dialect{
		delimiter: delimiter, quotes: s.Quotes, verbatim: s.Verbatim,
		comment: s.Comment, newline: newline, spaces: delimiter == delimiterSpaces,
	}
	if d.spaces {
		d.delimiter = " "
	}
	if d.delimiter == "" || strings.ContainsAny(d.delimiter, "\"\r\n") {
		return nil, fmt.Errorf("delimiter %q cannot be used", delimiter)
	}
	d.stops[d.delimiter[0]] = true
	d.stops[newline] = true
	d.single = -1
	if len(d.delimiter) == 1 && !d.spaces {
		d.single = int(d.delimiter[0])
	}
	return d, nil
}

// delimiterSpaces stands for DELIMITER IS SPACES.
const delimiterSpaces = "spaces"

// delimiterOf reads a delimiter as a script writes it.
func delimiterOf(text string) (string, error) {
	switch {
	case strings.EqualFold(text, delimiterSpaces):
		return delimiterSpaces, nil
	case text == `\t`:
		return "\t", nil
	case text == `\\`:
		return `\`, nil
	case len(text) > 2 && strings.HasPrefix(strings.ToLower(text), `\x`):
		n, err := strconv.ParseUint(text[2:], 16, 21)
		if err != nil {
			return "", fmt.Errorf("delimiter %q: %w", text, err)
		}
		return string(rune(n)), nil
	}
	return text, nil
}

// blank reports whether c is cut off around cells.
func (d *dialect) blank(c byte) bool {
	return c == ' ' && d.delimiter != " " || c == '\t' && d.tabs && d.delimiter != "\t"
}

// record cuts one record into all its cells, up to columnsMax.
func (d *dialect) record(s string, pos int) (cells []span, next int, err error) {
	pos, more := d.skip(s, pos)
	open := 0
	for more {
		var cell span
		cell, pos, more = d.cell(s, pos, &open)
		if len(cells) == columnsMax {
			return nil, pos, fmt.Errorf("more than %d columns: %w", columnsMax, ErrFormat)
		}
		cells = append(cells, cell)
	}
	return cells, pos, nil
}

// skip moves pos over empty lines and comments to the start of a record. ok is
// false at the end of s.
func (d *dialect) skip(s string, pos int) (start int, ok bool) {
	for pos < len(s) {
		i := pos
		for i < len(s) && (d.blank(s[i]) || d.spaces && s[i] == ' ' || s[i] == '\r' && d.newline == '\n') {
			i++
		}
		switch {
		case i == len(s):
			return i, false
		case s[i] == d.newline:
			pos = i + 1
		case d.comment != "" && strings.HasPrefix(s[pos:], d.comment):
			end := strings.IndexByte(s[pos:], d.newline)
			if end < 0 {
				return len(s), false
			}
			pos += end + 1
		case d.spaces:
			return i, true // blanks at the start of a line delimit nothing
		default:
			return pos, true
		}
	}
	return pos, false
}

// cell reads the cell at pos. more says that another one of the same record
// follows at next. before open no standard quote is closed.
func (d *dialect) cell(s string, pos int, open *int) (cell span, next int, more bool) {
	lo := pos
	if d.quotes != QuotesNone {
		for lo < len(s) && d.blank(s[lo]) {
			lo++
		}
		if lo < len(s) && s[lo] == '"' && lo >= *open {
			closing, doubled := d.closing(s, lo+1)
			if closing < 0 {
				*open = -closing
			} else if end, next, more := d.end(s, closing+1); d.allBlank(s[closing+1 : end]) {
				return d.trimmed(s, lo+1, closing, doubled), next, more
			} else {
				return d.trimmed(s, pos, end, false), next, more
			}
		}
	}
	end, next, more := d.end(s, pos)
	return d.trimmed(s, pos, end, false), next, more
}

// closing returns the position of the quote that closes the one before pos,
// and whether there are doubled ones in between. If there is none it returns
// minus the end of the line (or of s): no other quote before it is closed
// either.
func (d *dialect) closing(s string, pos int) (at int, doubled bool) {
	limit := len(s)
	if d.quotes != QuotesMSQ {
		if i := strings.IndexByte(s[pos:], d.newline); i >= 0 {
			limit = pos + i
		}
	}
	for pos < limit {
		i := strings.IndexByte(s[pos:limit], '"')
		if i < 0 {
			break
		}
		if pos += i; pos+1 == limit || s[pos+1] != '"' {
			return pos, doubled
		}
		doubled = true
		pos += 2
	}
	return -limit, false
}

// end returns where an unquoted cell ends and the next one starts.
func (d *dialect) end(s string, pos int) (end, next int, more bool) {
	for i := pos; i < len(s); i++ {
		if !d.stops[s[i]] {
			continue
		}
		if s[i] == d.newline {
			if i > pos && s[i-1] == '\r' {
				return i - 1, i + 1, false
			}
			return i, i + 1, false
		}
		if len(d.delimiter) > 1 && !strings.HasPrefix(s[i:], d.delimiter) {
			continue
		}
		next := i + len(d.delimiter)
		if d.spaces {
			for next < len(s) && s[next] == ' ' {
				next++
			}
		}
		return i, next, true
	}
	if len(s) > pos && s[len(s)-1] == '\r' {
		return len(s) - 1, len(s), false
	}
	return len(s), len(s), false
}

func (d *dialect) allBlank(s string) bool {
	for i := range len(s) {
		if !d.blank(s[i]) && s[i] != '\r' {
			return false
		}
	}
	return true
}

func (d *dialect) trimmed(s string, lo, hi int, doubled bool) span {
	if !d.verbatim {
		for lo < hi && d.blank(s[lo]) {
			lo++
		}
		for lo < hi && d.blank(s[hi-1]) {
			hi--
		}
	}
	c := span{uint32(lo), uint32(hi - lo)}
	if doubled {
		c.n |= escaped
	}
	return c
}

// text returns the text of a cell of s.
func (c span) text(s string) string {
	t := s[c.lo : c.lo+c.len()]
	if c.n&escaped != 0 {
		t = strings.ReplaceAll(t, `""`, `"`)
	}
	return t
}

// boundary returns where the last complete record of b ends, 0 if there is
// none. unclosed is the position of a quote that is not closed in b, or -1.
//
// It reads the quotes as cell does, but goes from quote to quote, so a text
// without them costs one search from its end.
func (d *dialect) boundary(b []byte) (end, unclosed int) {
	if d.quotes != QuotesMSQ {
		return bytes.LastIndexByte(b, d.newline) + 1, -1
	}
	outside, line := 0, 0 // starts of the text outside quotes, and of the line
	for pos := 0; ; {
		i := bytes.IndexByte(b[pos:], '"')
		if i < 0 {
			if nl := bytes.LastIndexByte(b[outside:], d.newline); nl >= 0 {
				end = outside + nl + 1
			}
			return end, -1
		}
		quote := pos + i
		if nl := bytes.LastIndexByte(b[pos:quote], d.newline); nl >= 0 {
			line = pos + nl + 1
		}
		pos = quote + 1
		if d.comment != "" && bytes.HasPrefix(b[line:], []byte(d.comment)) || !d.startsCell(b, outside, quote) {
			continue
		}
		if nl := bytes.LastIndexByte(b[outside:quote], d.newline); nl >= 0 {
			end = outside + nl + 1
		}
		for {
			i := bytes.IndexByte(b[pos:], '"')
			if i < 0 {
				return end, quote
			}
			if pos += i + 1; pos == len(b) || b[pos] != '"' {
				break
			}
			pos++
		}
		outside = pos
	}
}

// startsCell reports whether only blanks are between quote and the delimiter
// or line end before it. from is where the text outside quotes starts: a
// closing quote, or the start of b.
func (d *dialect) startsCell(b []byte, from, quote int) bool {
	i := quote
	for i > from && d.blank(b[i-1]) {
		i--
	}
	switch {
	case i == 0:
		return true
	case i == from:
		return false // after a closing quote
	case b[i-1] == d.newline:
		return true
	default:
		return bytes.HasSuffix(b[from:i], []byte(d.delimiter))
	}
}
