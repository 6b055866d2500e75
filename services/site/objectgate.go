package site

import (
	"errors"
	"fmt"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
)

// A view is what a user may do with the objects of an app, as of a generation of
// the repository.
type view struct {
	appID      string
	generation uint64
	rows       map[string]repository.Standing // by the engine's ids
	drafts     map[string]repository.Standing // of objects without a row
}

// view returns the view of an app as it is now. The caller holds mu.
func (g *gate) view(appID string) (*view, error) {
	now := g.repo.Generation() // before rows are read: what changes meanwhile is seen next time
	if g.seen.appID == appID && g.seen.generation == now && g.seen.rows != nil {
		return &g.seen, nil
	}
	ctx, cancel := ask()
	defer cancel()
	rows, err := g.repo.Standings(ctx, &g.caller, appID)
	if err != nil {
		return nil, err
	}
	g.seen = view{appID, now, rows, map[string]repository.Standing{}}
	return &g.seen, nil
}

// Owner implements [session.ObjectGate].
func (g *gate) Owner() string { return g.caller.String() }

// Object implements [session.ObjectGate].
func (g *gate) Object(appID string, it *object.Item) (session.Standing, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v, err := g.view(appID)
	if err != nil {
		return session.Standing{}, err
	}
	st, ok := v.rows[it.ID]
	if !ok {
		st, ok = v.drafts[it.ID]
	}
	if !ok {
		ctx, cancel := ask()
		defer cancel()
		if st, err = g.repo.ObjectDraft(ctx, &g.caller, appID, draftOf(it)); err != nil {
			return session.Standing{}, err
		}
		v.drafts[it.ID] = st
	}
	return session.Standing{Rights: rightsOf(st.Rights), Published: st.Published, Approved: st.Approved, Owner: st.Owner, OwnerName: st.OwnerName}, nil
}

func draftOf(it *object.Item) repository.ObjectInfo {
	return repository.ObjectInfo{
		ID: it.ID, Type: it.Type, ObjectType: it.ObjectType(), Owner: it.Owner,
		Name: it.Props.Get("qMetaDef").Get("title").Str(), Description: it.Props.Get("qMetaDef").Get("description").Str(),
	}
}

// rightsOf turns rights of the rules into those of sessions.
func rightsOf(a rules.Action) (r session.Rights) {
	for _, same := range []struct {
		action rules.Action
		right  session.Rights
	}{
		{rules.Read, session.ReadObject},
		{rules.Update, session.ChangeObject},
		{rules.Delete, session.DestroyObject},
		{rules.Publish, session.PublishObject},
		{rules.Approve, session.ApproveObject},
	} {
		if a&same.action != 0 {
			r |= same.right
		}
	}
	return r
}

// CreateObject implements [session.ObjectGate].
func (g *gate) CreateObject(appID string, it *object.Item) error {
	ctx, cancel := ask()
	defer cancel()
	may, err := g.repo.MayCreateObject(ctx, &g.caller, appID, draftOf(it))
	switch {
	case err != nil:
		return denied(err)
	case !may:
		return fmt.Errorf("%w: create a %s", access.ErrDenied, it.ObjectType())
	}
	return nil
}

// ReadScript implements [session.ObjectGate].
func (g *gate) ReadScript(appID string) error {
	err := g.Change(appID)
	if !errors.Is(err, access.ErrDenied) {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	v, viewErr := g.view(appID)
	if viewErr != nil {
		return viewErr
	}
	if v.rows[repository.ScriptObject].Rights&rules.Read != 0 {
		return nil
	}
	return err
}

// Publish implements [session.ObjectGate].
func (g *gate) Publish(appID, objectID string, on bool) error {
	return g.declare(appID, objectID, func(rowID string) error {
		ctx, cancel := ask()
		defer cancel()
		_, err := g.repo.SetPublished(ctx, &g.caller, rowID, on)
		return denied(err)
	})
}

// Approve implements [session.ObjectGate].
func (g *gate) Approve(appID, objectID string, on bool) error {
	return g.declare(appID, objectID, func(rowID string) error {
		ctx, cancel := ask()
		defer cancel()
		_, err := g.repo.SetApproved(ctx, &g.caller, rowID, on)
		return denied(err)
	})
}

// declare changes the row of an object, which there is as soon as it was saved.
func (g *gate) declare(appID, objectID string, change func(rowID string) error) error {
	g.mu.Lock()
	v, err := g.view(appID)
	var row string
	if err == nil {
		row = v.rows[objectID].RowID
	}
	g.mu.Unlock()
	switch {
	case err != nil:
		return err
	case row == "":
		return fmt.Errorf("%w: %s is not saved", object.ErrNotFound, objectID)
	}
	return change(row)
}

var _ session.ObjectGate = nobody{}

func (nobody) Owner() string { return "" }
func (nobody) Object(string, *object.Item) (session.Standing, error) {
	return session.Standing{}, nil
}
func (nobody) CreateObject(string, *object.Item) error { return access.ErrDenied }
func (nobody) ReadScript(string) error                 { return access.ErrDenied }
func (nobody) Publish(string, string, bool) error      { return access.ErrDenied }
func (nobody) Approve(string, string, bool) error      { return access.ErrDenied }
