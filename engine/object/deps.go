package object

import (
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/object/tree"
)

// Deps is what the layout of an object depends on besides its own
// properties.
type Deps struct {
	Data      bool     // selections and loaded data
	AllStates bool     // of every alternate state (set expressions name them)
	States    []string // of these states
	Lists     []List   // lists of items
	Fields    bool     // the list of fields
	Children  bool     // its own children
	Library   []string // master items and the object that it extends
	props     *tree.Node
}

// A List is a list of items of a kind, and for generic objects of a type; an
// empty type is all of them.
type List struct {
	Kind Kind
	Type string
}

// listDefs are the definitions of lists of items.
var listDefs = map[string]Kind{
	"qAppObjectListDef": Generic, "qDimensionListDef": Dimension, "qMeasureListDef": Measure,
	"qBookmarkListDef": Bookmark, "qVariableListDef": Variable,
}

// dataDefs are the definitions that depend on selections.
var dataDefs = map[string]bool{
	"qHyperCubeDef": true, "qListObjectDef": true, "qSelectionObjectDef": true, "qTreeDataDef": true,
	"qStringExpression": true, "qValueExpression": true,
}

// DepsOf finds what effective properties depend on.
func DepsOf(props *tree.Node) Deps {
	d := Deps{props: props}
	d.walk(props, "$")
	if id := props.Get("qExtendsId").Str(); id != "" {
		d.Library = append(d.Library, id)
	}
	return d
}

func (d *Deps) walk(n *tree.Node, state string) {
	if s := n.Get("qStateName").Str(); s != "" {
		state = s
	}
	for i := range n.Len() {
		v := n.Item(i)
		if n.Kind() == tree.Object {
			d.member(n.Key(i), v, state)
		}
		if v.Kind() == tree.String && strings.Contains(v.Str(), "{") { // may be a set expression
			d.AllStates = true
		}
		if v.Kind() == tree.Object || v.Kind() == tree.Array {
			d.walk(v, state)
		}
	}
}

func (d *Deps) member(key string, v *tree.Node, state string) {
	if kind, ok := listDefs[key]; ok {
		d.Lists = append(d.Lists, List{kind, v.Get("qType").Str()})
	}
	switch {
	case dataDefs[key]:
		d.Data = true
		if s := v.Get("qStateName").Str(); s != "" {
			state = s
		}
		if !slices.Contains(d.States, state) {
			d.States = append(d.States, state)
		}
	case key == "qFieldListDef":
		d.Fields = true
	case key == "qChildListDef":
		d.Children = true
	case key == "qLibraryId" && v.Str() != "":
		d.Library = append(d.Library, v.Str())
	}
}

// OnState reports whether the layout depends on the selections of a state.
func (d *Deps) OnState(name string) bool {
	return d.Data && (d.AllStates || slices.Contains(d.States, name))
}

// OnList reports whether the layout lists items of this kind and type.
func (d *Deps) OnList(kind Kind, typ string) bool {
	return slices.ContainsFunc(d.Lists, func(l List) bool {
		return l.Kind == kind && (l.Type == "" || kind == Variable || strings.EqualFold(l.Type, typ))
	})
}

// OnItem reports whether the layout uses a master item or extends an object.
func (d *Deps) OnItem(id string) bool { return slices.Contains(d.Library, id) }

// OnVariable reports whether the layout may use a variable: its name occurs
// anywhere in the properties.
func (d *Deps) OnVariable(name string) bool { return d.props.Contains(name) }
