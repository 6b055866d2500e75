package repository

import (
	"container/list"
	"fmt"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// An Item is an entity of a selection.
type Item struct {
	Type       string `json:"type"`
	ObjectID   string `json:"objectID"`
	ObjectName string `json:"objectName"`
}

const (
	selectionsMax = 1000      // that are kept; the oldest goes
	ownMax        = 50        // of one caller; his oldest goes
	itemsMax      = 10_000    // of one
	itemsKept     = 1_000_000 // of all
	itemMaxLen    = 200       // of type and id
)

// selections are the selections of callers, kept in this process.
type selections struct {
	mu    sync.Mutex
	byKey map[string]*list.Element // by caller and id
	order list.List                // of *selection, the newest first
	items int                      // of all
}

type selection struct {
	key, caller string
	items       []Item
}

func selectionKey(c *Caller, id string) string { return c.String() + "\x00" + id }

// Select keeps a selection of the caller and returns its id.
func (r *Repository) Select(c *Caller, items []Item) (id string, err error) {
	if len(items) > itemsMax {
		return "", fmt.Errorf("a selection of %d entities: at most %d are possible: %w", len(items), itemsMax, ErrInvalid)
	}
	kept := make([]Item, len(items))
	for i, item := range items {
		if len(item.Type)+len(item.ObjectID) > itemMaxLen {
			return "", fmt.Errorf("item %d of a selection is no entity: %w", i, ErrInvalid)
		}
		kept[i] = Item{Type: item.Type, ObjectID: item.ObjectID}
	}
	id = uuid.NewString()
	r.selections.add(&selection{selectionKey(c, id), c.String(), kept})
	return id, nil
}

// add keeps a selection and drops those that are too many.
func (s *selections) add(x *selection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byKey == nil {
		s.byKey = map[string]*list.Element{}
	}
	own := 0
	var oldest *list.Element
	for e := s.order.Front(); e != nil; e = e.Next() {
		if e.Value.(*selection).caller == x.caller {
			own, oldest = own+1, e
		}
	}
	if own >= ownMax {
		s.drop(oldest)
	}
	s.byKey[x.key] = s.order.PushFront(x)
	for s.items += len(x.items); s.order.Len() > selectionsMax || s.items > itemsKept; {
		s.drop(s.order.Back())
	}
}

// Selected returns what a selection of the caller holds.
func (r *Repository) Selected(c *Caller, id string) ([]Item, error) {
	s := &r.selections
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byKey[selectionKey(c, id)]
	if e == nil {
		return nil, fmt.Errorf("selection %s: %w", id, ErrNotFound)
	}
	return e.Value.(*selection).items, nil
}

// Choose narrows a query of a type to the entities of a selection.
func (r *Repository) Choose(q *Query, t *schema.Type, items []Item) {
	q.IDs = []string{}
	for _, item := range items {
		if of := r.schema.Type(item.Type); of == t || of != nil && of.Parent == t.Name {
			q.IDs = append(q.IDs, item.ObjectID)
		}
	}
}

// ChooseRelated is Choose, and where the selection has no entity of the type,
// those count that refer to what it has: the triggers of tasks, the apps of
// streams.
func (r *Repository) ChooseRelated(q *Query, t *schema.Type, items []Item) {
	if r.Choose(q, t, items); len(q.IDs) > 0 {
		return
	}
	var nodes []filter.Node
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Kind != schema.Reference {
			continue
		}
		to := &filter.Among{Path: f.Name}
		for _, item := range items {
			if of := r.schema.Type(item.Type); of != nil && (of.Name == f.Of || of.Parent == f.Of) {
				to.Texts = append(to.Texts, strings.ToLower(item.ObjectID))
			}
		}
		if len(to.Texts) > 0 {
			nodes = append(nodes, to)
		}
	}
	if len(nodes) > 0 {
		q.IDs, q.where = nil, filter.Any(nodes...)
	}
}

// Unselect drops a selection of the caller, if there is one.
func (r *Repository) Unselect(c *Caller, id string) {
	s := &r.selections
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byKey[selectionKey(c, id)]; e != nil {
		s.drop(e)
	}
}

func (s *selections) drop(e *list.Element) {
	x := e.Value.(*selection)
	s.items -= len(x.items)
	delete(s.byKey, x.key)
	s.order.Remove(e)
}
