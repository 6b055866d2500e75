package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// A gate asks the repository what a user may do with apps.
type gate struct {
	repo   *repository.Repository
	lib    *app.Library
	caller repository.Caller
	app    *schema.Type

	mu   sync.Mutex
	seen view
}

var _ session.Gate = (*gate)(nil)

// Gate returns what the engine asks for a user of this site, whom the proxy
// has named with the attributes of the session.
func Gate(repo *repository.Repository, lib *app.Library) func(directory, id string, attributes map[string][]string) session.Gate {
	t := repo.Schema().Type("App")
	return func(directory, id string, attributes map[string][]string) session.Gate {
		if directory == "" || id == "" {
			return nobody{}
		}
		c := repository.Caller{Directory: directory, ID: id, Context: rules.ContextHub, Session: rules.Attributes{}, Environment: rules.Attributes{}}
		for name, values := range attributes {
			for _, value := range values {
				note(&c, strings.ToLower(name), value)
			}
		}
		return &gate{repo: repo, lib: lib, caller: c, app: t}
	}
}

// nobody may do nothing: somebody with a certificate of the site has named no
// user.
type nobody struct{}

var _ session.Gate = nobody{}

func (nobody) Read(string) error { return access.ErrDenied }

func (nobody) Known(u access.User) (access.User, error) { return u, nil }

func (nobody) Change(string) error                                        { return access.ErrDenied }
func (nobody) Standings([]string) (map[string]session.AppStanding, error) { return nil, nil }
func (nobody) Saved(string) error                                         { return access.ErrDenied }

func (nobody) Create(string) (string, error) { return "", access.ErrDenied }

func (nobody) Delete(string) error                          { return access.ErrDenied }
func (nobody) Connections() ([]app.Connection, error)       { return nil, nil }
func (nobody) AddConnection(app.Connection) (string, error) { return "", access.ErrDenied }

func (nobody) SetConnection(string, app.Connection) error { return access.ErrDenied }

func (nobody) DeleteConnection(string) error { return access.ErrDenied }

func (nobody) Libraries(string) ([]session.Library, error) { return nil, nil }

// askMax bounds how long the engine waits for an answer.
const askMax = 10 * time.Second

func ask() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), askMax)
}

// denied turns the repository's refusals into the engine's.
func denied(err error) error {
	if errors.Is(err, repository.ErrForbidden) || errors.Is(err, repository.ErrNotFound) {
		return fmt.Errorf("%w: %w", access.ErrDenied, err)
	}
	return err
}

// Read implements [session.Gate].
func (g *gate) Read(appID string) error {
	ctx, cancel := ask()
	defer cancel()
	return denied(g.repo.Check(ctx, &g.caller, g.app, appID, rules.Read))
}

// Known implements [session.Gate].
func (g *gate) Known(login access.User) (access.User, error) {
	ctx, cancel := ask()
	defer cancel()
	attributes, err := g.repo.DirectoryAttributes(ctx, &g.caller)
	if err != nil {
		return login, err
	}
	login.Groups = append(slices.Clip(login.Groups), attributes["group"]...)
	if mails := attributes["email"]; login.Email == "" && len(mails) > 0 {
		login.Email = mails[0]
	}
	return login, nil
}

// Change implements [session.Gate].
func (g *gate) Change(appID string) error {
	ctx, cancel := ask()
	defer cancel()
	return denied(g.repo.Check(ctx, &g.caller, g.app, appID, rules.Update))
}

// Standings implements [session.Gate].
func (g *gate) Standings(appIDs []string) (map[string]session.AppStanding, error) {
	ctx, cancel := ask()
	defer cancel()
	apps, err := g.repo.List(ctx, &g.caller, g.app, repository.Query{IDs: appIDs, Privileges: true})
	if err != nil {
		return nil, err
	}
	all := make(map[string]session.AppStanding, len(apps))
	for _, doc := range apps {
		all[fmt.Sprint(doc[schema.ID])] = standingOf(doc)
	}
	return all, nil
}

// standingOf takes over what the repository tells of an app.
func standingOf(doc map[string]any) (st session.AppStanding) {
	st.Privileges, _ = doc[schema.Privileges].([]string)
	if slices.Contains(st.Privileges, "update") {
		st.Privileges = append(st.Privileges, "reload")
	}
	st.Thumbnail, _ = doc["thumbnail"].(string)
	if published, _ := doc["published"].(bool); !published {
		return st
	}
	when, _ := doc["publishTime"].(string)
	st.Published, _ = time.Parse(time.RFC3339, when) // written by the repository
	stream := objectOf(doc["stream"])
	st.StreamID, _ = stream[schema.ID].(string)
	st.Stream, _ = stream["name"].(string)
	return st
}

// Libraries implements [session.Gate].
func (g *gate) Libraries(appID string) ([]session.Library, error) {
	ctx, cancel := ask()
	defer cancel()
	all, err := g.repo.Libraries(ctx, &g.caller, appID)
	out := make([]session.Library, len(all))
	for i, l := range all {
		out[i] = session.Library{Name: l.Name, OfApp: l.OfApp, Files: l.Files}
		out[i].Modified, _ = schema.ParseDate(l.Modified) // the store has written it
	}
	return out, err
}

// Saved implements [session.Gate].
func (g *gate) Saved(appID string) error {
	ctx, cancel := ask()
	defer cancel()
	return g.repo.Note(ctx, &g.caller, appID)
}

// Create implements [session.Gate]. The file comes first: a crash leaves one
// that no row knows, which nobody can open and nothing removes.
func (g *gate) Create(title string) (string, error) {
	ctx, cancel := ask()
	defer cancel()
	may, err := g.repo.MayCreate(ctx, &g.caller, g.app, map[string]any{"name": title})
	if err != nil {
		return "", denied(err)
	}
	if !may {
		return "", fmt.Errorf("%w: create an app", access.ErrDenied)
	}
	if taken, err := g.owns(ctx, title); err != nil || taken {
		return "", cmp.Or(err, fmt.Errorf("%w: %s", app.ErrExists, title))
	}
	id, err := g.lib.CreateAny(title)
	if err != nil {
		return "", err
	}
	if err := g.repo.Adopt(ctx, &g.caller, id, repository.AppInfo{Title: title}); err != nil {
		return "", errors.Join(denied(err), g.lib.Delete(id))
	}
	return id, nil
}

// owns reports whether the user has an app of a title. What others have is not
// his to know, nor in his way.
func (g *gate) owns(ctx context.Context, title string) (bool, error) {
	own := filter.All(filter.Equal("name", title), filter.Equal("owner.userDirectory", g.caller.Directory), filter.Equal("owner.userId", g.caller.ID))
	apps, err := g.repo.List(ctx, &g.caller, g.app, repository.Query{Filter: own.String(), Take: 1})
	return len(apps) > 0, err
}

// Delete implements [session.Gate].
func (g *gate) Delete(appID string) error {
	ctx, cancel := ask()
	defer cancel()
	return denied(g.repo.DeleteApp(ctx, &g.caller, appID))
}
