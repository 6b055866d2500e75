package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/appfiles"
	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// An AppImport says how the file of an app is taken over.
type AppImport struct {
	Name     string // "" = the one that the file has
	KeepData bool
	// Alone leaves out the data connections that the file names.
	Alone bool
}

// ImportFolder returns the folder of the server that apps may be imported from,
// to who may create apps.
func (r *Repository) ImportFolder(ctx context.Context, c *Caller) (string, error) {
	if r.importDir == "" {
		return "", ErrNoApps
	}
	d, err := r.decider(ctx, c)
	if err != nil {
		return "", err
	}
	if err := r.needNew(ctx, d, r.schema.Type("App")); err != nil {
		return "", err
	}
	return filepath.Abs(r.importDir)
}

// ImportApp is Upload of a file in the import folder, which stays there.
func (r *Repository) ImportApp(ctx context.Context, c *Caller, file string, o AppImport) (map[string]any, error) {
	return r.uploaded(ctx, c, o, func(id string) (*appfiles.Staged, error) {
		f, err := r.openImport(file)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // only read
		return r.files.Stage(id, f, uploadMax)
	})
}

// ImportOver is UploadOver with a file in the import folder.
func (r *Repository) ImportOver(ctx context.Context, c *Caller, file, targetID string, keepData bool) (map[string]any, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	return r.replaceFile(ctx, d, targetID, func(id string) (*appfiles.Staged, error) {
		f, err := r.openImport(file)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // only read
		return r.files.Stage(id, f, uploadMax)
	}, Preparation{KeepData: keepData})
}

// openImport opens a file of the import folder. Only names are taken, and no
// link leads out of it.
func (r *Repository) openImport(name string) (*os.File, error) {
	if r.importDir == "" {
		return nil, ErrNoApps
	}
	if badSegment(name) != "" {
		return nil, &schema.Error{Field: "body", Reason: fmt.Sprintf("%.200q is not the name of a file", name)}
	}
	root, err := os.OpenRoot(r.importDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noImport(name)
	}
	if err != nil {
		return nil, fmt.Errorf("import folder: %w", err)
	}
	defer func() { _ = root.Close() }() // only read
	info, err := root.Stat(name)
	if err != nil || !info.Mode().IsRegular() { // a pipe would never end
		return nil, noImport(name)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("import folder: %w", err)
	}
	return f, nil
}

func noImport(name string) error {
	return fmt.Errorf("file %q in the import folder: %w", name, ErrNotFound)
}

// uploaded makes an app of a staged file, with the data connections that it
// names.
func (r *Repository) uploaded(ctx context.Context, c *Caller, o AppImport, stage func(id string) (*appfiles.Staged, error)) (map[string]any, error) {
	made, info, err := r.newApp(ctx, c, map[string]any{"name": o.Name}, stage, Preparation{KeepData: o.KeepData})
	if err != nil || o.Alone {
		return made, err
	}
	if err := r.importConnections(ctx, c, info.Connections); err != nil {
		return nil, fmt.Errorf("the app is imported, but not its data connections: %w", err)
	}
	return made, nil
}

// importConnections makes the data connections of a file the caller's, as far
// as he may. Those that he may read already are the same; a name that is taken
// for another one gets a number. Passwords do not come along.
func (r *Repository) importConnections(ctx context.Context, c *Caller, list []Connection) error {
	if len(list) == 0 {
		return nil
	}
	known, err := r.Connections(ctx, c)
	if err != nil {
		return err
	}
	for _, x := range list {
		same := func(o Connection) bool {
			return strings.EqualFold(o.Name, x.Name) && o.Type == x.Type && o.String == x.String
		}
		if slices.ContainsFunc(known, same) {
			continue
		}
		x.Name = numbered(x.Name, func(name string) bool {
			return slices.ContainsFunc(known, func(o Connection) bool { return strings.EqualFold(o.Name, name) })
		})
		doc := map[string]any{"name": x.Name, "type": x.Type, "connectionstring": x.String, "username": x.User}
		_, err := r.Create(ctx, c, r.schema.Type("DataConnection"), doc)
		var wrong *schema.Error
		switch {
		case errors.Is(err, ErrForbidden), errors.As(err, &wrong):
			r.log.Info("a data connection of an imported app is left out", "connection", x.Name, "user", c.String(), "err", err)
		case err != nil:
			return err
		default:
			known = append(known, x)
		}
	}
	return nil
}

// freeName returns a name that no other app of the owner has: that, or that
// with a number.
func freeName(ctx context.Context, from reader, owner, name string) (string, error) {
	if owner == "" {
		return name, nil
	}
	var failed error
	free := numbered(name, func(name string) bool {
		found, err := from.List(ctx, "App", store.Query{Where: filter.All(filter.Equal("name", name), filter.Equal("owner.id", owner)), Take: 1})
		failed = errors.Join(failed, err)
		return len(found) > 0
	})
	return free, failed
}

var numberBehind = regexp.MustCompile(`\(\d{1,9}\)$`)

// numbered returns name, or the first of name(1), name(2) … that is not taken.
func numbered(name string, taken func(string) bool) string {
	free, n := name, 0
	base := name
	if m := numberBehind.FindString(name); m != "" {
		base = strings.TrimSuffix(name, m)
		n, _ = strconv.Atoi(strings.Trim(m, "()"))
	}
	for tries := 0; taken(free) && tries < 10_000; tries++ {
		n++
		free = fmt.Sprintf("%s(%d)", base, n)
	}
	return free
}

// ReplaceTarget gives the app that another one was made from, or has replaced
// before, the data and the objects of that one.
func (r *Repository) ReplaceTarget(ctx context.Context, c *Caller, id string) (map[string]any, error) {
	app, err := r.Get(ctx, c, r.schema.Type("App"), id, false)
	if err != nil {
		return nil, err
	}
	target := text(app["targetAppId"])
	if target == "" || target == noID {
		return nil, &schema.Error{Field: "targetAppId", Reason: "the app has no target yet"}
	}
	return r.ReplaceApp(ctx, c, id, target)
}
