package script

import "fmt"

// A node is a statement or a control structure.
type node interface {
	// start returns the statement the node begins with.
	start() *statement
}

func (s *statement) start() *statement { return s }

type (
	// ifNode is IF: the first branch whose condition holds.
	ifNode struct {
		*statement
		branches []branch
	}
	branch struct {
		cond *statement // IF or ELSEIF; nil for ELSE
		body []node
	}
	// loopNode is FOR, FOR EACH or DO.
	loopNode struct {
		*statement
		body []node
		last *statement // NEXT or LOOP
	}
	// switchNode is SWITCH.
	switchNode struct {
		*statement
		branches []branch // cond is CASE; nil for DEFAULT
	}
	// subNode is SUB, which defines a subroutine when it is reached.
	subNode struct {
		*statement
		body []node
	}
)

// blockDepthMax bounds the nesting of control structures.
const blockDepthMax = 200

// blockParser builds the tree of control structures.
type blockParser struct {
	split splitter
	depth int
}

// parseBlocks cuts a whole script.
func parseBlocks(t *text) ([]node, error) {
	p := &blockParser{split: splitter{t: t}}
	nodes, end, err := p.block()
	if err != nil {
		return nil, err
	}
	if end != nil {
		return nil, errorIn(end, fmt.Errorf("%s without its beginning", end.key))
	}
	return nodes, nil
}

// block reads nodes up to a closing control word, which it returns; nil at
// the end of the script.
func (p *blockParser) block() ([]node, *statement, error) {
	var nodes []node
	for {
		s, err := p.split.next()
		if err != nil || s == nil {
			return nodes, nil, err
		}
		switch s.key {
		case "ELSEIF", "ELSE", "ENDIF", "NEXT", "LOOP", "CASE", "DEFAULT", "ENDSWITCH", "ENDSUB":
			return nodes, s, nil
		}
		n, err := p.node(s)
		if err != nil {
			return nil, nil, err
		}
		nodes = append(nodes, n)
	}
}

// node reads what belongs to s.
func (p *blockParser) node(s *statement) (node, error) {
	if p.depth++; p.depth > blockDepthMax {
		return nil, errorIn(s, fmt.Errorf("control statements are nested deeper than %d", blockDepthMax))
	}
	defer func() { p.depth-- }()
	switch s.key {
	case "IF":
		branches, err := p.branches(s, "ELSEIF", "ELSE", "ENDIF", s)
		return &ifNode{s, branches}, err
	case "SWITCH":
		branches, err := p.branches(s, "CASE", "DEFAULT", "ENDSWITCH", nil)
		return &switchNode{s, branches}, err
	case "FOR":
		body, last, err := p.body(s, "NEXT")
		return &loopNode{s, body, last}, err
	case "DO":
		body, last, err := p.body(s, "LOOP")
		return &loopNode{s, body, last}, err
	case "SUB":
		body, _, err := p.body(s, "ENDSUB")
		return &subNode{s, body}, err
	}
	return s, nil
}

// body reads a block that ends with the given word.
func (p *blockParser) body(s *statement, end keyword) ([]node, *statement, error) {
	body, last, err := p.block()
	switch {
	case err != nil:
		return nil, nil, err
	case last == nil:
		return nil, nil, errorIn(s, fmt.Errorf("%s without %s", s.key, end))
	case last.key != end:
		return nil, nil, errorIn(last, fmt.Errorf("%s where the %s of line %d needs %s", last.key, s.key, s.place(0).Line, end))
	}
	return body, last, nil
}

// branches reads the clauses of IF or SWITCH up to end. The first clause has
// the condition first; with none, statements before it are an error.
func (p *blockParser) branches(s *statement, more, other, end keyword, first *statement) ([]branch, error) {
	var out []branch
	cond := first
	started := first != nil
	for {
		body, last, err := p.block()
		switch {
		case err != nil:
			return nil, err
		case last == nil:
			return nil, errorIn(s, fmt.Errorf("%s without %s", s.key, end))
		case !started && len(body) > 0:
			return nil, errorIn(body[0].start(), fmt.Errorf("statement before the first %s", more))
		case started:
			out = append(out, branch{cond, body})
		}
		started = true
		switch last.key {
		case end:
			return out, nil
		case more:
			cond = last
		case other:
			cond = nil
		default:
			return nil, errorIn(last, fmt.Errorf("%s where the %s of line %d needs %s", last.key, s.key, s.place(0).Line, end))
		}
	}
}
