package site

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/services/repository"
)

// Apps is the engine of this node as the repository uses it.
type Apps struct{ lib *app.Library }

var _ repository.Engine = (*Apps)(nil)

// NewApps returns the apps of a library.
func NewApps(lib *app.Library) *Apps { return &Apps{lib} }

// Prepare implements [repository.Engine].
func (a *Apps) Prepare(path, id, title string, keepData bool) (repository.AppInfo, error) {
	opened, err := a.lib.Rewrite(id, path, title, keepData)
	if err != nil {
		return repository.AppInfo{}, err
	}
	return a.info(path, opened)
}

func (a *Apps) info(path string, opened *app.App) (repository.AppInfo, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return repository.AppInfo{}, err
	}
	props := opened.Properties()
	return repository.AppInfo{
		Title: opened.Title(), Description: props.Get("description").Str(), Thumbnail: props.At("/qThumbnail/qUrl").Str(),
		SizeBytes: stat.Size(), Loaded: opened.Loaded(), Connections: namedConnections(opened),
	}, nil
}

// namedConnections are the connections that the file of an app names.
func namedConnections(opened *app.App) (list []repository.Connection) {
	for _, c := range opened.Connections() {
		list = append(list, repository.Connection{Name: c.Name, Type: c.Type, String: c.String, User: c.User})
	}
	return list
}

// Reload implements [repository.Engine].
func (a *Apps) Reload(ctx context.Context, id string, r repository.Reloading) (info repository.AppInfo, err error) {
	opened, err := a.lib.Open(id)
	if err != nil {
		return info, err
	}
	defer a.lib.Close(opened)
	ok, err := opened.ReloadWith(ctx, app.Reloading{User: r.User, Connections: appConnections(r.Connections), Log: r.Log})
	if err != nil {
		return info, err
	}
	if !ok {
		return info, errors.New(reasons(opened.Progress()))
	}
	if err := opened.Save(); err != nil {
		return info, err
	}
	entry, err := a.lib.Entry(id)
	if err != nil {
		return info, err
	}
	return repository.AppInfo{Title: entry.Title, SizeBytes: entry.SizeBytes, Loaded: entry.Loaded}, nil
}

// reasons returns what a failed reload tells.
func reasons(p app.Progress) string {
	var lines []string
	for _, e := range p.Errors {
		lines = append(lines, e.Message)
	}
	if len(lines) == 0 {
		return "the script failed"
	}
	return strings.Join(lines, "; ")
}
