package script

import (
	"fmt"
	"math"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// condition evaluates the expression ahead.
func (r *runner) condition(sc *scanner) (bool, error) {
	v, err := r.value(sc)
	return r.truth(v), err
}

// truth reads texts as numbers, as the operators do.
func (r *runner) truth(v dual.Value) bool {
	x := r.fn.Locale.Num(v)
	return !math.IsNaN(x) && x != 0
}

// runIf runs the first branch whose condition holds.
func (r *runner) runIf(n *ifNode) (flow, error) {
	for _, b := range n.branches {
		if b.cond != nil {
			ok, err := r.clause(b.cond)
			if err != nil {
				return onward, errorIn(b.cond, err)
			}
			if !ok {
				continue
			}
		}
		return r.block(b.body)
	}
	return onward, nil
}

// clause evaluates the condition of IF or ELSEIF.
func (r *runner) clause(s *statement) (bool, error) {
	sc, err := r.expanded(s)
	if err != nil {
		return false, err
	}
	sc.acceptAny("IF", "ELSEIF")
	ok, err := r.condition(sc)
	if err != nil {
		return false, err
	}
	return ok, sc.expectWord("THEN")
}

// runSwitch runs the first branch with an equal value.
func (r *runner) runSwitch(n *switchNode) (flow, error) {
	sc, err := r.expanded(n.statement)
	if err != nil {
		return onward, err
	}
	sc.accept("SWITCH")
	v, err := r.value(sc)
	if err != nil {
		return onward, err
	}
	for _, b := range n.branches {
		ok, err := r.matches(b.cond, v)
		if err != nil {
			return onward, errorIn(b.cond, err)
		}
		if ok {
			return r.block(b.body)
		}
	}
	return onward, nil
}

// matches reports whether CASE lists a value equal to v; DEFAULT (nil) does.
func (r *runner) matches(s *statement, v dual.Value) (bool, error) {
	if s == nil {
		return true, nil
	}
	sc, err := r.expanded(s)
	if err != nil {
		return false, err
	}
	sc.accept("CASE")
	values, err := list(sc, func() (dual.Value, error) { return r.value(sc) })
	if err != nil {
		return false, err
	}
	equal := fn.Binary("=")
	for _, x := range values {
		if equal(r.fn, v, x).True() {
			return true, nil
		}
	}
	return false, sc.finish()
}

// exit is EXIT SCRIPT | FOR | DO | SUB [WHEN | UNLESS condition].
func (r *runner) exit(s *statement) (flow, error) {
	sc := &scanner{src: s.text}
	sc.accept("EXIT")
	f := map[string]flow{"SCRIPT": exitScript, "FOR": exitFor, "DO": exitDo, "SUB": exitSub}[sc.acceptAny("SCRIPT", "FOR", "DO", "SUB")]
	if word := sc.acceptAny("WHEN", "UNLESS"); word != "" {
		ok, err := r.condition(sc)
		if err != nil || ok == (word == "UNLESS") {
			return onward, err
		}
	}
	return f, sc.finish()
}

// runLoop runs FOR, FOR EACH and DO.
func (r *runner) runLoop(n *loopNode) (flow, error) {
	if n.key == "DO" {
		return r.runDo(n)
	}
	sc, err := r.expanded(n.statement)
	if err != nil {
		return onward, err
	}
	sc.accept("FOR")
	if save := sc.pos; sc.accept("EACH") {
		if !sc.mark('=') {
			return r.forEach(n, sc)
		}
		sc.pos = save // a variable called each
	}
	return r.forNext(n, sc)
}

// forNext is FOR name = from TO to [STEP step]. The variable keeps the first
// value past the end.
func (r *runner) forNext(n *loopNode, sc *scanner) (flow, error) {
	name, err := sc.name("a variable")
	if err != nil {
		return onward, err
	}
	if err := sc.expect('='); err != nil {
		return onward, err
	}
	from, err := r.number(sc, "start")
	if err != nil {
		return onward, err
	}
	if err := sc.expectWord("TO"); err != nil {
		return onward, err
	}
	to, err := r.number(sc, "end")
	if err != nil {
		return onward, err
	}
	step := 1.0
	if sc.accept("STEP") {
		if step, err = r.number(sc, "step"); err != nil {
			return onward, err
		}
	}
	if err := sc.finish(); err != nil {
		return onward, err
	}
	if step == 0 {
		return onward, fmt.Errorf("step of FOR %s is 0", name)
	}
	x := from
	for ; (step > 0 && x <= to) || (step < 0 && x >= to); x += step {
		if err := r.assign(name, dual.Number(x)); err != nil {
			return onward, err
		}
		if f, err := r.body(n, exitFor); f != onward || err != nil {
			return past(f, exitFor), err
		}
		// The body may count on the variable itself.
		if v, ok := r.vars.get(name); ok && v.HasNum() {
			x = v.Num
		}
	}
	return onward, r.assign(name, dual.Number(x))
}

// body runs the body of a loop once.
func (r *runner) body(n *loopNode, _ flow) (flow, error) {
	if err := r.ctx.Err(); err != nil {
		return onward, err
	}
	if r.steps++; r.steps > r.limits.MaxSteps {
		return onward, fmt.Errorf("more than %d statements run", r.limits.MaxSteps)
	}
	return r.block(n.body)
}

// past turns the exit that a loop waits for into going on behind it.
func past(f, own flow) flow {
	if f == own {
		return onward
	}
	return f
}

// number evaluates a limit of a loop.
func (r *runner) number(sc *scanner, what string) (float64, error) {
	at := sc.pos
	v, err := r.value(sc)
	if err != nil {
		return 0, err
	}
	x := r.fn.Locale.Num(v)
	if math.IsNaN(x) {
		return 0, syntaxf(at, "%s of the loop is no number", what)
	}
	return x, nil
}

// forEach is FOR EACH name IN list. The variable keeps the last value.
func (r *runner) forEach(n *loopNode, sc *scanner) (flow, error) {
	name, err := sc.name("a variable")
	if err != nil {
		return onward, err
	}
	if err := sc.expectWord("IN"); err != nil {
		return onward, err
	}
	items, err := list(sc, func() ([]dual.Value, error) { return r.eachItem(sc) })
	if err != nil {
		return onward, err
	}
	if err := sc.finish(); err != nil {
		return onward, err
	}
	for _, values := range items {
		for _, v := range values {
			if err := r.assign(name, v); err != nil {
				return onward, err
			}
			if f, err := r.body(n, exitFor); f != onward || err != nil {
				return past(f, exitFor), err
			}
		}
	}
	return onward, nil
}

// eachItem reads one item of a FOR EACH list: an expression or a list
// function.
func (r *runner) eachItem(sc *scanner) ([]dual.Value, error) {
	save := sc.pos
	word := sc.acceptAny("FILELIST", "DIRLIST", "FIELDVALUELIST")
	if word == "" || !sc.mark('(') {
		sc.pos = save
		v, err := r.value(sc)
		return []dual.Value{v}, err
	}
	arg, err := r.value(sc)
	if err != nil {
		return nil, err
	}
	if err := sc.expect(')'); err != nil {
		return nil, err
	}
	switch mask := r.show(arg); word {
	case "FILELIST":
		return r.fileList(mask, false)
	case "DIRLIST":
		return r.fileList(mask, true)
	default:
		return r.fieldValues(mask), nil
	}
}

// runDo is DO [WHILE|UNTIL c] ... LOOP [WHILE|UNTIL c].
func (r *runner) runDo(n *loopNode) (flow, error) {
	for {
		if more, err := r.again(n.statement, "DO"); err != nil || !more {
			return onward, err
		}
		if f, err := r.body(n, exitDo); f != onward || err != nil {
			return past(f, exitDo), err
		}
		if more, err := r.again(n.last, "LOOP"); err != nil || !more {
			return onward, errorIn(n.last, err)
		}
	}
}

// again evaluates the condition behind DO or LOOP, if there is one.
func (r *runner) again(s *statement, word string) (bool, error) {
	sc, err := r.expanded(s)
	if err != nil {
		return false, err
	}
	sc.accept(word)
	kind := sc.acceptAny("WHILE", "UNTIL")
	if kind == "" {
		return true, sc.finish()
	}
	ok, err := r.condition(sc)
	return ok == (kind == "WHILE"), err
}
