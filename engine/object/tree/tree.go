// Package tree holds JSON values whose object members keep their order.
//
// Properties of generic objects are any JSON a client likes to store, and they
// travel back member by member in the order they came. A [Node] is immutable
// once built; edits copy the way from the root to the edited place and share
// the rest, so a tree may be read by any number of goroutines.
package tree

import (
	"math"
	"strconv"
	"strings"
)

// Kind is the JSON type of a node.
type Kind uint8

// The kinds of JSON.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// A Node is one JSON value. The nil *Node reads as a missing value: all
// reading methods accept it.
type Node struct {
	kind  Kind
	flag  bool     // Bool
	text  string   // String: the text; Number: as written
	keys  []string // Object: names, one per item
	items []*Node  // Array and Object
}

// A Member is one name and value of an object.
type Member struct {
	Key   string
	Value *Node
}

// Values without content are shared: trees never change.
var (
	nullNode   = &Node{kind: Null}
	trueNode   = &Node{kind: Bool, flag: true}
	falseNode  = &Node{kind: Bool}
	emptyText  = &Node{kind: String}
	emptyArray = &Node{kind: Array}
	emptyObj   = &Node{kind: Object}
)

// NewNull returns null.
func NewNull() *Node { return nullNode }

// NewBool returns true or false.
func NewBool(b bool) *Node {
	if b {
		return trueNode
	}
	return falseNode
}

// NewString returns a string.
func NewString(s string) *Node {
	if s == "" {
		return emptyText
	}
	return &Node{kind: String, text: s}
}

// NewInt returns an integer.
func NewInt(i int) *Node { return &Node{kind: Number, text: strconv.Itoa(i)} }

// NewFloat returns a number; what JSON cannot write becomes "NaN",
// "Infinity" or "-Infinity", as the protocol has it.
func NewFloat(f float64) *Node {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return NewString(notFinite(f))
	}
	return &Node{kind: Number, text: string(AppendFloat(nil, f))}
}

// NewArray returns an array.
func NewArray(items ...*Node) *Node {
	if len(items) == 0 {
		return emptyArray
	}
	return &Node{kind: Array, items: items}
}

// NewStrings returns an array of strings.
func NewStrings(texts ...string) *Node {
	items := make([]*Node, len(texts))
	for i, s := range texts {
		items[i] = NewString(s)
	}
	return NewArray(items...)
}

// NewObject returns an object with members in the given order.
func NewObject(members ...Member) *Node {
	if len(members) == 0 {
		return emptyObj
	}
	n := &Node{kind: Object, keys: make([]string, len(members)), items: make([]*Node, len(members))}
	for i, m := range members {
		n.keys[i], n.items[i] = m.Key, m.Value
	}
	return n
}

// Kind returns the JSON type; a missing value is Null.
func (n *Node) Kind() Kind {
	if n == nil {
		return Null
	}
	return n.kind
}

// IsNull reports whether n is missing or null.
func (n *Node) IsNull() bool { return n == nil || n.kind == Null }

// Len returns the number of items or members.
func (n *Node) Len() int {
	if n == nil {
		return 0
	}
	return len(n.items)
}

// Item returns item or member value i.
func (n *Node) Item(i int) *Node { return n.items[i] }

// Key returns the name of member i.
func (n *Node) Key(i int) string { return n.keys[i] }

// Items returns the items of an array, nothing for other kinds. The caller
// does not change the slice.
func (n *Node) Items() []*Node {
	if n.Kind() != Array {
		return nil
	}
	return n.items
}

// index finds a member; of a name given twice the last one counts.
func (n *Node) index(key string) int {
	if n.Kind() != Object {
		return -1
	}
	for i := len(n.keys) - 1; i >= 0; i-- {
		if n.keys[i] == key {
			return i
		}
	}
	return -1
}

// Get returns the member of an object, nil when there is none.
func (n *Node) Get(key string) *Node {
	if i := n.index(key); i >= 0 {
		return n.items[i]
	}
	return nil
}

// Has reports whether an object has the member.
func (n *Node) Has(key string) bool { return n.index(key) >= 0 }

// Str returns the text of a string, "" for anything else.
func (n *Node) Str() string {
	if n.Kind() == String {
		return n.text
	}
	return ""
}

