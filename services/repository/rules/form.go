package rules

import (
	"errors"
	"strings"
)

// A Part is one comparison of a condition as an editor's form shows it.
type Part struct{ Property, Operator, Value string }

// A Form is a condition as an editor's form has it: alternatives of parts that
// all hold, of the resource, and of the user; both sides have to hold.
type Form struct {
	ResourceType   string // that the condition asks for, if it does
	Resource, User [][]Part
}

// alternativesMax bounds what brackets are multiplied out to.
const alternativesMax = 64

var (
	errMixed    = errors.New("an alternative speaks of user and resource")
	errNegated  = errors.New("brackets are negated")
	errTooMany  = errors.New("there are too many alternatives")
	errConstant = errors.New("it has a part that is always true or false")
)

// Form returns the condition as a form. An error says what a form cannot show.
func (c *Condition) Form() (*Form, error) {
	kids := []expr{c.root}
	if and, ok := c.root.(*andExpr); ok {
		kids = and.kids
	}
	f := &Form{}
	for _, kid := range kids {
		of := &f.User
		switch roots := rootsOf(kid); {
		case roots[rootResource] && roots[rootUser]:
			return nil, errMixed
		case roots[rootResource] || roots[rootNode]:
			of = &f.Resource
		}
		alternatives, err := alternatives(kid)
		if err != nil {
			return nil, err
		}
		if *of, err = times(*of, alternatives); err != nil {
			return nil, err
		}
		if e, ok := kid.(*compareExpr); ok && strings.EqualFold(e.left.path.String(), "resource.resourcetype") && e.op == opEqual && len(e.right.literals) == 1 {
			f.ResourceType = e.right.literals[0].text
		}
	}
	return f, nil
}

// rootsOf returns whose attributes a condition is about: what a comparison
// compares with does not count.
func rootsOf(e expr) map[string]bool {
	found := map[string]bool{}
	var visit func(expr)
	visit = func(e expr) {
		switch e := e.(type) {
		case *orExpr:
			for _, kid := range e.kids {
				visit(kid)
			}
		case *andExpr:
			for _, kid := range e.kids {
				visit(kid)
			}
		case *notExpr:
			visit(e.kid)
		case *compareExpr:
			found[e.left.path.root] = true
		case *callExpr:
			found[e.path.root] = true
		}
	}
	visit(e)
	return found
}

// alternatives multiplies brackets out.
func alternatives(e expr) ([][]Part, error) {
	switch e := e.(type) {
	case *orExpr:
		var all [][]Part
		for _, kid := range e.kids {
			some, err := alternatives(kid)
			if err != nil {
				return nil, err
			}
			if all = append(all, some...); len(all) > alternativesMax {
				return nil, errTooMany
			}
		}
		return all, nil
	case *andExpr:
		var all [][]Part
		for _, kid := range e.kids {
			some, err := alternatives(kid)
			if err != nil {
				return nil, err
			}
			if all, err = times(all, some); err != nil {
				return nil, err
			}
		}
		return all, nil
	case *notExpr:
		call, ok := e.kid.(*callExpr)
		if !ok {
			return nil, errNegated
		}
		part := partOf(call)
		part.Operator = "!" + part.Operator
		return [][]Part{{part}}, nil
	case *compareExpr:
		return [][]Part{{{e.left.String(), string(e.op), strings.Trim(e.right.String(), `"'`)}}}, nil
	case *callExpr:
		return [][]Part{{partOf(e)}}, nil
	}
	return nil, errConstant
}

func partOf(e *callExpr) Part {
	p := Part{Property: e.path.String(), Operator: e.function}
	if e.function == fnHasPrivilege {
		p.Value = e.action.String()
	}
	return p
}

// times joins every alternative with every other one; none are one without
// parts.
func times(a, b [][]Part) ([][]Part, error) {
	if len(a) == 0 {
		return b, nil
	}
	if len(a)*len(b) > alternativesMax {
		return nil, errTooMany
	}
	var out [][]Part
	for _, x := range a {
		for _, y := range b {
			out = append(out, append(x[:len(x):len(x)], y...))
		}
	}
	return out, nil
}

// Covers reports whether a rule's filter covers any of the ids of a type, or
// the type as a whole.
func (r *Rule) Covers(typeName string, ids []string) bool {
	f, err := ParseFilter(r.Filter)
	if err != nil {
		return false
	}
	c := f.cover(typeName)
	if c.whole {
		return true
	}
	for _, id := range ids {
		if c.fits(id) {
			return true
		}
	}
	return false
}
