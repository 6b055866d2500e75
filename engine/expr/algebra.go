package expr

import "strings"

// An algebra reads trees of set operators over operands of one kind: sets, or
// the elements of a modifier.
//
//	sum     = product { (+|-) product }
//	product = factor { (*|/) factor }
//	factor  = - factor | "(" sum ")" | operand
type algebra[T interface{ pos() int }] struct {
	p       *parser
	operand func() (T, error)
	node    func(at int, op string, l, r T) T
}

func (s *SetExpr) pos() int { return s.At }
func (e *Elems) pos() int   { return e.At }

func (a *algebra[T]) sum() (T, error) {
	return a.chain("+-", func() (T, error) { return a.chain("*/", a.factor) })
}

// chain reads operands joined by any operator of ops, left to right.
func (a *algebra[T]) chain(ops string, operand func() (T, error)) (T, error) {
	var none T
	left, err := operand()
	if err != nil {
		return none, err
	}
	for a.p.tok.kind == tokOp && strings.Contains(ops, a.p.tok.text) {
		op := a.p.tok.text
		if err := a.p.advance(); err != nil {
			return none, err
		}
		right, err := operand()
		if err != nil {
			return none, err
		}
		if err := a.p.count(); err != nil {
			return none, err
		}
		left = a.node(left.pos(), op, left, right)
	}
	return left, nil
}

// factor reads an operand or a bracketed sum, with an optional complement.
func (a *algebra[T]) factor() (T, error) {
	var none T
	if err := a.p.enter(); err != nil {
		return none, err
	}
	defer a.p.leave()
	at := a.p.tok.at
	switch {
	case a.p.tok.is("-"):
		if err := a.p.advance(); err != nil {
			return none, err
		}
		x, err := a.factor()
		if err != nil {
			return none, err
		}
		return a.node(at, "~", x, none), nil
	case a.p.tok.is("("):
		if err := a.p.advance(); err != nil {
			return none, err
		}
		x, err := a.sum()
		if err != nil {
			return none, err
		}
		return x, a.p.expect(")")
	}
	return a.operand()
}