// Truth returns the value of a bool, and whether a number is not zero: old
// clients write 0 and 1.
func (n *Node) Truth() bool {
	switch n.Kind() {
	case Bool:
		return n.flag
	case Number:
		return n.Float() != 0
	default:
		return false
	}
}

// Float returns the number, also of a string that reads as one ("NaN").
// Anything else is 0.
func (n *Node) Float() float64 {
	switch n.Kind() {
	case Number:
		f, _ := strconv.ParseFloat(n.text, 64) // out of range gives an infinity: fine
		return f
	case String:
		if f, err := strconv.ParseFloat(n.text, 64); err == nil {
			return f
		}
	case Bool:
		if n.flag {
			return 1
		}
	}
	return 0
}

// Int returns the number cut to an int within 32 bits, which is the widest
// integer of the protocol.
func (n *Node) Int() int {
	f := n.Float()
	switch {
	case math.IsNaN(f):
		return 0
	case f > math.MaxInt32:
		return math.MaxInt32
	case f < math.MinInt32:
		return math.MinInt32
	}
	return int(f)
}

// IntOr returns the number, or alt where n is missing or null.
func (n *Node) IntOr(alt int) int {
	if n.IsNull() {
		return alt
	}
	return n.Int()
}

// Strings returns the texts of an array of strings.
func (n *Node) Strings() []string {
	var out []string
	for _, item := range n.Items() {
		out = append(out, item.Str())
	}
	return out
}

// Ints returns the numbers of an array.
func (n *Node) Ints() []int {
	var out []int
	for _, item := range n.Items() {
		out = append(out, item.Int())
	}
	return out
}

// With returns the object with one member set: in its place when it exists,
// else at the end. What is not an object counts as an empty one.
func (n *Node) With(key string, v *Node) *Node {
	out, room, at := &Node{kind: Object}, 1, -1
	if n.Kind() == Object {
		if at = n.index(key); at >= 0 {
			room = 0
		}
		room += len(n.keys) // no more: trees live long, and in every session
		out.keys = append(make([]string, 0, room), n.keys...)
		out.items = append(make([]*Node, 0, room), n.items...)
	}
	if at >= 0 {
		out.items[at] = v
		return out
	}
	out.keys, out.items = append(out.keys, key), append(out.items, v)
	return out
}

// WithFirst is With, but a new member goes to the front.
func (n *Node) WithFirst(key string, v *Node) *Node {
	if n.Has(key) {
		return n.With(key, v)
	}
	out := &Node{kind: Object, keys: []string{key}, items: []*Node{v}}
	if n.Kind() == Object {
		out.keys, out.items = append(out.keys, n.keys...), append(out.items, n.items...)
	}
	return out
}

// Without returns the object without a member.
func (n *Node) Without(key string) *Node {
	if !n.Has(key) {
		return n
	}
	out := &Node{kind: Object}
	for i, k := range n.keys {
		if k != key {
			out.keys, out.items = append(out.keys, k), append(out.items, n.items[i])
		}
	}
	return out
}

// Merge returns base overlaid by n: members of n win, objects are merged
// member by member, everything else is replaced.
func (n *Node) Merge(base *Node) *Node {
	if n.Kind() != Object || base.Kind() != Object {
		if n == nil {
			return base
		}
		return n
	}
	out := base
	for i, k := range n.keys {
		out = out.With(k, n.items[i].Merge(base.Get(k)))
	}
	return out
}

// Equal reports whether two values are the same JSON, order of members
// included.
func Equal(a, b *Node) bool {
	if a == b {
		return true
	}
	if a.Kind() != b.Kind() || a.IsNull() {
		return a.Kind() == b.Kind()
	}
	if a.flag != b.flag || a.text != b.text || len(a.items) != len(b.items) {
		return false
	}
	for i := range a.items {
		if a.kind == Object && a.keys[i] != b.keys[i] || !Equal(a.items[i], b.items[i]) {
			return false
		}
	}
	return true
}

// Contains reports whether any string or member name of the tree holds the
// text, without case. An empty text is nowhere.
func (n *Node) Contains(text string) bool {
	return text != "" && n.contains(strings.ToLower(text))
}

func (n *Node) contains(lower string) bool {
	switch n.Kind() {
	case String:
		return strings.Contains(strings.ToLower(n.text), lower)
	case Array, Object:
		for _, item := range n.items {
			if item.contains(lower) {
				return true
			}
		}
	}
	return false
}
