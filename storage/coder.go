package storage

import "github.com/cognate-bi/cognate/storage/dual"

// A Coder turns vectors into codes of a field of its own, as a [Builder] does
// for a column, but keeps no rows: for grouping. One goroutine uses it at a time.
type Coder struct {
	column columnBuilder
	show   func(dual.Value) string
}

// NewCoder returns a coder of a field without values.
func NewCoder(show func(dual.Value) string) *Coder {
	return &Coder{columnBuilder{field: &Field{Symbols: &Symbols{}}}, show}
}

// Field returns the field: its values in the order in which they came.
func (c *Coder) Field() *Field { return c.column.field }

// Codes writes the codes of the values of v into dst, which is as long.
func (c *Coder) Codes(dst []uint32, v *dual.Vector) error {
	k := &c.column
	k.sole = v.Codes != nil && v.Dict.Distinct && (k.field.Symbols.n == 0 || k.sole && k.dict == v.Dict)
	return k.codesOf(dst[:v.N], v, c.show)
}
