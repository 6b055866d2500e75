package filter

import (
	"cmp"
	"encoding/json"
	"math/big"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// Lookup returns the document of an entity, base fields included, or nil.
type Lookup func(id string) map[string]any

// Matches tests a document in its stored form with its base fields added.
// It follows the meaning in the package comment word by word, and is what the
// SQL is tested against; it serves a few documents, not many.
func (p *Predicate) Matches(doc map[string]any, lookup Lookup) bool {
	switch {
	case p == nil:
		return true
	case p.and != nil:
		for _, kid := range p.and {
			if !kid.Matches(doc, lookup) {
				return false
			}
		}
		return true
	case p.or != nil:
		for _, kid := range p.or {
			if kid.Matches(doc, lookup) {
				return true
			}
		}
		return false
	case p.not != nil:
		return !p.not.Matches(doc, lookup)
	case p.always != nil:
		return *p.always
	case p.behind != nil:
		return p.isBehind(doc, lookup)
	case p.among != nil:
		return p.isAmong(doc, lookup)
	}
	for _, v := range values(doc, p.path, lookup) {
		if fits(v, p.op, &p.value) {
			return true
		}
	}
	return false
}

// values returns what path leads to from doc.
func values(doc map[string]any, path []step, lookup Lookup) []any {
	st, rest := path[0], path[1:]
	value := doc[st.field.Name]
	if !st.field.List {
		return follow(st, value, rest, lookup)
	}
	var all []any
	items, _ := value.([]any)
	for _, item := range items {
		if st.custom != "" && !hasDefinition(item, st.custom, lookup) {
			continue
		}
		all = append(all, follow(st, item, rest, lookup)...)
	}
	return all
}

// follow goes on from one value of a field.
func follow(st step, value any, rest []step, lookup Lookup) []any {
	object, _ := value.(map[string]any)
	switch {
	case st.field.Kind == schema.Reference && len(rest) == 0:
		return []any{object[schema.ID]}
	case st.field.Kind == schema.Reference:
		id, _ := object[schema.ID].(string)
		target := lookup(id)
		if target == nil {
			return []any{nil}
		}
		return values(target, rest, lookup)
	case st.field.Kind == schema.Embedded && len(rest) > 0:
		return values(object, rest, lookup)
	}
	return []any{value}
}

func hasDefinition(item any, name string, lookup Lookup) bool {
	object, _ := item.(map[string]any)
	ref, _ := object["definition"].(map[string]any)
	id, _ := ref[schema.ID].(string)
	found, _ := lookup(id)["name"].(string)
	return Fold(found) == name
}

// fits compares one value, null as nil, with a literal.
func fits(v any, op Op, lit *literal) bool {
	if v == nil || lit.kind == schema.Date && v == schema.NullDate && lit.null {
		return lit.fitsNull(op)
	}
	if lit.null {
		return op == Ne
	}
	switch lit.kind {
	case schema.Int:
		n, _ := v.(json.Number)
		x, ok := new(big.Rat).SetString(string(n))
		return ok && holds(op, x.Cmp(lit.rat()))
	case schema.Bool:
		return (v == lit.truth) == (op == Eq)
	}
	text, _ := v.(string)
	if lit.kind == schema.Text {
		text = Fold(text)
	}
	switch op {
	case Sw:
		return strings.HasPrefix(text, lit.text)
	case Ew:
		return strings.HasSuffix(text, lit.text)
	case So:
		return strings.Contains(text, lit.text)
	}
	return holds(op, cmp.Compare(text, lit.text))
}

// holds says what a three-way comparison means for op.
func holds(op Op, order int) bool {
	switch op {
	case Eq:
		return order == 0
	case Ne:
		return order != 0
	case Gt:
		return order > 0
	case Ge:
		return order >= 0
	case Lt:
		return order < 0
	}
	return order <= 0
}
