package session

import (
	"fmt"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// extendsMax bounds chains of objects that extend each other.
const extendsMax = 20

// Item returns a session object or an item of the app, nil if there is none.
func (s *Session) Item(id string) *object.Item {
	if it := s.objects.Get(id); it != nil {
		return it
	}
	return s.stored(id)
}

// ItemOf returns the item of a reference.
func (s *Session) ItemOf(r *Ref) (*object.Item, error) {
	if it := s.Item(r.ID); it != nil {
		return it, nil
	}
	return nil, fmt.Errorf("%w: %s", object.ErrNotFound, r.ID)
}

// IsSessionObject reports whether the item belongs to this session alone.
func (s *Session) IsSessionObject(id string) bool { return s.objects.Get(id) != nil }

// Open returns a handle of the item of a kind, nil if there is none.
func (s *Session) Open(kind object.Kind, id string) *Ref {
	it := s.Item(id)
	if it == nil || it.Kind != kind {
		return nil
	}
	return s.open(it)
}

func (s *Session) open(it *object.Item) *Ref {
	return s.handles.open(Ref{Class: ClassOf(it.Kind), ID: it.ID, Type: it.Type}, refDeps(it.Kind, s.effective(it)))
}

// OpenVariable returns a handle of the variable of a name; legacy handles have
// the methods of the old class.
func (s *Session) OpenVariable(name string, legacy bool) *Ref {
	it := s.VariableItem(name)
	switch {
	case it == nil:
		return nil
	case legacy:
		return s.handles.open(Ref{Class: Variable, ID: name}, object.Deps{})
	}
	return s.open(it)
}

// VariableItem returns the variable of a name: the session's own first.
func (s *Session) VariableItem(name string) *object.Item {
	if it := s.objects.Variable(name); it != nil {
		return it
	}
	return s.app.Items.Variable(name)
}

// CreateSession makes an object or variable of this session only.
func (s *Session) CreateSession(kind object.Kind, props *tree.Node) (*Ref, error) {
	if id := props.Get("qInfo").Get("qId").Str(); id != "" && kind == object.Generic && s.objects.Get(id) != nil {
		return s.replaceSession(id, props)
	}
	it, err := object.NewItem(kind, props, app.NewID, s.app.Now())
	if err != nil {
		return nil, err
	}
	if kind == object.Variable && s.VariableItem(it.Name()) != nil {
		return nil, fmt.Errorf("%w: %s", app.ErrVariable, it.Name())
	}
	if err := s.objects.Add(it); err != nil {
		return nil, err
	}
	return s.open(it), nil
}

// replaceSession gives a session object of an id new properties: clients that
// come back after a lost connection create theirs again.
func (s *Session) replaceSession(id string, props *tree.Node) (*Ref, error) {
	if err := s.SetProperties(id, props); err != nil {
		return nil, err
	}
	return s.open(s.objects.Get(id)), nil
}

// Create makes an item of the app.
func (s *Session) Create(kind object.Kind, props *tree.Node, state *tree.Node) (*Ref, error) {
	it, err := s.create(kind, props, "", state)
	if err != nil {
		return nil, err
	}
	return s.open(it), nil
}

// CreateChild makes a child of an object; in the session if the parent is
// there.
func (s *Session) CreateChild(parent string, props *tree.Node) (*Ref, error) {
	if !s.IsSessionObject(parent) {
		it, err := s.create(object.Generic, props, parent, nil)
		if err != nil {
			return nil, err
		}
		return s.open(it), nil
	}
	it, err := object.NewItem(object.Generic, props, app.NewID, s.app.Now())
	if err != nil {
		return nil, err
	}
	it.Parent = parent
	if err := s.objects.Add(it); err != nil {
		return nil, err
	}
	s.objectChanged(parent)
	return s.open(it), nil
}

// Destroy removes an item and reports whether it was there.
func (s *Session) Destroy(kind object.Kind, id string) bool {
	it := s.objects.OfKind(kind, id)
	if it == nil {
		a, err := s.may(id, DestroyObject)
		return err == nil && a.Destroy(kind, id)
	}
	s.handles.onEvent(app.Event{Kind: app.ItemRemoved, Item: it, Gone: s.objects.Remove(id)})
	delete(s.soft, id)
	if s.modal != nil && s.modal.object == id {
		s.modal = nil
	}
	return true
}

// SetProperties replaces the properties of an item.
func (s *Session) SetProperties(id string, props *tree.Node) error {
	it, err := s.change(id, func(it *object.Item) (*object.Item, error) { return it.WithProps(props, s.app.Now()) })
	if err != nil {
		return err
	}
	s.refresh(it)
	return nil
}

func (s *Session) change(id string, f func(*object.Item) (*object.Item, error)) (*object.Item, error) {
	if !s.IsSessionObject(id) {
		a, err := s.may(id, ChangeObject)
		if err != nil {
			return nil, err
		}
		return a.ChangeItem(id, f)
	}
	it, err := s.objects.Update(id, f)
	if err == nil {
		s.handles.onEvent(app.Event{Kind: app.ItemChanged, Item: it})
	}
	return it, err
}

// refresh notes the dependencies of an object with new properties.
func (s *Session) refresh(it *object.Item) {
	if it.Kind == object.Generic {
		s.handles.setDeps(it.ID, object.DepsOf(s.effective(it)))
	}
}

// Effective returns the properties that count: extended and patched.
func (s *Session) Effective(it *object.Item) *tree.Node { return s.effective(it) }

func (s *Session) effective(it *object.Item) *tree.Node {
	props := it.Props
	for up, n := it, 0; n < extendsMax; n++ {
		id := up.Props.Get("qExtendsId").Str()
		if up = s.Item(id); id == "" || up == nil {
			break
		}
		props = props.Merge(up.Props)
	}
	for _, p := range s.soft[it.ID] {
		if next, err := props.Patch(p.op, p.path, p.value); err == nil { // it fitted when it was made
			props = next
		}
	}
	return props
}

// A Patch is an edit of properties as clients send it.
type Patch struct {
	Op    tree.Op
	Path  string
	Value *tree.Node
}

// softMax bounds the soft patches of one object.
const softMax = 1000

// ApplyPatches edits the properties of an item, softly for this session only.
// Either all patches are done or none.
func (s *Session) ApplyPatches(id string, patches []Patch, soft bool) error {
	it := s.Item(id)
	if it == nil {
		return fmt.Errorf("%w: %s", object.ErrNotFound, id)
	}
	props := it.Props
	if soft {
		props = s.effective(it)
	}
	var err error
	for _, p := range patches {
		if props, err = props.Patch(p.Op, p.Path, p.Value); err != nil {
			return err
		}
	}
	if !soft {
		return s.SetProperties(id, props)
	}
	list := s.soft[id]
	for _, p := range patches {
		list = append(list, softPatch{p.Op, p.Path, p.Value})
	}
	if len(list) > softMax { // the sum of all patches is one that replaces everything
		list = []softPatch{{tree.Replace, "/", object.Expand(it.Kind, props)}}
	}
	s.soft[id] = list
	s.refresh(it)
	s.objectChanged(id)
	return nil
}

// ClearSoftPatches drops the soft patches of an object.
func (s *Session) ClearSoftPatches(id string) {
	if len(s.soft[id]) == 0 {
		return
	}
	delete(s.soft, id)
	if it := s.Item(id); it != nil {
		s.refresh(it)
	}
	s.objectChanged(id)
}

// ClearAllSoftPatches drops the soft patches of all objects.
func (s *Session) ClearAllSoftPatches() {
	for id := range s.soft {
		s.ClearSoftPatches(id)
	}
}

// Children returns the children of an item in order.
func (s *Session) Children(it *object.Item) []*object.Item {
	var out []*object.Item
	for _, id := range it.Children {
		if c := s.Item(id); c != nil {
			out = append(out, c)
		}
	}
	return out
}

// treeMax bounds the depth of a tree of objects.
const treeMax = 50

// FullTree returns the properties of an object with all its descendants.
func (s *Session) FullTree(it *object.Item) *tree.Node { return s.fullTree(it, 0) }

func (s *Session) fullTree(it *object.Item, depth int) *tree.Node {
	var children []*tree.Node
	if depth < treeMax {
		for _, c := range s.Children(it) {
			children = append(children, s.fullTree(c, depth+1))
		}
	}
	return tree.NewObject(
		tree.Member{Key: "qProperty", Value: it.Props},
		tree.Member{Key: "qChildren", Value: tree.NewArray(children...)},
		tree.Member{Key: "qEmbeddedSnapshotRef", Value: tree.NewNull()},
	)
}

// SetFullTree replaces the properties of an object and all its descendants.
func (s *Session) SetFullTree(id string, entry *tree.Node) error { return s.setFullTree(id, entry, 0) }

// setFullTree destroys the children that entry does not have, and makes those
// that it has in addition.
func (s *Session) setFullTree(id string, entry *tree.Node, depth int) error {
	if depth > treeMax {
		return fmt.Errorf("%w: objects nested more than %d deep", object.ErrInvalid, treeMax)
	}
	it := s.Item(id)
	if it == nil {
		return fmt.Errorf("%w: %s", object.ErrNotFound, id)
	}
	wanted := map[string]bool{}
	for _, c := range entry.Get("qChildren").Items() {
		wanted[c.Get("qProperty").Get("qInfo").Get("qId").Str()] = true
	}
	for _, c := range it.Children {
		if !wanted[c] {
			s.Destroy(object.Generic, c)
		}
	}
	if err := s.SetProperties(id, entry.Get("qProperty")); err != nil {
		return err
	}
	for _, c := range entry.Get("qChildren").Items() {
		child := c.Get("qProperty").Get("qInfo").Get("qId").Str()
		if old := s.Item(child); old == nil || old.Parent != id {
			ref, err := s.CreateChild(id, c.Get("qProperty"))
			if err != nil {
				return err
			}
			child = ref.ID
		}
		if err := s.setFullTree(child, c, depth+1); err != nil {
			return err
		}
	}
	return nil
}
