package repository

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// Directories is how people of other places are read.
type Directories interface {
	// Types returns the kinds of directories that there are.
	Types() []DirectoryType
	// Check says what is wrong with the settings of a directory, without asking
	// it, and returns the name of the user directory that it makes.
	Check(d *Directory) (name string, err error)
	// Read reads the people of a directory: all of them, or those with the ids,
	// in any case. With an error there are none.
	Read(ctx context.Context, d *Directory, ids []string) (*DirectoryPeople, error)
}

// A DirectoryType is a kind of user directory.
type DirectoryType struct {
	ID, Name string
	Settings []DirectorySetting
}

// A DirectorySetting is one that a kind of directory has.
type DirectorySetting struct {
	Name     string
	Also     []string // other names of it
	Category string
	Kind     int // by the numbers of the interface
	Secret   bool
	Leads    bool   // says where secrets are sent
	Default  string // of a directory that has none
	Shown    string // in the list of types
}

// A Directory is what a kind of directory is told: the settings with their
// secrets, in their order.
type Directory struct {
	Type   string
	Values [][2]string // name, value
}

// DirectoryPeople is what a directory has told.
type DirectoryPeople struct {
	List     []DirectoryUser
	Nobody   bool // there are no people in the directory at all, whoever was asked for
	Warnings []string
	LeftOut  int // how many warnings there were
}

// A DirectoryUser is a person as a directory knows it.
type DirectoryUser struct {
	ID, Name   string
	Attributes []DirectoryAttribute
}

// A DirectoryAttribute is one that rules see.
type DirectoryAttribute struct{ Type, Value, Source string }

const (
	directoryType = "UserDirectory"
	syncTaskType  = "UserSyncTask"
)

// errNoDirectories says that this node reads no directories.
var errNoDirectories = fmt.Errorf("this server reads no user directories: %w", ErrInvalid)

// setting returns the setting of a kind of directory with a name, nil if there
// is none.
func (t *DirectoryType) setting(name string) *DirectorySetting {
	name = strings.TrimSpace(name)
	for i := range t.Settings {
		s := &t.Settings[i]
		if strings.EqualFold(s.Name, name) || slices.ContainsFunc(s.Also, func(o string) bool { return strings.EqualFold(o, name) }) {
			return s
		}
	}
	return nil
}

// directoryKind returns a kind of directory, one without settings for those that
// are not there.
func (r *Repository) directoryKind(id string) *DirectoryType {
	if r.directories != nil {
		for _, t := range r.directories.Types() {
			if strings.EqualFold(t.ID, id) {
				return &t
			}
		}
	}
	return &DirectoryType{ID: id}
}

// DirectoryTypes returns the kinds of directories that there are, for who may
// look after user directories.
func (r *Repository) DirectoryTypes(ctx context.Context, c *Caller) ([]DirectoryType, error) {
	seen, err := r.Sections(ctx, c, []string{"QmcSection_UserDirectory"})
	switch {
	case err != nil:
		return nil, err
	case len(seen) == 0:
		return nil, fmt.Errorf("kinds of user directories: %w", ErrForbidden)
	case r.directories == nil:
		return nil, nil
	}
	return r.directories.Types(), nil
}

// directoryState is what the repository alone says of a directory.
var directoryState = []string{"configured", "configuredError", "operational", "operationalError", "syncStatus", "syncLastStarted", "syncLastSuccessfulEnded"}

// withSettings returns the document of a new directory with the settings of its
// kind that it does not have.
func (r *Repository) withSettings(doc map[string]any) (map[string]any, error) {
	kind := r.directoryKind(text(doc["type"]))
	doc, err := r.keepSecrets(kind, doc)
	if err != nil {
		return nil, err
	}
	items, _ := doc["settings"].([]any)
	there := map[string]bool{}
	for _, o := range objects(doc["settings"]) {
		if s := kind.setting(text(o["name"])); s != nil {
			there[s.Name] = true
		}
	}
	for i := range kind.Settings {
		if s := &kind.Settings[i]; !there[s.Name] {
			items = append(items, map[string]any{"name": s.Name, "category": s.Category, "userDirectorySettingType": number(s.Kind), "secret": s.Secret, "value": s.Default})
		}
	}
	doc["settings"] = items
	doc["operationalError"] = ""
	if doc["syncOnlyLoggedInUsers"] == nil {
		doc["syncOnlyLoggedInUsers"] = true
	}
	return doc, nil
}

