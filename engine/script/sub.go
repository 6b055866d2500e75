package script

import (
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/storage/dual"
)

// header reads SUB name [(parameters)].
func (n *subNode) header() (name string, params []string, err error) {
	sc := &scanner{src: n.text}
	sc.accept("SUB")
	if name, err = sc.name("the name of the subroutine"); err != nil {
		return "", nil, err
	}
	if sc.mark('(') && !sc.mark(')') {
		if params, err = sc.names("a parameter"); err != nil {
			return "", nil, err
		}
		if err := sc.expect(')'); err != nil {
			return "", nil, err
		}
	}
	return name, params, sc.finish()
}

// define makes a subroutine known.
func (r *runner) define(n *subNode) error {
	name, _, err := n.header()
	if err != nil {
		return err
	}
	r.subs[strings.ToLower(name)] = n
	return nil
}

// An argument of CALL: a value and, where it is a bare name, the variable
// that gets the parameter's value back.
type argument struct {
	value dual.Value
	back  string
}

// call is CALL name [(arguments)].
func (r *runner) call(s *statement) (flow, error) {
	sc := &scanner{src: s.text}
	sc.accept("CALL")
	name, err := sc.name("the name of a subroutine")
	if err != nil {
		return onward, err
	}
	n := r.subs[strings.ToLower(name)]
	if n == nil {
		return onward, fmt.Errorf("subroutine %q is not defined", name)
	}
	var args []argument
	if sc.mark('(') && !sc.mark(')') {
		if args, err = list(sc, func() (argument, error) { return r.argument(sc) }); err != nil {
			return onward, err
		}
		if err := sc.expect(')'); err != nil {
			return onward, err
		}
	}
	if err := sc.finish(); err != nil {
		return onward, err
	}
	return r.enter(n, args)
}

// argument reads one argument; an absent one is NULL.
func (r *runner) argument(sc *scanner) (argument, error) {
	if c := sc.ahead(); c == ',' || c == ')' {
		return argument{}, nil
	}
	at := sc.pos
	n, err := sc.expr()
	if err != nil {
		return argument{}, err
	}
	bare := strings.TrimSpace(sc.src[at:sc.pos])
	switch x := n.(type) {
	case *expr.Field:
		v, _ := r.vars.get(x.Name)
		return argument{v, x.Name}, nil
	case *expr.Literal: // a bare number is the name of a variable, too
		if x.Value.HasNum() {
			if v, ok := r.vars.get(bare); ok {
				return argument{v, bare}, nil
			}
			return argument{dual.New(bare, x.Value.Num), bare}, nil
		}
	}
	v, err := r.compute(n)
	return argument{value: v}, err
}

// enter runs a subroutine with its parameters as local variables.
func (r *runner) enter(n *subNode, args []argument) (flow, error) {
	_, params, err := n.header()
	if err != nil {
		return onward, err
	}
	if len(args) > len(params) {
		return onward, fmt.Errorf("%d arguments for %d parameters", len(args), len(params))
	}
	if r.calls++; r.calls > r.limits.MaxCalls {
		return onward, fmt.Errorf("CALL is nested deeper than %d", r.limits.MaxCalls)
	}
	defer func() { r.calls-- }()
	saved := make([]*Variable, len(params))
	for i, p := range params {
		saved[i] = r.vars.byName[p]
		v := dual.Value{}
		if i < len(args) {
			v = args[i].value
		}
		if err := r.assign(p, v); err != nil {
			return onward, err
		}
	}
	f, err := r.block(n.body)
	if err != nil {
		return onward, err
	}
	final := make([]dual.Value, len(args))
	for i := range args {
		final[i], _ = r.vars.get(params[i])
	}
	for i, p := range params {
		r.vars.restore(p, saved[i])
	}
	for i, a := range args {
		if a.back != "" {
			if err := r.assign(a.back, final[i]); err != nil {
				return onward, err
			}
		}
	}
	return past(f, exitSub), nil
}
