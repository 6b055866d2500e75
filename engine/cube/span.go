package cube

import (
	"math"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A span is what a layout tells of the rows of a column.
type span struct {
	lo, hi float64 // least and greatest number, NaN for none
	glyphs int     // length of the longest text in the first rows
	values int     // of a dimension: how many different ones
}

var noSpan = span{lo: math.NaN(), hi: math.NaN()}

// glyphRows is how many rows are looked at for their texts.
const glyphRows = 1000

func (s *span) add(x float64) {
	if x != x {
		return
	}
	if !(s.lo <= x) {
		s.lo = x
	}
	if !(s.hi >= x) {
		s.hi = x
	}
}

func (c *Cube) dimSpan(d int) span {
	s, v := noSpan, &c.dims[d]
	sym := v.field.Symbols
	seen := make([]bool, sym.Len()+1)
	var text []byte
	for i, code := range c.codes[d] {
		if code == codeNull || int(code) > sym.Len() {
			continue
		}
		if !seen[code] {
			seen[code] = true
			s.values++
			s.add(sym.Number(code))
		}
		if i < glyphRows {
			text = c.appendText(text[:0], v.value(code))
			s.glyphs = max(s.glyphs, utf8.RuneCount(text))
		}
	}
	return s
}

func (c *Cube) measureSpan(m int) span {
	s := noSpan
	var text []byte
	for row := range c.Rows {
		if row < glyphRows {
			text = c.appendMeasure(text[:0], m, c.vals[m].At(row))
			s.glyphs = max(s.glyphs, utf8.RuneCount(text))
		}
		s.add(c.vals[m].Num(row))
	}
	return s
}

// appendText appends the text of a value as cells show it.
func (c *Cube) appendText(dst []byte, v dual.Value) []byte {
	if v.IsNull() {
		return append(dst, '-')
	}
	return c.q.Fn.Locale.AppendText(dst, v)
}

// appendDim appends the text of a value of a dimension, by the definition's
// format if it has one.
func (c *Cube) appendDim(dst []byte, v *dimView, val dual.Value) []byte {
	if v.show != nil && val.HasNum() {
		return v.show.Append(dst, val.Num)
	}
	return c.appendText(dst, val)
}

// appendMeasure appends the text of a measure's value.
func (c *Cube) appendMeasure(dst []byte, m int, v dual.Value) []byte {
	if show := c.meas[m].show; show != nil && v.HasNum() {
		return show.Append(dst, v.Num)
	}
	return c.appendText(dst, v)
}