// keepSecrets returns a document without what clients do not decide, and with
// secrets where they are sealed: some clients send them as values.
func (r *Repository) keepSecrets(kind *DirectoryType, doc map[string]any) (map[string]any, error) {
	doc = maps.Clone(doc)
	for _, own := range directoryState {
		delete(doc, own)
	}
	sent, there := doc["settings"]
	if !there {
		return doc, nil
	}
	list, ok := sent.([]any)
	if !ok && sent != nil {
		return nil, &schema.Error{Field: "settings", Reason: "want a list"}
	}
	items := make([]any, 0, len(list))
	for i, item := range list {
		o, ok := item.(map[string]any)
		if !ok {
			return nil, &schema.Error{Field: fmt.Sprintf("settings[%d]", i), Reason: "want an object"}
		}
		items = append(items, r.keepSecret(kind, named(r.schema.Type("UserDirectorySettings"), o)))
	}
	doc["settings"] = items
	return doc, nil
}

func (r *Repository) keepSecret(kind *DirectoryType, o map[string]any) map[string]any {
	s := kind.setting(text(o["name"]))
	if s != nil {
		o["secret"] = s.Secret || saysTrue(o["secret"])
		for field, value := range map[string]any{"category": s.Category, "userDirectorySettingType": number(s.Kind)} {
			if _, there := o[field]; !there {
				o[field] = value
			}
		}
	}
	if v, is := o["value"].(json.Number); is { // numbers and truths come as what they are
		o["value"] = v.String()
	} else if v, is := o["value"].(bool); is {
		o["value"] = fmt.Sprint(v)
	}
	if saysTrue(o["secret"]) {
		if v := text(o["value"]); v != "" && text(o["secretValue"]) == "" {
			o["secretValue"] = v
		}
		o["value"] = ""
	}
	return o
}

// saysTrue reports whether a client says true, as a text perhaps.
func saysTrue(v any) bool { return isTrue(v) || strings.EqualFold(text(v), "true") }

