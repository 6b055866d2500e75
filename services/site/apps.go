package site

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/services/repository"
)

// Apps is the engine of this node as the repository uses it.
type Apps struct{ lib *app.Library }

var _ repository.Engine = (*Apps)(nil)

// NewApps returns the apps of a library.
func NewApps(lib *app.Library) *Apps { return &Apps{lib} }

// Prepare implements [repository.Engine].
func (a *Apps) Prepare(path, id string, p repository.Preparation) (repository.AppInfo, error) {
	opened, kept, err := a.lib.Rewrite(id, path, app.Rewriting{
		Title: p.Title, KeepData: p.KeepData, Without: p.Without, Disown: p.Disown, KeepFrom: p.KeepFrom, Keep: p.Keep,
		Connections: appConnections(p.Connections),
	})
	if err != nil {
		return repository.AppInfo{}, err
	}
	stat, err := os.Stat(path)
	if err != nil {
		return repository.AppInfo{}, err
	}
	info := infoOf(opened, stat.Size())
	for i := range info.Objects {
		info.Objects[i].Added = slices.Contains(kept, info.Objects[i].ID)
	}
	return info, nil
}

// Info implements [repository.Engine].
func (a *Apps) Info(id string) (repository.AppInfo, error) {
	opened, err := a.lib.Open(id)
	if err != nil {
		return repository.AppInfo{}, err
	}
	defer a.lib.Close(opened)
	entry, err := a.lib.Entry(id)
	if err != nil {
		return repository.AppInfo{}, err
	}
	return infoOf(opened, entry.SizeBytes), nil
}

func infoOf(opened *app.App, sizeBytes int64) repository.AppInfo {
	props := opened.Properties()
	return repository.AppInfo{
		Title: opened.Title(), Description: props.Get("description").Str(), Thumbnail: props.At("/qThumbnail/qUrl").Str(),
		SavedIn: props.Get("qSavedInProductVersion").Str(), SizeBytes: sizeBytes, Loaded: opened.Loaded(), Connections: namedConnections(opened), Uses: usedConnections(opened.Script()), Objects: objectsOf(opened),
	}
}

// objectsOf returns what rows are to tell of an app's objects. Variables belong
// to the app as a whole.
func objectsOf(opened *app.App) []repository.ObjectInfo {
	var out []repository.ObjectInfo
	for _, it := range opened.Items.Everything() {
		if it.Kind != object.Variable && opened.Items.Get(it.Parent) == nil {
			out = append(out, infoOfObject(opened.Items, it))
		}
	}
	if script := opened.Script(); script != "" {
		out = append(out, repository.ObjectInfo{
			ID: repository.ScriptObject, Type: repository.ScriptObject, ObjectType: repository.ScriptObject, Name: "Load script",
			Hash: hash([]byte(script)), SizeBytes: int64(len(script)),
		})
	}
	return out
}

// infoOfObject returns what the row of an object is to tell.
func infoOfObject(items *object.Store, it *object.Item) repository.ObjectInfo {
	content := appendFamily(nil, items, it, 0)
	meta := it.Props.Get("qMetaDef")
	name := cmp.Or(meta.Get("title").Str(), it.Props.Get("title").Str())
	return repository.ObjectInfo{
		ID: it.ID, Type: it.Type, ObjectType: it.ObjectType(), Name: name, Description: meta.Get("description").Str(), Owner: it.Owner,
		Hash: hash(content), SizeBytes: int64(len(content)),
	}
}

// familyMax bounds the depth of objects inside of others.
const familyMax = 50

// appendFamily appends the content of an object and of what lies inside of it.
func appendFamily(dst []byte, items *object.Store, it *object.Item, depth int) []byte {
	dst = it.Props.Append(dst)
	if it.State != nil {
		dst = it.State.Append(dst)
	}
	for _, id := range it.Children {
		if child := items.Get(id); child != nil && depth < familyMax {
			dst = appendFamily(dst, items, child, depth+1)
		}
	}
	return dst
}

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// RemoveObjects implements [repository.Engine].
func (a *Apps) RemoveObjects(id string, objects []string) error {
	opened, err := a.lib.Open(id)
	if err != nil {
		return err
	}
	defer a.lib.Close(opened)
	for _, gone := range objects {
		if it := opened.Items.Get(gone); it != nil {
			opened.Destroy(it.Kind, gone)
		}
	}
	return opened.SaveDocument()
}

// used finds the names of connections in a script, as far as no variable stands
// for them.
var used = regexp.MustCompile(`(?i)\blib://([^/\\\]'"\n]+)|\bconnect\s+to\s+['"\[]([^\]'"\n]+)`)

// usedConnections returns the names of the connections that a script loads from.
func usedConnections(script string) (names []string) {
	for _, m := range used.FindAllStringSubmatch(script, -1) {
		if name := m[1] + m[2]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// namedConnections are the connections that the file of an app holds.
func namedConnections(opened *app.App) (list []repository.Connection) {
	for _, c := range opened.Connections() {
		list = append(list, repository.Connection{Name: c.Name, Type: c.Type, String: c.String, User: c.User})
	}
	return list
}

// Reload implements [repository.Engine].
func (a *Apps) Reload(ctx context.Context, id string, r repository.Reloading) error {
	opened, err := a.lib.Open(id)
	if err != nil {
		return err
	}
	defer a.lib.Close(opened)
	ok, err := opened.ReloadWith(ctx, app.Reloading{User: r.User, Partial: r.Partial, Identity: &access.User{ID: r.User}, Connections: appConnections(r.Connections), Log: r.Log})
	if err != nil {
		return err
	}
	if !ok {
		return errors.New(reasons(opened.Progress()))
	}
	if err := ctx.Err(); err != nil { // stopped: it may be somebody else's by now
		return err
	}
	return opened.Save()
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
