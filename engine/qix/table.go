package qix

import (
	"strings"

	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
)

// A param is a parameter of a method. kind is s text, i integer, n number,
// b bool, o object, a array, x anything. A missing one, and null, is the empty
// value of its kind.
type param struct {
	name string
	kind byte
}

// A method is an entry of the method table.
type method struct {
	params []param
	run    func(*call) error
	urgent bool // answered at once, beside the queue; touches no session state
	data   bool // the answer shows data
}

// on describes a method: its parameters as "qName:s qValues:a".
func on(params string, run func(*call) error) method {
	m := method{run: run}
	for _, p := range strings.Fields(params) {
		name, kind, _ := strings.Cut(p, ":")
		m.params = append(m.params, param{name, kind[0]})
	}
	return m
}

// now describes a method that does not wait for others.
func now(params string, run func(*call) error) method {
	m := on(params, run)
	m.urgent = true
	return m
}

// global is the class of handle -1.
const global session.Class = "Global"

// classes is the method table.
var classes = map[session.Class]map[string]method{
	global:                   globalMethods,
	session.Doc:              docMethods,
	session.Field:            showing(fieldMethods),
	session.GenericObject:    showing(objectMethods),
	session.GenericDimension: merge(itemMethods, dimensionMethods),
	session.GenericMeasure:   merge(itemMethods, measureMethods),
	session.GenericBookmark:  merge(itemMethods, bookmarkMethods),
	session.GenericVariable:  merge(itemMethods, variableMethods),
	session.Variable:         legacyVariableMethods,
}

// showing marks methods whose answers show data.
func showing(set map[string]method) map[string]method {
	out := map[string]method{}
	for name, m := range set {
		m.data = true
		out[name] = m
	}
	return out
}

func merge(sets ...map[string]method) map[string]method {
	out := map[string]method{}
	for _, set := range sets {
		for name, m := range set {
			out[name] = m
		}
	}
	return out
}

var empty = map[byte]*tree.Node{
	's': tree.NewString(""), 'i': tree.NewInt(0), 'n': tree.NewInt(0), 'b': tree.NewBool(false),
	'o': tree.NewObject(), 'a': tree.NewArray(), 'x': tree.NewNull(),
}

// bind brings parameters, by position or by name, into the method's order.
func (m *method) bind(params *tree.Node) ([]*tree.Node, *Error) {
	args := make([]*tree.Node, len(m.params))
	for i, p := range m.params {
		var v *tree.Node
		switch {
		case params.Kind() == tree.Object:
			v = params.Get(p.name)
		case i < params.Len():
			v = params.Item(i)
		}
		if v.IsNull() {
			args[i] = empty[p.kind]
			continue
		}
		if !p.accepts(v) {
			return nil, invalid(p.name)
		}
		args[i] = v
	}
	return args, nil
}

func (p *param) accepts(v *tree.Node) bool {
	switch p.kind {
	case 's':
		return v.Kind() == tree.String
	case 'i':
		return v.Kind() == tree.Number
	case 'n':
		return v.Kind() == tree.Number || v.Kind() == tree.String // "NaN"
	case 'b':
		return v.Kind() == tree.Bool || v.Kind() == tree.Number
	case 'o':
		return v.Kind() == tree.Object
	case 'a':
		return v.Kind() == tree.Array
	}
	return true
}
