package site

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/services/directory"
	"github.com/cognate-bi/cognate/services/directory/ldap"
	"github.com/cognate-bi/cognate/services/directory/table"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/scheduler"
	"github.com/cognate-bi/cognate/services/telemetry"
)

// reserved are user directories whose users are not of any other place: accounts
// with a password here, and those without a name.
var reserved = []string{LocalDirectory, "NONE"}

// directories is how the repository reads people of other places.
type directories []*directory.Type

var _ repository.Directories = directories{}

func newDirectories() directories { return slices.Concat(ldap.Types(), table.Types()) }

// Types implements [repository.Directories].
func (d directories) Types() []repository.DirectoryType {
	list := make([]repository.DirectoryType, len(d))
	for i, t := range d {
		list[i] = repository.DirectoryType{ID: t.ID, Name: t.Name, Settings: make([]repository.DirectorySetting, len(t.Settings))}
		for j, s := range t.Settings {
			shown := s.Default
			if shown == "" {
				shown = s.Example
			}
			list[i].Settings[j] = repository.DirectorySetting{
				Name: s.Name, Also: s.Also, Category: s.Category, Kind: int(s.Kind), Secret: s.Secret, Leads: s.Leads, Default: s.Default, Shown: shown,
			}
		}
	}
	return list
}

// of returns the type of a directory and what its settings hold.
func (d directories) of(from *repository.Directory) (*directory.Type, directory.Values, error) {
	var names []string
	for _, t := range d {
		if !strings.EqualFold(t.ID, from.Type) {
			names = append(names, t.ID)
			continue
		}
		return t, t.Values(func(set func(name, value string)) {
			for _, v := range from.Values {
				set(v[0], v[1])
			}
		}), nil
	}
	return nil, directory.Values{}, fmt.Errorf("type: there are no connectors of %q: there are %s", from.Type, strings.Join(names, ", "))
}

// Check implements [repository.Directories].
func (d directories) Check(from *repository.Directory) (string, error) {
	t, values, err := d.of(from)
	if err != nil {
		return "", err
	}
	name, err := t.Check(values)
	for _, taken := range reserved {
		if err == nil && strings.EqualFold(name, taken) {
			return "", fmt.Errorf("%s: %s is for users of this site alone", directory.DirectoryName, taken)
		}
	}
	return name, err
}

// Read implements [repository.Directories].
func (d directories) Read(ctx context.Context, from *repository.Directory, ids []string) (*repository.DirectoryPeople, error) {
	t, values, err := d.of(from)
	if err != nil {
		return nil, err
	}
	people, err := t.Read(ctx, values, directory.Query{IDs: ids})
	if err != nil {
		return nil, err
	}
	out := &repository.DirectoryPeople{List: make([]repository.DirectoryUser, len(people.List)), Nobody: people.Nobody, Warnings: people.Warnings, LeftOut: people.LeftOut}
	for i, p := range people.List {
		u := repository.DirectoryUser{ID: p.ID, Name: p.Name, Attributes: make([]repository.DirectoryAttribute, len(p.Attributes))}
		for j, a := range p.Attributes {
			u.Attributes[j] = repository.DirectoryAttribute(a)
		}
		out.List[i] = u
	}
	return out, nil
}

// syncUsers brings users in line with a directory, and tells what has changed.
func (x *executor) syncUsers(ctx context.Context, task *store.Entity) (done scheduler.Done, err error) {
	id := fmt.Sprint(objectOf(task.Doc["userDirectory"])["id"])
	did, err := x.repo.SyncDirectory(ctx, id)
	event := telemetry.Event{
		UserDirectory: repository.InternalDirectory, UserID: "sa_scheduler", ObjectIDs: []string{id}, ObjectNames: []string{text(task, "name")},
		Origin: telemetry.ManagementAccess, Context: "UserManagement", Command: "Synchronize userdirectory", Class: telemetry.ClassSecurity, Result: 200,
	}
	log := x.users.With(telemetry.FacilityKey, "UserManagement", telemetry.ClassKey, "Repository.UserDirectoryConnectors")
	if err != nil {
		event.Result, event.Message = 500, err.Error()
		log.Warn("a user directory could not be synchronised", "directory", id, "err", err)
	} else {
		event.Message = did.String()
		log.Info("a user directory was synchronised", "directory", did.Directory, "read", did.Read, "added", did.Added, "changed", did.Changed, "back", did.Back, "gone", did.Gone, "warnings", did.LeftOut)
	}
	x.users.audit.Activity(event)
	x.users.audit.Security(event)
	if err != nil {
		return done, err
	}
	detail := func(severity scheduler.DetailSeverity, message string) {
		done.Details = append(done.Details, scheduler.Detail{Severity: severity, Message: message, Created: time.Now()})
	}
	detail(scheduler.DetailInformation, did.String())
	for _, w := range did.Warnings {
		detail(scheduler.DetailWarning, w)
	}
	if more := did.LeftOut - len(did.Warnings); more > 0 {
		detail(scheduler.DetailWarning, fmt.Sprintf("and %d more were left out", more))
	}
	return done, nil
}
