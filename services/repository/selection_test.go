package repository

import (
	"errors"
	"strings"
	"testing"
)

// What selections take of the memory is bounded, whatever clients send, and one
// caller takes none away from the others.
func TestSelectionsAreBounded(t *testing.T) {
	var r Repository
	ann, eve := &Caller{Directory: "DOM", ID: "ann"}, &Caller{Directory: "NONE", ID: "eve"}
	for _, item := range []Item{{ObjectID: strings.Repeat("x", 1<<20)}, {Type: strings.Repeat("x", 1<<20)}} {
		if _, err := r.Select(eve, []Item{item}); !errors.Is(err, ErrInvalid) {
			t.Errorf("an item of a megabyte: %v", err)
		}
	}
	hers, err := r.Select(ann, []Item{{Type: "App", ObjectID: "1", ObjectName: strings.Repeat("x", 1<<20)}})
	if err != nil {
		t.Fatal(err)
	}
	many := make([]Item, itemsMax)
	for range 2 * ownMax {
		if _, err := r.Select(eve, many); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.selections.items; n > itemsKept {
		t.Errorf("%d items are kept, at most %d are to be", n, itemsKept)
	}
	if got, err := r.Selected(ann, hers); err != nil || len(got) != 1 || got[0].ObjectName != "" {
		t.Errorf("ann's selection: %.100v, %v", got, err)
	}
}
