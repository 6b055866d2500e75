package fn

import (
	"fmt"
	"math"

	"github.com/cognate-bi/cognate/storage/dual"
)

var colorFuncs = concat(
	[]Func{
		{Name: "RGB", Min: 3, Max: 3, Eval: func(c *Context, args []dual.Value) dual.Value {
			return c.color(255, args)
		}},
		{Name: "ARGB", Min: 4, Max: 4, Eval: func(c *Context, args []dual.Value) dual.Value {
			a := c.num(args[0])
			if math.IsNaN(a) {
				return dual.Value{}
			}
			return c.color(channel(a), args[1:])
		}},
		{Name: "HSL", Min: 3, Max: 3, Eval: hsl},
		{Name: "ColorMix1", Min: 3, Max: 3, Eval: colorMix1},
		{Name: "ColorMix2", Min: 3, Max: 4, Eval: colorMix2},
		{Name: "ColorMapHue", Min: 1, Max: 1, Eval: colorMap(hueMap)},
		{Name: "ColorMapJet", Min: 1, Max: 1, Eval: colorMap(jetMap)},
	},
	namedColors(),
)

// A color is alpha, red, green, blue from the highest byte down.
type color uint32

func newColor(a, r, g, b uint32) color { return color(a<<24 | r<<16 | g<<8 | b) }

func (k color) parts() (a, r, g, b uint32) {
	return uint32(k >> 24), uint32(k>>16) & 255, uint32(k>>8) & 255, uint32(k) & 255
}

// value is a dual: text RGB(r,g,b), or ARGB(a,r,g,b) unless opaque, and the
// unsigned number.
func (k color) value() dual.Value {
	a, r, g, b := k.parts()
	if a == 255 {
		return dual.New(fmt.Sprintf("RGB(%d,%d,%d)", r, g, b), float64(k))
	}
	return dual.New(fmt.Sprintf("ARGB(%d,%d,%d,%d)", a, r, g, b), float64(k))
}

// channel clips a number to 0 to 255.
func channel(x float64) uint32 { return uint32(math.Max(0, math.Min(255, math.Floor(x)))) }

func (c *Context) color(alpha uint32, rgb []dual.Value) dual.Value {
	r, g, b := c.num(rgb[0]), c.num(rgb[1]), c.num(rgb[2])
	if math.IsNaN(r + g + b) {
		return dual.Value{}
	}
	return newColor(alpha, channel(r), channel(g), channel(b)).value()
}

func namedColors() []Func {
	named := []struct {
		name    string
		r, g, b uint32
	}{
		{"Black", 0, 0, 0},
		{"Blue", 0, 0, 128},
		{"Brown", 128, 128, 0},
		{"Cyan", 0, 128, 128},
		{"DarkGray", 128, 128, 128},
		{"Green", 0, 128, 0},
		{"LightBlue", 0, 0, 255},
		{"LightCyan", 0, 255, 255},
		{"LightGray", 192, 192, 192},
		{"LightGreen", 0, 255, 0},
		{"LightMagenta", 255, 0, 255},
		{"LightRed", 255, 0, 0},
		{"Magenta", 128, 0, 128},
		{"QlikTechBlue", 8, 18, 90},
		{"QlikTechGray", 158, 148, 137},
		{"Red", 128, 0, 0},
		{"White", 255, 255, 255},
		{"Yellow", 255, 255, 0},
	}
	funcs := make([]Func, len(named))
	for i, n := range named {
		funcs[i] = Func{Name: n.name, Max: 1, Eval: func(c *Context, args []dual.Value) dual.Value {
			alpha := c.numAt(args, 0, 255)
			if math.IsNaN(alpha) {
				return dual.Value{}
			}
			return newColor(channel(alpha), n.r, n.g, n.b).value()
		}}
	}
	return funcs
}

func hsl(c *Context, args []dual.Value) dual.Value {
	h, s, l := c.num(args[0]), c.num(args[1]), c.num(args[2])
	if math.IsNaN(h + s + l) {
		return dual.Value{}
	}
	s, l = clamp01(s), clamp01(l)
	// The usual formula: a channel is l - a*clip(min(k-3, 9-k)) at k of 12 hues.
	a := s * math.Min(l, 1-l)
	at := func(n float64) uint32 {
		k := math.Mod(n+h*12, 12)
		if k < 0 {
			k += 12
		}
		return channel(math.Round(255 * (l - a*math.Max(-1, math.Min(math.Min(k-3, 9-k), 1)))))
	}
	return newColor(255, at(0), at(8), at(4)).value()
}

func clamp01(x float64) float64 { return math.Max(0, math.Min(1, x)) }

func mix(x float64, from, to color) color {
	at := func(p, q uint32) uint32 { return channel(math.Round(float64(p) + x*(float64(q)-float64(p)))) }
	a1, r1, g1, b1 := from.parts()
	a2, r2, g2, b2 := to.parts()
	return newColor(at(a1, a2), at(r1, r2), at(g1, g2), at(b1, b2))
}

func (c *Context) colorArg(v dual.Value) (color, bool) {
	x := c.num(v)
	return color(uint32(int64(orZero(x)))), x >= 0 && x <= math.MaxUint32
}

func colorMix1(c *Context, args []dual.Value) dual.Value {
	x := c.num(args[0])
	from, ok1 := c.colorArg(args[1])
	to, ok2 := c.colorArg(args[2])
	if math.IsNaN(x) || !ok1 || !ok2 {
		return dual.Value{}
	}
	return mix(clamp01(x), from, to).value()
}

func colorMix2(c *Context, args []dual.Value) dual.Value {
	x := c.num(args[0])
	low, ok1 := c.colorArg(args[1])
	high, ok2 := c.colorArg(args[2])
	if math.IsNaN(x) || !ok1 || !ok2 {
		return dual.Value{}
	}
	middle := mix(0.5, low, high)
	if len(args) > 3 {
		var ok bool
		if middle, ok = c.colorArg(args[3]); !ok {
			return dual.Value{}
		}
	}
	if x < 0 {
		return mix(clamp01(-x), middle, low).value()
	}
	return mix(clamp01(x), middle, high).value()
}

// Colour maps are colours at even distances over 0 to 1.
var (
	hueMap = []color{0xffff0000, 0xffffff00, 0xff00ff00, 0xff00ffff, 0xff0000ff, 0xffff00ff, 0xffff0000}
	jetMap = []color{0xff000080, 0xff0000ff, 0xff0080ff, 0xff00ffff, 0xff80ff80, 0xffffff00, 0xffff8000, 0xffff0000, 0xff800000}
)

func colorMap(stops []color) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		x := c.num(args[0])
		if math.IsNaN(x) {
			return dual.Value{}
		}
		p := clamp01(x) * float64(len(stops)-1)
		i := min(int(p), len(stops)-2)
		return mix(p-float64(i), stops[i], stops[i+1]).value()
	}
}
