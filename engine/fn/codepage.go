package fn

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"github.com/cognate-bi/cognate/storage/dual"
)

var codepageFuncs = []Func{
	{Name: "ApplyCodepage", Min: 2, Max: 2, Eval: strict(applyCodepage)},
}

// codepages are the Windows code page numbers in use.
var codepages = map[int]encoding.Encoding{
	437: charmap.CodePage437, 850: charmap.CodePage850, 852: charmap.CodePage852, 866: charmap.CodePage866,
	874: charmap.Windows874, 932: japanese.ShiftJIS, 936: simplifiedchinese.GBK, 949: korean.EUCKR,
	950: traditionalchinese.Big5, 1250: charmap.Windows1250, 1251: charmap.Windows1251,
	1252: charmap.Windows1252, 1253: charmap.Windows1253, 1254: charmap.Windows1254,
	1255: charmap.Windows1255, 1256: charmap.Windows1256, 1257: charmap.Windows1257,
	1258: charmap.Windows1258, 28591: charmap.ISO8859_1, 28592: charmap.ISO8859_2,
	28595: charmap.ISO8859_5, 28597: charmap.ISO8859_7, 28599: charmap.ISO8859_9, 28605: charmap.ISO8859_15,
}

// applyCodepage turns a text back into the bytes it was read from as Windows
// 1252, and decodes these by the code page. UTF-8 (65001) needs no table.
func applyCodepage(c *Context, args []dual.Value) dual.Value {
	page, ok := c.intAt(args, 1, 0)
	if !ok {
		return dual.Value{}
	}
	raw, err := charmap.Windows1252.NewEncoder().String(c.text(args[0]))
	if err != nil {
		return dual.Value{}
	}
	if page == 65001 {
		return c.textValue(strings.ToValidUTF8(raw, "\ufffd"))
	}
	e := codepages[page]
	if e == nil {
		return dual.Value{}
	}
	s, err := e.NewDecoder().String(raw)
	if err != nil {
		return dual.Value{}
	}
	return c.textValue(s)
}