// changedSettings returns the document of a change. Settings that come without
// their ids are those with the same names. Whoever lets a directory lead
// elsewhere has to know its secrets, as they are sent there.
func (r *Repository) changedSettings(ctx context.Context, tx *store.Tx, old *store.Entity, doc map[string]any) (map[string]any, error) {
	kindID := text(old.Doc["type"])
	if sent := text(doc["type"]); sent != "" {
		kindID = sent
	}
	kind := r.directoryKind(kindID)
	doc, err := r.keepSecrets(kind, doc)
	if err != nil {
		return nil, err
	}
	items, there := doc["settings"].([]any)
	before := objects(old.Doc["settings"])
	for _, item := range items {
		o := item.(map[string]any)
		is := func(b map[string]any) bool { return sameSetting(kind, text(b["name"]), text(o["name"])) }
		// An id holds its secret, so it stays with its setting: under another name
		// the secret would be shown.
		if id, err := uuid.Parse(text(o[schema.ID])); err == nil && slices.ContainsFunc(before, func(b map[string]any) bool { return b[schema.ID] == id.String() && is(b) }) {
			o[schema.ID] = id.String()
			continue
		}
		delete(o, schema.ID)
		if i := slices.IndexFunc(before, is); i >= 0 {
			o[schema.ID] = before[i][schema.ID]
		}
	}
	after := before
	if there {
		after = objects(doc["settings"])
	}
	if leads := leadsElsewhere(kind, before, after); leads != "" || !strings.EqualFold(kindID, text(old.Doc["type"])) {
		if err := needSecrets(ctx, tx, old, before, after, leads); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

// sameSetting reports whether two names are those of one setting.
func sameSetting(kind *DirectoryType, a, b string) bool {
	if s := kind.setting(a); s != nil {
		return kind.setting(b) == s
	}
	return strings.EqualFold(a, b)
}

// leadsElsewhere returns the name of a setting by which secrets are sent to
// another place than before, "" for none.
func leadsElsewhere(kind *DirectoryType, before, after []map[string]any) string {
	value := func(list []map[string]any, s *DirectorySetting) string {
		for _, o := range list {
			if kind.setting(text(o["name"])) == s {
				return text(o["value"])
			}
		}
		return s.Default
	}
	for i := range kind.Settings {
		if s := &kind.Settings[i]; s.Leads && value(before, s) != value(after, s) {
			return s.Name
		}
	}
	return ""
}

// needSecrets wants the secrets that are stored to be sent again.
func needSecrets(ctx context.Context, tx *store.Tx, old *store.Entity, before, after []map[string]any, leads string) error {
	for _, b := range before {
		if !isTrue(b["secret"]) {
			continue
		}
		id := text(b[schema.ID])
		_, err := tx.Secret(ctx, old.ID, "settings/"+id+"/secretValue")
		if errors.Is(err, ErrNotFound) || errors.Is(err, store.ErrNoKey) {
			continue
		}
		if err != nil {
			return err
		}
		for _, a := range after {
			if _, sent := a["secretValue"].(string); text(a[schema.ID]) == id && !sent {
				return &schema.Error{Field: "settings", Reason: fmt.Sprintf("%s leads elsewhere now: send %s again", cmp.Or(leads, "the type"), text(b["name"]))}
			}
		}
	}
	return nil
}

// openDirectory finishes a new directory: it is judged and gets a task.
func (r *Repository) openDirectory(ctx context.Context, tx *store.Tx, e *store.Entity) (*store.Entity, error) {
	e, err := r.judge(ctx, tx, e)
	if err != nil {
		return nil, err
	}
	_, err = r.addSyncTask(ctx, tx, e)
	return e, err
}

// addSyncTask makes the task that synchronises a directory.
func (r *Repository) addSyncTask(ctx context.Context, tx *store.Tx, e *store.Entity) (*store.Entity, error) {
	return createOperated(ctx, tx, r.schema.Type(syncTaskType), map[string]any{
		"name": "Synchronize " + text(e.Doc["name"]), "userDirectory": ref(e.ID), "enabled": true, "taskSessionTimeout": number(1440), "maxRetries": number(0),
	})
}

// directory returns a directory with its secrets.
func directory(ctx context.Context, from secretReader, e *store.Entity) (*Directory, error) {
	d := &Directory{Type: text(e.Doc["type"])}
	for _, o := range objects(e.Doc["settings"]) {
		value := text(o["value"])
		if isTrue(o["secret"]) {
			secret, err := from.Secret(ctx, e.ID, "settings/"+text(o[schema.ID])+"/secretValue")
			switch {
			case err == nil:
				value = secret
			case !errors.Is(err, ErrNotFound) && !errors.Is(err, store.ErrNoKey):
				return nil, err
			}
		}
		d.Values = append(d.Values, [2]string{text(o["name"]), value})
	}
	return d, nil
}

// A secretReader is the store, or a transaction.
type secretReader interface {
	Secret(ctx context.Context, id, path string) (string, error)
}

// judge notes whether the settings of a directory are good, and the name of the
// user directory that they make.
func (r *Repository) judge(ctx context.Context, tx *store.Tx, e *store.Entity) (*store.Entity, error) {
	d, err := directory(ctx, tx, e)
	if err != nil {
		return nil, err
	}
	name := text(e.Doc["userDirectoryName"])
	var wrong error
	if r.directories == nil {
		wrong = errNoDirectories
	} else {
		if !slices.ContainsFunc(d.Values, func(v [2]string) bool { return strings.EqualFold(v[0], directoryNameSetting) && v[1] != "" }) && name != "" {
			d.Values = slices.Insert(d.Values, 0, [2]string{directoryNameSetting, name})
		}
		var checked string
		if checked, wrong = r.directories.Check(d); checked != "" {
			name = checked
		}
	}
	if wrong == nil {
		wrong, err = r.nameTaken(ctx, tx, e.ID, name)
		if err != nil {
			return nil, err
		}
	}
	change := map[string]any{"configured": wrong == nil, "configuredError": "", "userDirectoryName": nil}
	if name != "" && len([]rune(name)) <= 255 {
		change["userDirectoryName"] = name
	}
	if wrong != nil {
		change["configuredError"] = wrong.Error()
		change["operational"] = false
	}
	if same(e.Doc, change) {
		return e, nil
	}
	return tx.Update(ctx, directoryType, e.ID, change)
}

// directoryNameSetting is the setting with the name of the user directory.
const directoryNameSetting = "User directory name"

// same reports whether a document has all values of a change.
func same(doc, change map[string]any) bool {
	for k, v := range change {
		if have, there := doc[k]; v == nil && there || v != nil && fmt.Sprint(have) != fmt.Sprint(v) && (there || v != "") {
			return false
		}
	}
	return true
}

// nameTaken says why a directory cannot have a name.
func (r *Repository) nameTaken(ctx context.Context, from reader, id, name string) (wrong, err error) {
	if strings.EqualFold(name, InternalDirectory) {
		return fmt.Errorf("%s: %s is that of the accounts of the site", directoryNameSetting, InternalDirectory), nil
	}
	others, err := from.List(ctx, directoryType, store.Query{Where: filter.Equal("userDirectoryName", name)})
	for _, o := range others {
		if o.ID != id && isTrue(o.Doc["configured"]) {
			return fmt.Errorf("%s: %q is that of the connector %q already", directoryNameSetting, name, text(o.Doc["name"])), nil
		}
	}
	return nil, err
}

// RefreshDirectories judges all directories anew that the caller may change.
func (r *Repository) RefreshDirectories(ctx context.Context, c *Caller) error {
	d, err := r.decider(ctx, c)
	if err != nil {
		return err
	}
	return r.change(ctx, c, func(tx *store.Tx) error {
		list, err := tx.List(ctx, directoryType, store.Query{})
		if err != nil {
			return err
		}
		l := r.loader(ctx, tx, list...)
		for _, e := range list {
			got, err := d.may(l, e, rules.Update)
			if err == nil && got != 0 {
				_, err = r.judge(ctx, tx, e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// dropTasks deletes the tasks that synchronise a directory, with their events.
func (r *Repository) dropTasks(ctx context.Context, tx *store.Tx, directoryID string) error {
	tasks, err := tx.List(ctx, syncTaskType, store.Query{Where: filter.Equal("userDirectory.id", directoryID)})
	if err != nil {
		return err
	}
	for _, task := range tasks {
		if err := r.dropEvents(ctx, tx, task); err != nil {
			return err
		}
		if err := r.deleteOperated(ctx, tx, task); err != nil {
			return err
		}
	}
	return nil
}

// DeleteDirectoryAndUsers deletes a directory with all users of its name, all or
// nothing. Users who own something stay in the way, which the error says.
func (r *Repository) DeleteDirectoryAndUsers(ctx context.Context, c *Caller, id string) error {
	d, err := r.decider(ctx, c)
	if err != nil {
		return err
	}
	return r.change(ctx, c, func(tx *store.Tx) error {
		e, err := tx.Get(ctx, directoryType, id)
		if err != nil {
			return err
		}
		if err := d.need(r.loader(ctx, tx, e), e, rules.Delete); err != nil {
			return err
		}
		name := text(e.Doc["userDirectoryName"])
		wrong, err := r.nameTaken(ctx, tx, e.ID, name)
		switch {
		case err != nil:
			return err
		case wrong != nil:
			return fmt.Errorf("the users of %q are not those of this connector: %w: %w", name, wrong, ErrInvalid)
		}
		if name != "" {
			if err := r.deleteUsers(ctx, tx, d, name); err != nil {
				return err
			}
		}
		return r.delete(ctx, tx, d, r.schema.Type(directoryType), e.ID)
	})
}

func (r *Repository) deleteUsers(ctx context.Context, tx *store.Tx, d *decider, directory string) error {
	users, err := tx.List(ctx, "User", store.Query{Where: filter.Equal("userDirectory", directory)})
	if err != nil {
		return err
	}
	l := r.loader(ctx, tx, users...)
	for _, u := range users {
		if err := d.need(l, u, rules.Delete); err != nil {
			return err
		}
		if isTrue(u.Doc["deleteProhibited"]) {
			return fmt.Errorf("user %s: %w", text(u.Doc["userId"]), ErrReadOnly)
		}
		if err := tx.Delete(ctx, "User", u.ID); err != nil {
			return fmt.Errorf("user %s: %w", text(u.Doc["userId"]), err)
		}
	}
	return nil
}
