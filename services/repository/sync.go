package repository

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// Statuses of a synchronisation, by the numbers of the interface.
const (
	syncIdle = iota
	syncFetching
	syncStoring
)

// ErrSyncing says that a directory is being synchronised.
var ErrSyncing = errors.New("the user directory is being synchronised already")

// syncLease is after how long a synchronisation that another process began is
// not waited for. Should it go on all the same, it finds that it is not its turn
// any more when it stores.
const syncLease = 10 * time.Minute

// A Synced is what a synchronisation has done.
type Synced struct {
	Directory string // name of the user directory
	Read      int    // users that the directory has told
	Added     int
	Changed   int
	Back      int // users that had vanished
	Gone      int // users that have vanished
	Warnings  []string
	LeftOut   int // warnings, those that are not told included
}

// String is what a synchronisation has done, in words.
func (s *Synced) String() string {
	return fmt.Sprintf("user directory %s: %d users read, %d added, %d changed, %d came back, %d vanished", s.Directory, s.Read, s.Added, s.Changed, s.Back, s.Gone)
}

// syncs are the directories that this process synchronises.
type syncs struct {
	mu      sync.Mutex
	running map[string]bool // by id
}

func (s *syncs) begin(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[id] {
		return false
	}
	if s.running == nil {
		s.running = map[string]bool{}
	}
	s.running[id] = true
	return true
}

func (s *syncs) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, id)
}

// SyncDirectory brings the users of a directory in line with it.
//
// The directory is read to its end before the first user is changed, and an
// error, or a directory that has lost all its people, changes nobody. Then users
// are added and changed, some hundred at a time, so that others come to their
// turn; last of all those that have vanished are marked.
func (r *Repository) SyncDirectory(ctx context.Context, id string) (*Synced, error) {
	if !r.syncs.begin(id) {
		return nil, ErrSyncing
	}
	defer r.syncs.end(id)
	s := &syncing{repo: r, id: id}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	err := s.run(ctx)
	if bad := s.end(ctx, err); err == nil {
		err = bad
	}
	if err != nil {
		return nil, fmt.Errorf("user directory %s: %w", s.done.Directory, err)
	}
	return &s.done, nil
}

// A syncing is one synchronisation of a directory.
type syncing struct {
	repo    *Repository
	id      string
	entity  *store.Entity
	from    *Directory
	started string // what tells this one from those that others begin
	done    Synced
}

// begin takes the directory, if it may be synchronised.
func (s *syncing) begin(ctx context.Context) error {
	wrong := error(nil)
	err := s.change(ctx, func(tx *store.Tx) error {
		e, err := tx.Lock(ctx, directoryType, s.id)
		if err != nil {
			return err
		}
		if e, err = s.repo.judge(ctx, tx, e); err != nil {
			return err
		}
		s.entity, s.done.Directory = e, text(e.Doc["userDirectoryName"])
		if !isTrue(e.Doc["configured"]) {
			wrong = fmt.Errorf("user directory %q is not configured: %s: %w", text(e.Doc["name"]), text(e.Doc["configuredError"]), ErrInvalid)
			return nil // that it is not stays noted
		}
		if s.from, err = directory(ctx, tx, e); err != nil {
			return err
		}
		if err := s.free(e); err != nil {
			return err
		}
		s.started = schema.FormatDate(s.repo.now())
		_, err = tx.Update(ctx, directoryType, s.id, map[string]any{"syncStatus": number(syncFetching), "syncLastStarted": s.started})
		return err
	})
	return errors.Join(err, wrong)
}

// free says whether somebody else synchronises the directory.
func (s *syncing) free(e *store.Entity) error {
	if fmt.Sprint(e.Doc["syncStatus"]) == fmt.Sprint(syncIdle) {
		return nil
	}
	began, err := schema.ParseDate(text(e.Doc["syncLastStarted"]))
	if since := s.repo.now().Sub(began); err == nil && since >= 0 && since < syncLease {
		return ErrSyncing
	}
	return nil
}

