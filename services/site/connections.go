package site

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

func appConnections(list []repository.Connection) []app.Connection {
	out := make([]app.Connection, len(list))
	for i, c := range list {
		out[i] = app.Connection{ID: c.ID, Name: c.Name, Type: c.Type, String: c.String, User: c.User}
		out[i].Modified, _ = schema.ParseDate(c.Modified) // the store has written it
	}
	return out
}

func (g *gate) connectionType() *schema.Type { return g.repo.Schema().Type("DataConnection") }

// Connections implements [session.Gate].
func (g *gate) Connections() ([]app.Connection, error) {
	ctx, cancel := ask()
	defer cancel()
	list, err := g.repo.Connections(ctx, &g.caller)
	return appConnections(list), err
}

// AddConnection implements [session.Gate]. The name gets that of its maker, as
// others may have one of the same name.
func (g *gate) AddConnection(c app.Connection) (id string, err error) {
	ctx, cancel := ask()
	defer cancel()
	doc := connectionDoc(c)
	doc["name"] = fmt.Sprintf("%s (%s_%s)", c.Name, strings.ToLower(g.caller.Directory), strings.ToLower(g.caller.ID))
	list, err := g.repo.Connections(ctx, &g.caller)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(list, func(o repository.Connection) bool { return strings.EqualFold(o.Name, doc["name"].(string)) }) {
		return "", fmt.Errorf("%w: %s", app.ErrConnExists, doc["name"])
	}
	made, err := g.repo.Create(ctx, &g.caller, g.connectionType(), doc)
	if err != nil {
		return "", denied(err)
	}
	return made[0][schema.ID].(string), nil
}

// connectionDoc is what the repository keeps of a connection. An empty password
// leaves the one that is there.
func connectionDoc(c app.Connection) map[string]any {
	doc := map[string]any{"name": c.Name, "type": c.Type, "connectionstring": c.String, "username": c.User}
	if c.Password != "" {
		doc["password"] = c.Password
	}
	return doc
}

// SetConnection implements [session.Gate].
func (g *gate) SetConnection(id string, c app.Connection) error {
	ctx, cancel := ask()
	defer cancel()
	_, err := g.repo.Update(ctx, &g.caller, g.connectionType(), id, connectionDoc(c))
	return g.connectionError(id, err)
}

// DeleteConnection implements [session.Gate].
func (g *gate) DeleteConnection(id string) error {
	ctx, cancel := ask()
	defer cancel()
	return g.connectionError(id, g.repo.Delete(ctx, &g.caller, g.connectionType(), id))
}

func (g *gate) connectionError(id string, err error) error {
	if errors.Is(err, repository.ErrNotFound) {
		return fmt.Errorf("%w: %s", app.ErrConnection, id)
	}
	return denied(err)
}
