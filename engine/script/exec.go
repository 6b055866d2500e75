package script

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// flow says how the statements of a block ended.
type flow uint8

const (
	onward flow = iota
	exitScript
	exitFor
	exitDo
	exitSub
)

// A cursor walks over the statements of a block. What a dollar expansion
// makes is put in front of the rest.
type cursor struct {
	nodes []node
	queue []node
}

// next returns the next node, nil at the end.
func (c *cursor) next() node {
	if len(c.queue) > 0 {
		n := c.queue[0]
		c.queue = c.queue[1:]
		return n
	}
	if len(c.nodes) == 0 {
		return nil
	}
	n := c.nodes[0]
	c.nodes = c.nodes[1:]
	return n
}

// block runs the statements of a block.
func (r *runner) block(nodes []node) (flow, error) {
	c := &cursor{nodes: nodes}
	for {
		n := c.next()
		if n == nil {
			return onward, nil
		}
		f, err := r.step(c, n)
		if err != nil {
			err = r.ignore(errorIn(n.start(), err))
		}
		if err != nil || f != onward {
			return f, err
		}
	}
}

// step runs one node.
func (r *runner) step(c *cursor, n node) (flow, error) {
	if err := r.ctx.Err(); err != nil {
		return onward, err
	}
	if r.steps++; r.steps > r.limits.MaxSteps {
		return onward, fmt.Errorf("more than %d statements run", r.limits.MaxSteps)
	}
	switch n := n.(type) {
	case *ifNode:
		return r.runIf(n)
	case *loopNode:
		return r.runLoop(n)
	case *switchNode:
		return r.runSwitch(n)
	case *subNode:
		return onward, r.define(n)
	case *statement:
		return r.statement(c, n)
	}
	panic(fmt.Sprintf("script: BUG: node %T", n))
}

// statement expands a statement and runs it.
func (r *runner) statement(c *cursor, s *statement) (flow, error) {
	if in, ok := includeOf(s.text); ok {
		return r.include(in.name, in.must)
	}
	expanded, err := r.expandNodes(s)
	if err != nil {
		return onward, err
	}
	if expanded != nil {
		c.queue = append(expanded, c.queue...)
		return onward, nil
	}
	r.event(Event{Kind: StatementStarted, Line: s.place(0).Line, Text: shorten(s.text)})
	switch s.key {
	case "EXIT":
		return r.exit(s)
	case "CALL":
		return r.call(s)
	}
	return onward, r.run(c, s)
}

// expandNodes expands a statement and cuts the result anew, as a variable may
// hold several statements. It returns nil if there is nothing to expand.
func (r *runner) expandNodes(s *statement) ([]node, error) {
	if s.source.from != nil || !strings.Contains(s.text, "$(") {
		return nil, nil
	}
	src, err := r.expand(withoutComments(s.text, isSet(s.text)))
	if err != nil {
		return nil, err
	}
	nodes, err := parseBlocks(&text{src: src, file: s.source.file, from: s})
	if nodes == nil {
		nodes = []node{}
	}
	return nodes, err
}

func isSet(text string) bool {
	sc := scanner{src: text}
	return sc.is("set", "trace")
}

// expanded returns the text of a control statement behind its first words,
// expanded.
func (r *runner) expanded(s *statement) (*scanner, error) {
	src := s.text
	if s.source.from == nil {
		var err error
		if src, err = r.expand(src); err != nil {
			return nil, err
		}
	}
	return &scanner{src: src}, nil
}

// ignore decides what becomes of an error: in ErrorMode 0 it is noted and the
// script goes on. Not so in the access section: with a table less, everybody
// would see more.
func (r *runner) ignore(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	r.vars.scriptError(e.Err.Error())
	if r.vars.number("ErrorMode") != 0 || r.section == r.access {
		return err
	}
	r.errors = append(r.errors, e)
	r.event(Event{Kind: ErrorIgnored, Line: e.Line, Text: e.Error()})
	return nil
}

// after returns the statement that follows a preceding load, expanded.
func (r *runner) after(c *cursor) (*statement, error) {
	for {
		s, ok := c.next().(*statement)
		if !ok {
			return nil, errors.New("LOAD without a source: want FROM, INLINE, RESIDENT, AUTOGENERATE, or a LOAD or SELECT after it")
		}
		nodes, err := r.expandNodes(s)
		if err != nil {
			return nil, err
		}
		if nodes == nil {
			return s, nil
		}
		c.queue = append(nodes, c.queue...)
	}
}
