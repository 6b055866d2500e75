package fn

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/cognate-bi/cognate/storage/dual"
)

// hashAlphabet has 64 characters that need no quoting in scripts.
const hashAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz_$"

var hashEncoding = base64.NewEncoding(hashAlphabet).WithPadding(base64.NoPadding)

// Hashes have 22, 27 and 43 characters, as those of the product. Their values
// are our own: SHA-256 of the arguments, cut to length.
var hashFuncs = []Func{
	{Name: "Hash128", Min: 1, Max: -1, Eval: hash(16)},
	{Name: "Hash160", Min: 1, Max: -1, Eval: hash(20)},
	{Name: "Hash256", Min: 1, Max: -1, Eval: hash(32)},
}

func hash(sizeBytes int) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		var buf [256]byte
		in := buf[:0]
		for _, a := range args {
			// The length tells ('a','bc') from ('ab','c'), and NULL from ''.
			mark := len(in)
			in = append(in, 0, 0, 0, 0)
			in = c.Locale.AppendText(in, a)
			n := uint32(len(in)-mark-4) + 1
			if a.IsNull() {
				n = 0
			}
			binary.LittleEndian.PutUint32(in[mark:], n)
		}
		sum := sha256.Sum256(in)
		return dual.String(hashEncoding.EncodeToString(sum[:sizeBytes]))
	}
}
