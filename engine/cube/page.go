package cube

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/storage/dual"
)

// clip cuts a page to what there is.
func (p Page) clip(width, height int) Page {
	p.Left = min(max(p.Left, 0), width)
	p.Top = min(max(p.Top, 0), height)
	p.Width = min(max(p.Width, 0), width-p.Left)
	p.Height = min(max(p.Height, 0), height-p.Top)
	return p
}

func (w *writer) area(p Page) {
	w.open("qArea", '{')
	w.int("qLeft", p.Left)
	w.int("qTop", p.Top)
	w.int("qWidth", p.Width)
	w.int("qHeight", p.Height)
	w.close('}')
}

// Columns returns the columns in the order in which pages show them.
func (c *Cube) Columns() []int {
	n := len(c.dims) + len(c.meas)
	if c.Def.List {
		n = len(c.dims)
	}
	return completed(c.Def.ColumnOrder, 0, n)
}

// completed returns the columns of order that are in [lo, n), each once, and
// then those from 0 on that order does not mention.
func completed(order []int, lo, n int) []int {
	var out []int
	seen := map[int]bool{}
	for _, col := range order {
		if col >= lo && col < n && !seen[col] {
			seen[col] = true
			out = append(out, col)
		}
	}
	for col := range n {
		if !seen[col] {
			out = append(out, col)
		}
	}
	return out
}

// CellsMax bounds the cells of one page; a larger request is an error of the
// protocol (CALC_PAGES_TOO_LARGE).
const CellsMax = 10000

// Check returns an error for a page that asks for more cells than allowed.
func (p Page) Check() error {
	if p.Width > 0 && p.Height > 0 && p.Width > math.MaxInt32/max(1, p.Height) {
		return fmt.Errorf("page of %d x %d cells", p.Width, p.Height)
	}
	return nil
}

// AppendPage appends an NxDataPage: the part of the page that exists.
func (c *Cube) AppendPage(dst []byte, p Page) []byte {
	cols := c.Columns()
	p = p.clip(len(cols), c.Rows)
	w := &writer{append(dst, '{')}
	w.open("qMatrix", '[')
	if p.Width > 0 {
		for row := p.Top; row < p.Top+p.Height; row++ {
			w.next('[')
			for _, col := range cols[p.Left : p.Left+p.Width] {
				w.next('{')
				if col < len(c.dims) {
					c.dimCell(w, col, row)
				} else {
					c.measureCell(w, col-len(c.dims), row)
				}
				w.close('}')
			}
			w.close(']')
		}
	}
	w.close(']')
	w.raw("qTails", `[{"qUp":0,"qDown":0}]`)
	w.area(p)
	w.close('}')
	return w.b
}

// endText ends a string whose text was appended from start on.
func (w *writer) endText(start int) {
	text := w.b[start:]
	plain := true
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		w.b = append(w.b, '"')
		return
	}
	w.b = tree.AppendString(w.b[:start-1], string(text))
}

// cell writes the members that all cells have behind their text.
func (w *writer) cell(v dual.Value, elem int, state string) {
	w.b = tree.AppendFloat(append(w.b, `,"qNum":`...), v.Float())
	w.b = strconv.AppendInt(append(w.b, `,"qElemNumber":`...), int64(elem), 10)
	w.b = append(append(append(w.b, `,"qState":"`...), state...), '"')
	if v.IsNull() {
		w.b = append(w.b, `,"qIsNull":true`...)
	} else if v.HasNum() {
		w.b = append(w.b, `,"qIsNumeric":true`...)
	}
}

func (c *Cube) text(v dual.Value) string { return string(c.appendText(nil, v)) }

// dimCell writes the members of an NxCell of a dimension.
func (c *Cube) dimCell(w *writer, d, row int) {
	code := c.codes[d][row]
	v := &c.dims[d]
	switch code {
	case codeNull:
		w.str("qText", "-")
		w.num("qNum", math.NaN())
		w.int("qElemNumber", -2)
		w.str("qState", "L")
		w.bool("qIsNull", true)
	case codeOther:
		w.str("qText", c.otherText(d))
		w.num("qNum", math.NaN())
		w.int("qElemNumber", -3)
		w.str("qState", "L")
		w.bool("qIsOtherCell", true)
	case codeTotal:
		w.str("qText", "Totals")
		w.num("qNum", math.NaN())
		w.int("qElemNumber", -1)
		w.str("qState", "X")
		w.bool("qIsTotalCell", true)
	default:
		val := v.value(code)
		w.b = append(w.b, `"qText":"`...)
		start := len(w.b)
		w.b = c.appendDim(w.b, v, val)
		text := ""
		if c.highlight != "" {
			text = string(w.b[start:])
		}
		w.endText(start)
		w.cell(val, int(code)-1, c.status(d, code).String())
		if c.frequency != nil {
			w.str("qFrequency", c.frequencyText(code))
		}
		if c.highlight != "" {
			highlight(w, text, c.highlight)
		}
	}
	c.attrCells(w, v.attrs, len(v.def.Attrs), len(v.def.AttrDims), v.def.AttrDims, row)
}

