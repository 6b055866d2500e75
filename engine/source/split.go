package source

import (
	"math/bits"

	"github.com/cognate-bi/cognate/simd"
)

// windowBytes is how much of a text is searched at a time: what is found stays
// in the first-level cache.
const windowBytes = 16 << 10

// A splitter cuts records of a text into cells.
//
// It goes from delimiter to delimiter, which are found 64 bytes at a time. A
// record that is as most records are, with a delimiter of one byte and without
// quotes, is cut by that alone; others are left to [dialect.cell].
type splitter struct {
	*dialect
	s string

	masks [windowBytes / 64]uint64 // of the window: bytes that are a delimiter, a line end or a quote
	base  int                      // of the window
	at    int                      // word that is looked at
	word  uint64                   // what is left of it
	open  int                      // before this position no standard quote is closed
}

// start begins with another text.
func (p *splitter) start(s string) {
	p.s, p.open = s, 0
	if p.single >= 0 {
		p.fill(0)
	}
}

// seek goes on with the bytes from pos on.
func (p *splitter) seek(pos int) {
	if pos < p.base || pos >= p.base+windowBytes {
		p.fill(pos &^ 63)
	}
	p.at = (pos - p.base) / 64
	p.word = p.masks[p.at] &^ (1<<(pos&63) - 1)
}

// fill looks at the window from base on.
func (p *splitter) fill(base int) {
	text := p.s[min(base, len(p.s)):]
	text = text[:min(len(text), windowBytes)]
	quote := byte('"')
	if p.quotes == QuotesNone {
		quote = p.newline
	}
	n := (len(text) + 63) / 64
	simd.Structure(p.masks[:n], text, p.delimiter[0], p.newline, quote)
	clear(p.masks[n:])
	p.base, p.at, p.word = base, 0, p.masks[0]
}

// more goes on to the next word with a bit. It returns false at the end.
func (p *splitter) more() bool {
	for {
		for p.at++; p.at < len(p.masks); p.at++ {
			if p.word = p.masks[p.at]; p.word != 0 {
				return true
			}
		}
		if p.base+windowBytes >= len(p.s) {
			p.at = len(p.masks) - 1
			return false
		}
		p.fill(p.base + windowBytes)
		if p.word != 0 {
			return true
		}
	}
}

// split cuts records from pos on into cells, at most rowsMax of them, and
// returns where it stopped. Records have width cells: more are dropped, fewer
// are filled with empty ones. Empty lines and comments are skipped. The last
// record need not end with a line end.
func (p *splitter) split(pos, rowsMax int, g *grid) int {
	g.rows = 0
	for g.rows < rowsMax {
		if pos >= len(p.s) || p.s[pos] <= ' ' || p.comment != "" {
			var ok bool
			if pos, ok = p.skip(p.s, pos); !ok {
				return len(p.s)
			}
			if p.single >= 0 {
				p.seek(pos)
			}
		}
		if g.rows == g.room {
			g.grow()
		}
		next := -1
		if p.single >= 0 {
			next = p.plain(pos, g)
		}
		if next < 0 {
			next = p.odd(pos, g)
			if p.single >= 0 {
				p.seek(next)
			}
		}
		pos = next
		g.rows++
	}
	return pos
}

// plain cuts the record at pos and returns where the next one is. It returns
// -1 where a quote is in the record or no line end behind it: then [splitter.odd]
// has to look.
func (p *splitter) plain(pos int, g *grid) int {
	s, delimiter, columns, row := p.s, p.delimiter[0], g.columns, g.rows
	word, base := p.word, p.base+64*p.at
	for column := 0; ; column++ {
		for word == 0 {
			if p.word = 0; !p.more() {
				return -1
			}
			word, base = p.word, p.base+64*p.at
		}
		end := base + bits.TrailingZeros64(word)
		word &= word - 1
		last := s[end] != delimiter
		next := end + 1
		if last {
			if s[end] != p.newline {
				return -1
			}
			if end > pos && s[end-1] == '\r' {
				end--
			}
		}
		if column < len(columns) {
			cell := span{uint32(pos), uint32(end - pos)}
			if end > pos && (s[pos] <= ' ' || s[end-1] <= ' ') {
				cell = p.trimmed(s, pos, end, false)
			}
			columns[column][row] = cell
		}
		pos = next
		if last {
			p.word = word
			for column++; column < len(columns); column++ {
				columns[column][row] = span{}
			}
			return pos
		}
	}
}

// odd is plain for any record.
func (p *splitter) odd(pos int, g *grid) int {
	column, more := 0, true
	for more {
		var cell span
		cell, pos, more = p.cell(p.s, pos, &p.open)
		if column < len(g.columns) {
			g.columns[column][g.rows] = cell
		}
		column++
	}
	for ; column < len(g.columns); column++ {
		g.columns[column][g.rows] = span{}
	}
	return pos
}
