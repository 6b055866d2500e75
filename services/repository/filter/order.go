package filter

import "strings"

// An Order is one key of a sort order.
type Order struct {
	Path       []string
	Descending bool
	Pos        int
}

// String writes the key so that it parses to an equal one.
func (o Order) String() string {
	if o.Descending {
		return strings.Join(o.Path, ".") + " desc"
	}
	return strings.Join(o.Path, ".") + " asc"
}

// maxOrder bounds the keys of an order.
const maxOrder = 8

// ParseOrder reads an order: paths with asc or desc behind, separated by
// commas. A blank one is nil. Every error is an *Error.
func ParseOrder(text string) ([]Order, error) {
	p, err := newParser(text)
	if err != nil || p.tok.kind == tokenEnd {
		return nil, err
	}
	var list []Order
	for {
		o, err := p.order()
		if err != nil {
			return nil, err
		}
		if list = append(list, o); len(list) > maxOrder {
			return nil, fail(o.Pos, "more than %d keys", maxOrder)
		}
		switch p.tok.kind {
		case tokenEnd:
			return list, nil
		case tokenComma:
			if err := p.advance(); err != nil {
				return nil, err
			}
		default:
			return nil, fail(p.tok.pos, "want asc, desc, a comma or the end")
		}
	}
}

func (p *parser) order() (Order, error) {
	o := Order{Pos: p.tok.pos}
	var err error
	if o.Path, err = p.path(); err != nil {
		return Order{}, err
	}
	o.Descending = p.isWord("desc")
	if o.Descending || p.isWord("asc") {
		return o, p.advance()
	}
	return o, nil
}
