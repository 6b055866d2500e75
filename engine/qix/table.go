package qix

import (
	"slices"
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
	// A request that selects makes those that show pointless that came before
	// it: what they show is over.
	selects, shows bool
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
	session.Doc:              overtaking(docMethods),
	session.Field:            overtaking(showing(fieldMethods)),
	session.GenericObject:    marked(overtaking(showing(objectMethods)), shown, func(m *method) { m.shows = true }),
	session.GenericDimension: merge(itemMethods, dimensionMethods),
	session.GenericMeasure:   merge(itemMethods, measureMethods),
	session.GenericBookmark:  overtaking(merge(itemMethods, bookmarkMethods)),
	session.GenericVariable:  merge(itemMethods, variableMethods),
	session.Variable:         legacyVariableMethods,
}

// showing marks methods whose answers show data.
func showing(set map[string]method) map[string]method {
	return marked(set, nil, func(m *method) { m.data = true })
}

// marked changes the methods of a set with the names, or all of them.
func marked(set map[string]method, names []string, change func(*method)) map[string]method {
	out := map[string]method{}
	for name, m := range set {
		if names == nil || slices.Contains(names, name) {
			change(&m)
		}
		out[name] = m
	}
	return out
}

// selecting are the methods by which users select, whatever their class.
var selecting = []string{
	"ClearAll", "Back", "Forward", "Apply", "ApplyBookmark", "SelectAssociations", // of the app and of bookmarks
	"Select", "ToggleSelect", "SelectValues", "LowLevelSelect", "SelectAll", "SelectPossible", "SelectAlternative", "SelectExcluded",
	"Clear", "ClearAllButThis", // of fields
	"SelectListObjectValues", "SelectListObjectAll", "SelectListObjectPossible", "SelectListObjectAlternative", "SelectListObjectExcluded",
	"SelectListObjectContinuousRange", "SelectHyperCubeValues", "SelectHyperCubeCells", "SelectPivotCells", "SelectHyperCubeContinuousRange",
	"RangeSelectHyperCubeValues", "MultiRangeSelectHyperCubeValues", "ClearSelections", // of objects
}

// shown are the methods of objects that answer what a selection leaves.
var shown = []string{
	"GetLayout", "GetListObjectData", "GetHyperCubeData", "GetHyperCubeReducedData", "GetHyperCubePivotData", "GetHyperCubeStackData",
}

// overtaking marks the methods that overtake others.
func overtaking(set map[string]method) map[string]method {
	return marked(set, selecting, func(m *method) { m.selects = true })
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
