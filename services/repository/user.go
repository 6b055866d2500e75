package repository

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// LogIn returns the user who has just been identified, stored at the first
// time with a name to show, which may be empty, and the name that he has.
// Inactive users and service accounts do not log in.
func (r *Repository) LogIn(ctx context.Context, c *Caller, name string) (id, shown string, err error) {
	if c.IsService() {
		return "", "", fmt.Errorf("%s: a service account: %w", c, ErrForbidden)
	}
	user, err := r.user(ctx, c)
	if err != nil {
		return "", "", err
	}
	if user.ID == "" {
		if name == "" {
			name = c.ID
		}
		user, err = r.addUser(ctx, c, name)
		if err == nil {
			r.fetchUser(ctx, c)
		}
		if err == nil || errors.Is(err, ErrExists) { // who logs in twice at a time is one user
			user, err = r.user(ctx, c)
		}
		if err != nil {
			return "", "", fmt.Errorf("first log-in of %s: %w", c, err)
		}
	}
	if isClosed(user) {
		return "", "", fmt.Errorf("%s: %w", c, ErrInactive)
	}
	return user.ID, text(user.Doc["name"]), nil
}

// isClosed reports whether a user may not log in.
func isClosed(user *store.Entity) bool {
	return isTrue(user.Doc["inactive"]) || isTrue(user.Doc["blacklisted"]) || isTrue(user.Doc["removedExternally"])
}

// Shut returns those of the users with some ids who may not go on, and their
// names, DIRECTORY and id, if they are not deleted: users who are closed now, and
// those who had another name, as far as renamed says.
func (r *Repository) Shut(ctx context.Context, ids []string, renamed map[string]bool) (map[string][2]string, error) {
	found, err := r.store.ByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	shut := map[string][2]string{}
	for _, id := range ids {
		switch user := found[id]; {
		case user == nil:
			shut[id] = [2]string{}
		case isClosed(user) || renamed[id]:
			shut[id] = [2]string{text(user.Doc["userDirectory"]), text(user.Doc["userId"])}
		}
	}
	return shut, nil
}

func (r *Repository) addUser(ctx context.Context, c *Caller, name string) (made *store.Entity, err error) {
	proxy := Service("proxy")
	err = r.change(ctx, &proxy, func(tx *store.Tx) error {
		made, err = tx.Create(ctx, "User", map[string]any{
			"userDirectory": c.Directory, "userId": c.ID, "name": name, "removedExternally": false, "blacklisted": false,
		})
		return err
	})
	return made, err
}

// MakeAdministrator gives a user the role RootAdmin. It is for the first start,
// when there is nobody who could.
func (r *Repository) MakeAdministrator(ctx context.Context, userID string) error {
	self := Service("repository")
	return r.change(ctx, &self, func(tx *store.Tx) error {
		_, err := tx.Update(ctx, "User", userID, map[string]any{"roles": []any{rules.RootAdmin}})
		return err
	})
}

// NameOf returns the name to show of the caller.
func (r *Repository) NameOf(ctx context.Context, c *Caller) (string, error) {
	user, err := r.user(ctx, c)
	if err != nil {
		return "", err
	}
	return text(user.Doc["name"]), nil
}

// DirectoryAttributes returns what the caller's directory tells of him, such as
// groups, by names in lower case.
func (r *Repository) DirectoryAttributes(ctx context.Context, c *Caller) (map[string][]string, error) {
	user, err := r.user(ctx, c)
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, a := range objects(user.Doc["attributes"]) {
		name := strings.ToLower(text(a["attributeType"]))
		found[name] = append(found[name], text(a["attributeValue"]))
	}
	return found, nil
}

// Favorites returns the ids of the apps that the caller has marked.
func (r *Repository) Favorites(ctx context.Context, c *Caller) ([]string, error) {
	user, err := r.user(ctx, c)
	if err != nil {
		return nil, err
	}
	list, _ := user.Doc["favorites"].([]any)
	ids := make([]string, len(list))
	for i, id := range list {
		ids[i] = text(id)
	}
	return ids, nil
}

// Favorite adds an app to the caller's favourites, or takes it out.
func (r *Repository) Favorite(ctx context.Context, c *Caller, appID string, add bool) error {
	if _, err := r.Get(ctx, c, r.schema.Type("App"), appID, false); err != nil {
		return err
	}
	user, err := r.user(ctx, c)
	if err != nil || user.ID == "" {
		return err
	}
	favorites, _ := user.Doc["favorites"].([]any)
	favorites = slices.DeleteFunc(slices.Clone(favorites), func(v any) bool { return v == appID })
	if add {
		favorites = append(favorites, appID)
	}
	return r.change(ctx, c, func(tx *store.Tx) error {
		_, err := tx.Update(ctx, "User", user.ID, map[string]any{"favorites": favorites})
		return err
	})
}
