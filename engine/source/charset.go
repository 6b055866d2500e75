package source

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// codepages are the character sets by their Windows numbers. UTF-8 is nil:
// it needs no decoder.
var codepages = map[int]encoding.Encoding{
	437: charmap.CodePage437, 850: charmap.CodePage850, 852: charmap.CodePage852, 855: charmap.CodePage855,
	858: charmap.CodePage858, 860: charmap.CodePage860, 862: charmap.CodePage862, 863: charmap.CodePage863,
	865: charmap.CodePage865, 866: charmap.CodePage866, 874: charmap.Windows874,
	932: japanese.ShiftJIS, 936: simplifiedchinese.GBK, 949: korean.EUCKR, 950: traditionalchinese.Big5,
	1200: utf16LE, 1201: utf16BE,
	1250: charmap.Windows1250, 1251: charmap.Windows1251, 1252: charmap.Windows1252, 1253: charmap.Windows1253,
	1254: charmap.Windows1254, 1255: charmap.Windows1255, 1256: charmap.Windows1256, 1257: charmap.Windows1257,
	1258: charmap.Windows1258, 10000: charmap.Macintosh, 10007: charmap.MacintoshCyrillic,
	20127: nil, 20866: charmap.KOI8R, 20932: japanese.EUCJP, 21866: charmap.KOI8U,
	28591: charmap.ISO8859_1, 28592: charmap.ISO8859_2, 28593: charmap.ISO8859_3, 28594: charmap.ISO8859_4,
	28595: charmap.ISO8859_5, 28596: charmap.ISO8859_6, 28597: charmap.ISO8859_7, 28598: charmap.ISO8859_8,
	28599: charmap.ISO8859_9, 28600: charmap.ISO8859_10, 28603: charmap.ISO8859_13, 28604: charmap.ISO8859_14,
	28605: charmap.ISO8859_15, 28606: charmap.ISO8859_16,
	50220: japanese.ISO2022JP, 51932: japanese.EUCJP, 51949: korean.EUCKR,
	52936: simplifiedchinese.HZGB2312, 54936: simplifiedchinese.GB18030, 65001: nil,
}

var (
	utf16LE = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	utf16BE = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
)

// charsetNames are the names of the language for code pages.
var charsetNames = map[string]int{
	"ansi": 1252, "oem": 437, "mac": 10000, "symbol": 1252, "ascii": 20127,
	"utf8": 65001, "utf-8": 65001, "unicode": 1200, "utf16": 1200, "utf-16": 1200, "utf-16be": 1201,
}

// charset returns the decoder of a character set by its name or number; nil is
// UTF-8.
func charset(name string) (encoding.Encoding, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	page, ok := charsetNames[name]
	if !ok {
		var err error
		number := strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(name, "codepage"), " is"))
		if page, err = strconv.Atoi(number); err != nil {
			return nil, fmt.Errorf("unknown character set %q", name)
		}
	}
	e, ok := codepages[page]
	if !ok {
		return nil, fmt.Errorf("unknown code page %d", page)
	}
	return e, nil
}

// decode returns r as UTF-8, without a byte order mark.
//
// A byte order mark decides; else the name given; else the first bytes: UTF-8
// where they are valid, Windows-1252 where they are not. ASCII at the start
// and something else later is mended by [repair].
func decode(r *bufio.Reader, name string) (*bufio.Reader, error) {
	head, err := r.Peek(r.Size())
	if err != nil && err != io.EOF {
		return nil, err
	}
	var enc encoding.Encoding
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err := r.Discard(3)
		return r, err
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		enc = utf16LE
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		enc = utf16BE
	case name != "":
		if enc, err = charset(name); err != nil {
			return nil, err
		}
	case !validPrefix(head):
		enc = charmap.Windows1252
	}
	if enc == nil {
		return r, nil
	}
	return bufio.NewReaderSize(enc.NewDecoder().Reader(r), r.Size()), nil
}

// validPrefix reports whether b is UTF-8 but for a rune that is cut off at its
// end.
func validPrefix(b []byte) bool {
	for i := 0; i < utf8.UTFMax && i < len(b); i++ {
		if r := b[len(b)-1-i]; utf8.RuneStart(r) {
			if !utf8.FullRune(b[len(b)-1-i:]) {
				b = b[:len(b)-1-i]
			}
			break
		}
	}
	return utf8.Valid(b)
}

// repair returns b with bytes that are not UTF-8 read as Windows-1252, b
// itself if there are none.
func repair(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	out := make([]byte, 0, len(b)+len(b)/8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(b[0])
			out = utf8.AppendRune(out, r)
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}
