package cube

import "github.com/cognate-bi/cognate/storage/dual"

// Sizes for estimates.
const (
	valueBytes  = 40
	resultBytes = 1 << 10 // what every result has
	pivotBytes  = 100     // of a node, or of a combination of codes
)

// sizeBytes returns about how much memory the cube takes that is its own.
func (c *Cube) sizeBytes() int {
	n := resultBytes + len(c.frequency)*4 + len(c.Def.Node.JSON())*4
	for d := range c.dims {
		v := &c.dims[d]
		n += resultBytes + len(v.states) + 4*len(v.through)
		if v.plain == nil && v.field != nil {
			n += int(v.field.Memory().Total())
		}
	}
	for _, codes := range c.codes {
		n += 4 * len(codes)
	}
	for _, ranks := range c.ranks {
		n += 4 * len(ranks)
	}
	for _, list := range [][]dual.Vector{c.vals, c.attrs} {
		n += vectorsBytes(list)
	}
	if c.pivot != nil {
		n += c.pivot.sizeBytes()
	}
	return n
}

// vectorsBytes counts of a dictionary that others use too as much as there are
// rows.
func vectorsBytes(list []dual.Vector) (n int) {
	for _, v := range list {
		own := min(v.N, v.Dict.Len())
		if n += 4 * len(v.Codes); v.Dict.Vals == nil {
			n += 8 * own
			continue
		}
		n += valueBytes * own
		for i := range own {
			n += len(v.Dict.Vals[i].Text)
		}
	}
	return n
}

func (p *pivot) sizeBytes() int {
	n := pivotBytes * (len(p.left.leaves) + len(p.top.leaves))
	for _, part := range p.parts {
		n += pivotBytes*len(part.row) + vectorsBytes(part.vals)
	}
	return n
}
