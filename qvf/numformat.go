package qvf

import (
	"encoding/binary"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A numberFormat says how the numbers of a field are shown that have no text:
//
//	u32 type, u32 nDec, u32 useThou, str Fmt, str Dec, str Thou
type numberFormat struct {
	kind, decimals, useThou    uint32
	pattern, decimal, thousand string
}

// formatKind is a dual.FormatType in files.
func formatKind(t dual.FormatType) uint32 {
	return [...]uint32{
		dual.Unknown: 0, dual.ASCII: 1, dual.Real: 2, dual.Date: 3, dual.Time: 4, dual.Timestamp: 5, dual.Interval: 6,
		dual.Integer: 10, dual.Fix: 11, dual.Money: 12,
	}[t]
}

func (c *cursor) numberFormat() numberFormat {
	return numberFormat{
		kind: c.u32("format type"), decimals: c.u32("nDec"), useThou: c.u32("useThou"),
		pattern: c.str("Fmt"), decimal: c.str("Dec"), thousand: c.str("Thou"),
	}
}

// format returns what the format is in the model, nil for the default.
func (n numberFormat) format() *dual.Format {
	for t := dual.Integer; t <= dual.Interval; t++ {
		if formatKind(t) == n.kind {
			return &dual.Format{Type: t, Pattern: n.pattern, Decimal: n.decimal, Thousand: n.thousand}
		}
	}
	return nil
}

// realPattern is what the format "general number" carries.
const realPattern = "##############"

// numberFormatOf is the reverse of format.
func numberFormatOf(f *dual.Format) (n numberFormat) {
	if f == nil || f.Type > dual.Interval {
		return n
	}
	n = numberFormat{kind: formatKind(f.Type), pattern: f.Pattern, decimal: f.Decimal, thousand: f.Thousand}
	switch {
	case f.Type == dual.Real && f.Pattern == realPattern:
		n.decimals, n.useThou = uint32(len(realPattern)), 1
	case f.Type == dual.Fix:
		if _, digits, ok := strings.Cut(f.Pattern, "."); ok {
			n.decimals = uint32(len(digits) - len(strings.TrimLeft(digits, "0#")))
		}
	}
	return n
}

func (n numberFormat) append(dst []byte) []byte {
	for _, x := range []uint32{n.kind, n.decimals, n.useThou} {
		dst = binary.LittleEndian.AppendUint32(dst, x)
	}
	return appendStr(appendStr(appendStr(dst, n.pattern), n.decimal), n.thousand)
}