func (s *syncing) change(ctx context.Context, f func(tx *store.Tx) error) error {
	self := Service("repository")
	return s.repo.change(ctx, &self, f)
}

// mine checks that nobody else has begun to synchronise the directory since, and
// keeps it so until the transaction ends.
func (s *syncing) mine(ctx context.Context, tx *store.Tx) error {
	e, err := tx.Lock(ctx, directoryType, s.id)
	if err != nil {
		return err
	}
	if text(e.Doc["syncLastStarted"]) != s.started {
		return fmt.Errorf("another synchronisation has begun since: %w", ErrSyncing)
	}
	return nil
}

// run reads and stores.
func (s *syncing) run(ctx context.Context) error {
	known, err := s.repo.knownUsers(ctx, s.done.Directory) // before the directory is read: who comes meanwhile has not vanished
	if err != nil {
		return err
	}
	onlyKnown := isTrue(s.entity.Doc["syncOnlyLoggedInUsers"])
	var ids []string
	if onlyKnown {
		ids = make([]string, 0, len(known))
		for _, k := range known {
			ids = append(ids, k.userID)
		}
	}
	people, err := s.repo.directories.Read(ctx, s.from, ids)
	if err != nil {
		return err
	}
	s.done.Read, s.done.Warnings, s.done.LeftOut = len(people.List), people.Warnings, people.LeftOut
	if people.Nobody {
		if n := synced(known); n > 0 {
			return fmt.Errorf("it has no users at all any more, where there were %d: nothing was changed; look at its settings, or delete the users", n)
		}
	}
	err = s.change(ctx, func(tx *store.Tx) error {
		if err := s.mine(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Update(ctx, directoryType, s.id, map[string]any{"syncStatus": number(syncStoring)})
		return err
	})
	if err != nil {
		return err
	}
	w := &userWriter{syncing: s, known: known, onlyKnown: onlyKnown, connector: text(s.entity.Doc["name"])}
	return w.write(ctx, people.List)
}

// synced counts the users who came from a directory and have not vanished.
func synced(known map[string]knownUser) (n int) {
	for _, k := range known {
		if k.synced && !k.gone {
			n++
		}
	}
	return n
}

// endTime is how long noting the end may take, whatever ended the rest.
const endTime = 10 * time.Second

// end notes how it went. Who was stopped says nothing of the directory.
func (s *syncing) end(ctx context.Context, failure error) error {
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	change := map[string]any{"syncStatus": number(syncIdle)}
	switch {
	case failure == nil:
		change["syncLastSuccessfulEnded"], change["operational"], change["operationalError"] = schema.FormatDate(s.repo.now()), true, ""
	case !stopped:
		change["operational"], change["operationalError"] = false, failure.Error()
	}
	return s.change(ctx, func(tx *store.Tx) error {
		if err := s.mine(ctx, tx); errors.Is(err, ErrSyncing) || errors.Is(err, ErrNotFound) {
			return nil // the other one notes its own end
		} else if err != nil {
			return err
		}
		_, err := tx.Update(ctx, directoryType, s.id, change)
		return err
	})
}

// endSyncs notes that nobody synchronises anything, as this process has just
// begun.
func (r *Repository) endSyncs(ctx context.Context) error {
	self := Service("repository")
	return r.change(ctx, &self, func(tx *store.Tx) error {
		list, err := tx.List(ctx, directoryType, store.Query{})
		for _, e := range list {
			if err == nil && fmt.Sprint(e.Doc["syncStatus"]) != fmt.Sprint(syncIdle) {
				_, err = tx.Update(ctx, e.Type, e.ID, map[string]any{"syncStatus": number(syncIdle)})
			}
		}
		return err
	})
}

// SyncTask returns the task by which a directory is synchronised, for who may
// change the directory. It is made if there is none.
func (r *Repository) SyncTask(ctx context.Context, c *Caller, directoryID string) (string, error) {
	_, e, err := r.allowed(ctx, c, directoryType, directoryID, rules.Update)
	if err != nil {
		return "", err
	}
	id := ""
	err = r.change(ctx, c, func(tx *store.Tx) error {
		tasks, err := tx.List(ctx, syncTaskType, store.Query{Where: filter.Equal("userDirectory.id", e.ID)})
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if isTrue(t.Doc["enabled"]) {
				id = t.ID
				return nil
			}
		}
		if len(tasks) > 0 {
			return fmt.Errorf("its task %q is disabled: %w", text(tasks[0].Doc["name"]), ErrInvalid)
		}
		made, err := r.addSyncTask(ctx, tx, e)
		if err == nil {
			id = made.ID
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("synchronise user directory %q: %w", text(e.Doc["name"]), err)
	}
	return id, nil
}

// SyncUser brings one user in line with the directory of his name, and reports
// whether that knows him. Who is not stored yet is added, if it does.
func (r *Repository) SyncUser(ctx context.Context, c *Caller, directoryName, userID string) (bool, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return false, err
	}
	who := &Caller{Directory: directoryName, ID: userID}
	user, err := r.user(ctx, who)
	if err != nil {
		return false, err
	}
	l := r.loader(ctx, r.store)
	if user.ID != "" {
		err = d.need(r.loader(ctx, r.store, user), user, rules.Update)
	} else {
		draft, bad := r.draft(r.schema.Type("User"), map[string]any{"userDirectory": directoryName, "userId": userID, "name": userID, "removedExternally": false, "blacklisted": false})
		if err = bad; bad == nil {
			err = d.needDraft(l, draft, rules.Create)
		}
	}
	if err != nil {
		return false, err
	}
	return r.syncUser(ctx, directoryName, userID)
}

// syncUser is SyncUser for the site itself.
func (r *Repository) syncUser(ctx context.Context, directoryName, userID string) (bool, error) {
	s := &syncing{repo: r}
	if r.directories == nil {
		return false, errNoDirectories
	}
	found, err := r.store.List(ctx, directoryType, store.Query{Where: filter.Equal("userDirectoryName", directoryName)})
	if err != nil {
		return false, err
	}
	for _, e := range found {
		if isTrue(e.Doc["configured"]) {
			s.entity, s.id = e, e.ID
		}
	}
	if s.entity == nil {
		return false, fmt.Errorf("a configured connector of the user directory %q: %w", directoryName, ErrNotFound)
	}
	s.done.Directory = text(s.entity.Doc["userDirectoryName"])
	if s.from, err = directory(ctx, r.store, s.entity); err != nil {
		return false, err
	}
	known, err := r.knownUser(ctx, s.done.Directory, userID)
	if err != nil {
		return false, err
	}
	people, err := r.directories.Read(ctx, s.from, []string{userID})
	if err != nil {
		return false, fmt.Errorf("user directory %s: %w: %w", s.done.Directory, ErrDirectory, err)
	}
	if people.Nobody && synced(known) > 0 {
		return false, fmt.Errorf("user directory %s: %w: it has no users at all any more", s.done.Directory, ErrDirectory)
	}
	w := &userWriter{syncing: s, known: known, connector: text(s.entity.Doc["name"]), single: true}
	return len(people.List) > 0, w.write(ctx, people.List)
}

// firstLogInMax is how long a first log-in waits for what a directory says.
const firstLogInMax = 5 * time.Second

// fetchUser brings somebody who has just been added in line with his directory,
// if it has a connector: rules see his groups from the start. If that fails he
// has none until the next synchronisation.
func (r *Repository) fetchUser(ctx context.Context, c *Caller) {
	if r.directories == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, firstLogInMax)
	defer cancel()
	if _, err := r.syncUser(ctx, c.Directory, c.ID); err != nil && !errors.Is(err, ErrNotFound) {
		r.log.Warn("a user could not be read from his directory", "user", c.String(), "err", err)
	}
}
