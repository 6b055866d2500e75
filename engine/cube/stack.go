package cube

import "math"

// A stacked cube shows one tree: under the root the values of the first
// dimension, under each the values of the second, and under those the
// measures as leaves. Rows count along the first dimension.

// A stackNode is a value of a dimension with the rows that have it.
type stackNode struct {
	code uint32
	rows []int
}

func (c *Cube) stackRows() []stackNode {
	if len(c.dims) == 0 {
		rows := make([]int, c.Rows)
		for i := range rows {
			rows[i] = i
		}
		return []stackNode{{rows: rows}}
	}
	return c.split(0, nil)
}

// split groups rows (nil: all) by the codes of a dimension, in order of first
// appearance.
func (c *Cube) split(d int, rows []int) []stackNode {
	at := map[uint32]int{}
	var out []stackNode
	add := func(row int) {
		code := c.codes[d][row]
		i, ok := at[code]
		if !ok {
			i = len(out)
			at[code] = i
			out = append(out, stackNode{code: code})
		}
		out[i].rows = append(out[i].rows, row)
	}
	if rows == nil {
		for row := range c.Rows {
			add(row)
		}
	}
	for _, row := range rows {
		add(row)
	}
	return out
}

func (c *Cube) stackSize() (x, y int) {
	nodes := c.stackRows()
	x = 1
	if len(c.dims) > 1 {
		x = 0
		for _, n := range nodes {
			x = max(x, len(c.split(1, n.rows)))
		}
	}
	if c.Rows == 0 {
		return 0, 0
	}
	return x, len(nodes)
}

// AppendStackPage appends an NxStackPage.
func (c *Cube) AppendStackPage(dst []byte, p Page) []byte {
	x, y := c.stackSize()
	p = p.clip(x, y)
	w := &writer{append(dst, '{')}
	w.open("qData", '[')
	w.next('{')
	w.int("qElemNo", 0)
	w.num("qValue", math.NaN())
	w.str("qType", "R")
	w.num("qMaxPos", math.NaN())
	w.num("qMinNeg", math.NaN())
	w.int("qUp", p.Top)
	w.int("qDown", y-p.Top-p.Height)
	w.int("qRow", 0)
	w.open("qSubNodes", '[')
	if p.Height > 0 {
		for i, n := range c.stackRows()[p.Top : p.Top+p.Height] {
			c.stackFirst(w, n, p.Top+i, p)
		}
	}
	w.close(']')
	w.close('}')
	w.close(']')
	w.area(p)
	w.close('}')
	return w.b
}

// stackFirst writes a node of the first dimension with those of the second
// that the page shows.
func (c *Cube) stackFirst(w *writer, n stackNode, row int, p Page) {
	w.next('{')
	c.stackHead(w, 0, n.code)
	pos, neg := c.stackSums(n.rows)
	w.num("qMaxPos", pos)
	w.num("qMinNeg", neg)
	second := []stackNode{{rows: n.rows}}
	if len(c.dims) > 1 {
		second = c.split(1, n.rows)
	}
	lo, hi := min(p.Left, len(second)), min(p.Left+p.Width, len(second))
	w.int("qUp", lo)
	w.int("qDown", len(second)-hi)
	w.int("qRow", row)
	w.open("qSubNodes", '[')
	for _, s := range second[lo:hi] {
		if len(c.dims) < 2 {
			c.stackLeaves(w, s.rows, row)
			continue
		}
		w.next('{')
		c.stackHead(w, 1, s.code)
		pos, neg := c.stackSums(s.rows)
		w.num("qMaxPos", pos)
		w.num("qMinNeg", neg)
		w.int("qUp", 0)
		w.int("qDown", 0)
		w.int("qRow", row)
		w.open("qSubNodes", '[')
		c.stackLeaves(w, s.rows, row)
		w.close(']')
		w.close('}')
	}
	w.close(']')
	w.close('}')
}

// stackHead writes what a node stands for; d is behind the last dimension where
// there is none.
func (c *Cube) stackHead(w *writer, d int, code uint32) {
	if d >= len(c.dims) {
		w.int("qElemNo", 0)
		w.num("qValue", math.NaN())
		w.str("qType", "N")
		return
	}
	c.valueHead(w, d, code)
}

// stackSums returns the sums of the positive and of the negative values;
// NaN where there is none.
func (c *Cube) stackSums(rows []int) (pos, neg float64) {
	pos, neg = math.NaN(), math.NaN()
	for _, row := range rows {
		for m := range c.meas {
			switch x := c.vals[m].Num(row); {
			case x >= 0:
				pos = zeroIfNone(pos) + x
			case x < 0:
				neg = zeroIfNone(neg) + x
			}
		}
	}
	return zeroIfNone(pos), zeroIfNone(neg)
}

func (c *Cube) stackLeaves(w *writer, rows []int, at int) {
	for _, row := range rows {
		for m := range c.meas {
			v := c.vals[m].At(row)
			w.next('{')
			w.str("qText", c.measureText(m, v))
			w.int("qElemNo", 0)
			w.num("qValue", v.Float())
			w.str("qType", "V")
			w.num("qMaxPos", max(0, zeroIfNone(v.Float())))
			w.num("qMinNeg", min(0, zeroIfNone(v.Float())))
			w.int("qUp", 0)
			w.int("qDown", 0)
			w.int("qRow", at)
			w.raw("qSubNodes", "[]")
			w.close('}')
		}
	}
}