func (c *Cube) dimText(v *dimView, val dual.Value) string { return string(c.appendDim(nil, v, val)) }

func (c *Cube) otherText(d int) string {
	if label := c.dims[d].def.Other.Label; label != "" && !strings.HasPrefix(label, "=") {
		return label
	}
	return "Others"
}

func (c *Cube) frequencyText(code uint32) string {
	n, total := float64(c.frequency[code]), c.alive
	switch {
	case c.Def.Frequency == 'V':
		return strconv.Itoa(int(n))
	case total == 0:
		return "0"
	case c.Def.Frequency == 'P':
		return strconv.FormatFloat(math.Round(n/total*1000)/10, 'f', -1, 64) + "%"
	default:
		return strconv.FormatFloat(n/total, 'g', 15, 64)
	}
}

// highlight marks where the terms of a search stand in a text.
func highlight(w *writer, text, search string) {
	w.open("qHighlightRanges", '{')
	w.open("qRanges", '[')
	lower := strings.ToLower(text)
	for _, term := range strings.Fields(strings.ToLower(strings.Trim(search, "*"))) {
		if i := strings.Index(lower, term); i >= 0 {
			w.next('{')
			w.int("qCharPos", len([]rune(lower[:i])))
			w.int("qCharCount", len([]rune(term)))
			w.close('}')
		}
	}
	w.close(']')
	w.close('}')
}

func (c *Cube) measureText(m int, v dual.Value) string { return string(c.appendMeasure(nil, m, v)) }

func (c *Cube) measureCell(w *writer, m, row int) {
	v := c.vals[m].At(row)
	w.b = append(w.b, `"qText":"`...)
	start := len(w.b)
	w.b = c.appendMeasure(w.b, m, v)
	w.endText(start)
	w.cell(v, 0, "L")
	mv := &c.meas[m]
	c.attrCells(w, mv.attrs, len(mv.def.Attrs), len(mv.def.AttrDims), mv.def.AttrDims, row)
}

func (c *Cube) totalCell(w *writer, m int) {
	v := dual.Value{}
	if m < len(c.totals) {
		v = c.totals[m]
	}
	w.str("qText", c.measureText(m, v))
	w.num("qNum", v.Float())
	w.int("qElemNumber", -1)
	w.str("qState", "X")
	w.bool("qIsTotalCell", true)
	if v.IsNull() {
		w.bool("qIsNull", true)
	} else if v.HasNum() {
		w.bool("qIsNumeric", true)
	}
}

// attrCells writes qAttrExps and qAttrDims of a cell.
func (c *Cube) attrCells(w *writer, at, exprs, dims int, defs []Attr, row int) {
	if at < 0 || at+exprs+dims > len(c.attrs) {
		return
	}
	if exprs > 0 {
		w.open("qAttrExps", '{')
		w.open("qValues", '[')
		for i := range exprs {
			v := c.attrs[at+i].At(row)
			w.next('{')
			if !v.IsNull() {
				w.str("qText", c.text(v))
			}
			w.num("qNum", v.Float())
			w.close('}')
		}
		w.close(']')
		w.close('}')
	}
	if dims > 0 {
		w.open("qAttrDims", '{')
		w.open("qValues", '[')
		for i := range dims {
			v := c.attrs[at+exprs+i].At(row)
			w.next('{')
			w.str("qText", c.text(v))
			elem := -2
			if f := c.q.Infer.Model.Field(FieldName(defs[i].Expr)); f != nil {
				if code := f.Symbols.Find(v); code != 0 {
					elem = int(code) - 1
				}
			}
			w.int("qElemNo", elem)
			w.close('}')
		}
		w.close(']')
		w.close('}')
	}
}
