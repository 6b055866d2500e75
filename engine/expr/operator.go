package expr

import "strings"

// Binding strengths, weakest first (expressions.md). not binds weaker than
// comparison: "not Year like '//*'" negates the comparison, as seen in load
// scripts with their results (script-truth s07, s09).
const (
	precOr = iota + 1
	precXor
	precAnd
	precNot
	precCompare
	precBit
	precConcat
	precAdd
	precMul
	precUnary
)

// binaryPrec holds the strength of each binary operator.
var binaryPrec = map[string]int{
	"or": precOr, "xor": precXor, "and": precAnd,
	"=": precCompare, "<>": precCompare, "<": precCompare, "<=": precCompare,
	">": precCompare, ">=": precCompare, "like": precCompare, "precedes": precCompare, "follows": precCompare,
	"bitand": precBit, "bitor": precBit, "bitxor": precBit, "<<": precBit, ">>": precBit,
	"&": precConcat,
	"+": precAdd, "-": precAdd,
	"*": precMul, "/": precMul,
}

// binaryOp returns the binary operator that t is, "" if it is none.
func binaryOp(t token) string {
	if t.kind != tokOp && t.kind != tokIdent {
		return ""
	}
	op := t.text
	if t.kind == tokIdent {
		op = strings.ToLower(op)
	}
	if binaryPrec[op] == 0 {
		return ""
	}
	return op
}

// reserved reports whether name is an operator, so that it is no field or
// function without quotes.
func reserved(name string) bool {
	name = strings.ToLower(name)
	return name == "not" || name == "bitnot" || binaryPrec[name] != 0
}
