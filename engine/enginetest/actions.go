package enginetest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/storage/bitset"
	"github.com/cognate-bi/cognate/storage/dual"
)

// actions change the session; ok = false means that the action was refused.
var actions = map[string]func(a *App, s *Step) (ok bool, err error){
	"select": func(a *App, s *Step) (bool, error) { return a.pick(s, false) },
	"toggle": func(a *App, s *Step) (bool, error) { return a.pick(s, true) },
	"search": (*App).search,
	"clear": func(a *App, s *Step) (bool, error) {
		return a.Session.Clear(s.Field, session.Pick{State: s.State})
	},
	"clear_all": func(a *App, s *Step) (bool, error) {
		return true, a.Session.ClearAll(s.State, false, "")
	},
	"lock":   func(a *App, s *Step) (bool, error) { return a.Session.SetLock(s.Field, s.State, true) },
	"unlock": func(a *App, s *Step) (bool, error) { return a.Session.SetLock(s.Field, s.State, false) },
	"back": func(a *App, _ *Step) (bool, error) {
		a.Session.Back()
		return true, nil
	},
	"forward": func(a *App, _ *Step) (bool, error) {
		a.Session.Forward()
		return true, nil
	},
	"add_state": func(a *App, s *Step) (bool, error) { return true, a.Session.AddState(s.Name, true, "") },
	"bookmark":  (*App).bookmark,
	"set_one_always": func(a *App, s *Step) (bool, error) {
		return a.Session.SetOneAlways(s.Field, s.State, string(s.Value) != "false")
	},
	"open": (*App).open,
}

// open opens the loaded app anew, as a user.
func (a *App) open(s *Step) (bool, error) {
	opened, err := a.Session.App()
	if err != nil {
		return false, err
	}
	u := access.User{ID: s.User.UserID, Groups: s.User.Groups, Email: s.User.Email}
	if _, err := opened.DataFor(opened.Data(), &u); err != nil {
		return false, err
	}
	a.Session.Identity = &u
	a.Session.Begin()
	return true, a.Session.ClearAll("", true, "")
}

func (a *App) field(name string) (*model.Field, error) {
	if f := a.Session.Data().Model.Field(name); f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("no field %q", name)
}

func (a *App) pick(s *Step, toggle bool) (bool, error) {
	f, err := a.field(s.Field)
	if err != nil {
		return false, err
	}
	var values []any
	if err := json.Unmarshal(s.Values, &values); err != nil {
		return false, err
	}
	duals := make([]dual.Value, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case float64:
			duals[i] = dual.Number(v)
		case string:
			duals[i] = dual.String(v)
		}
	}
	return a.Session.Select(f, a.Session.CodesOf(f, duals), session.Pick{State: s.State, Toggle: toggle})
}

func (a *App) search(s *Step) (bool, error) {
	f, err := a.field(s.Field)
	if err != nil {
		return false, err
	}
	var codes *bitset.Set
	if codes, err = a.Session.Search(context.Background(), f, s.State, s.Text); err != nil {
		return false, err
	}
	return a.Session.Select(f, codes, session.Pick{State: s.State})
}

func (a *App) bookmark(s *Step) (bool, error) {
	props := tree.MustParse(fmt.Sprintf(`{"qInfo":{"qId":%q,"qType":"bookmark"},"qMetaDef":{"title":%q}}`, s.ID, s.ID))
	_, err := a.Session.Create(object.Bookmark, props, a.Session.KeepState(false))
	return err == nil, err
}
