// Package expr is the expression language of load scripts and charts: lexer,
// dollar expansion, syntax tree, parser and set expressions.
//
// Grammar: reference "expressions" and "set analysis". The same parser serves
// scripts and charts; [Parser] options say what is allowed where.
package expr

import "github.com/cognate-bi/cognate/storage/dual"

// A Node is an expression. Nodes are immutable once parsed.
type Node interface {
	// Pos returns the byte offset of the node's first character in the source.
	Pos() int
}

// A Literal is a number or a string constant.
type Literal struct {
	At    int
	Value dual.Value // number without text, or pure text as written
	Text  string     // source text of the literal
}

// A Field is a reference by name: a field, or in charts a variable, master
// item or column label, which the compiler decides.
type Field struct {
	At     int
	Name   string
	Quoted bool // written as [x], "x" or `x`
}

// A Star is the argument of Count(*) and the like.
type Star struct{ At int }

// A Unary is + - not bitnot, in lower case.
type Unary struct {
	At int
	Op string
	X  Node
}

// A Binary is an operator of two operands, its name in lower case:
// + - * / & = <> < <= > >= like precedes follows and or xor bitand bitor
// bitxor << >>.
type Binary struct {
	At   int
	Op   string
	L, R Node
}

// A Call is a function or an aggregation with its qualifiers.
type Call struct {
	At       int
	Name     string // as written; functions are looked up without case
	Args     []Node
	Set      *SetExpr // {...}, nil when absent
	Distinct bool
	NoDist   bool     // NODISTINCT (Aggr)
	Total    bool     // TOTAL
	TotalBy  []string // fields of TOTAL <a, b>; empty = over everything
	// Structured parameters of Aggr: Sort[i] belongs to Args[i]; nil = none.
	Sort []*AggrSort
}

// An AggrSort is the (Field, (NUMERIC, ASCENDING)) form of an Aggr dimension.
type AggrSort struct {
	By   string // "numeric", "text", "frequency", "load_order", "" = load order
	Desc bool
}

// A Scope is an outer set expression: {<Year={2020}>} expr.
type Scope struct {
	At  int
	Set *SetExpr
	X   Node
}

// Pos implements Node.
func (n *Literal) Pos() int { return n.At }

// Pos implements Node.
func (n *Field) Pos() int { return n.At }

// Pos implements Node.
func (n *Star) Pos() int { return n.At }

// Pos implements Node.
func (n *Unary) Pos() int { return n.At }

// Pos implements Node.
func (n *Binary) Pos() int { return n.At }

// Pos implements Node.
func (n *Call) Pos() int { return n.At }

// Pos implements Node.
func (n *Scope) Pos() int { return n.At }

// A SetExpr is a node of a set expression. Op says which members count:
//
//	""                 an entity with an optional modifier
//	"+" "-" "*" "/"    L op R
//	"~"                complement of L (unary minus)
type SetExpr struct {
	At     int
	Op     string
	L, R   *SetExpr
	Entity Entity
	Mods   []SetMod
	HasMod bool // <> was written, even if it is empty
}

// EntityKind tells what a set expression starts from.
type EntityKind uint8

// Kinds of entities.
const (
	Context EntityKind = iota // none written: the context's selection
	All                       // 1
	Nothing                   // 0
	Current                   // $ or $0
	Back                      // $n, n steps back
	Forward                   // $_n
	Named                     // a bookmark id or name, or an alternate state
)

// An Entity is the starting point of a set.
type Entity struct {
	Kind EntityKind
	Step int    // Back, Forward
	Name string // Named
}

// A SetMod is one item of <...>: field op elements.
type SetMod struct {
	At    int
	State string // of state::field, "" = none
	Field string
	Op    string // "=", "+=", "-=", "*=", "/="; "" = bare field: clear
	Elems *Elems // nil = clear the selection of the field
}

// Elems is a node of an element expression. Op says which members count:
//
//	""               List (may be empty)
//	"+" "-" "*" "/"  L op R
//	"~"              complement of L
//	"field"          the values selected in Field (of State)
//	"p" "e"          P(Set Field), E(Set Field); Field "" = the modified field
type Elems struct {
	At    int
	Op    string
	L, R  *Elems
	List  []Element
	Field string
	State string
	Set   *SetExpr // of P and E, nil = current selection
}

// ElementKind tells how an element of {...} matches.
type ElementKind uint8

// Kinds of elements.
const (
	Word   ElementKind = iota // bare word: whole text, without case
	Number                    // by number
	Exact                     // 'literal'
	Search                    // "search" or [search]
)

// An Element is one item of an element list.
type Element struct {
	At   int
	Kind ElementKind
	Text string
	Num  float64 // Number
}

// An Error is a syntax error at a byte offset of the source.
type Error struct {
	At  int
	Msg string
}

// Error implements error: the message without the offset.
func (e *Error) Error() string { return e.Msg }
