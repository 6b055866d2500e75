package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognate-bi/cognate/services/repository/appfiles"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A Repository is the rules of a site over its store. Any number of goroutines
// may use it.
type Repository struct {
	schema *schema.Schema
	store  *store.Store
	guard  *rules.Guard
	now    func() time.Time
	log    *slog.Logger
	done   context.CancelFunc
	gone   chan struct{}

	opened     int64 // number of the last change before this repository was opened
	followed   seen
	targetsMax int                 // see the constant
	generation atomic.Uint64       // of rights on apps and objects
	linkedAs   map[string][]string // by type, see linkNames
	selections selections
	notices    notices
	local      atomic.Pointer[string] // id of this node, once it has joined

	scriptLogs ScriptLogs
	tickets    tickets // for script logs

	directories   Directories                // nil: this node reads none
	checkSchedule func(map[string]any) error // nil: nobody looks
	syncs         syncs

	files     *appfiles.Folder // nil: this node keeps none
	engine    Engine
	exportsMu sync.Mutex
	exports   map[string]*export // by token

	importDir string
	content   *ContentStore // nil: this node keeps none
	contentMu sync.Mutex    // see settleContent
}

// Options are what a repository needs. Now and Log may be nil; Files and Engine
// are where this node keeps the files of apps, Content those of libraries.
type Options struct {
	Store      *store.Store // stays the caller's, to be closed after the repository
	Files      *appfiles.Folder
	Engine     Engine
	ScriptLogs ScriptLogs
	Content    *ContentStore
	// Directories are where people of user directories are read.
	Directories Directories
	// CheckSchedule says what is wrong with the schedule of a SchemaEvent; nil:
	// nobody looks.
	CheckSchedule func(event map[string]any) error
	ImportDir     string // of files that may be imported by their names; "" = none
	// Member says that another node is the central one: this one makes no first
	// entities, and does not end what others may be about to do with files.
	Member bool
	Now    func() time.Time
	Log    *slog.Logger
}

// Open opens the repository of a site. In an empty store it makes what every
// site has.
func Open(ctx context.Context, o Options) (*Repository, error) {
	r := &Repository{schema: o.Store.Schema(), store: o.Store, now: o.Now, log: o.Log, files: o.Files, engine: o.Engine, content: o.Content, importDir: o.ImportDir, scriptLogs: o.ScriptLogs, directories: o.Directories, checkSchedule: o.CheckSchedule, targetsMax: targetsMax, gone: make(chan struct{})}
	if r.now == nil {
		r.now = time.Now
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if err := r.begin(ctx, o.Member); err != nil {
		return nil, err
	}
	since, err := r.store.LastChange(ctx) // before rules are read: what changes meanwhile is seen twice
	if err != nil {
		return nil, fmt.Errorf("repository: listen to changes: %w", err)
	}
	set, err := r.compile(ctx)
	if err != nil {
		return nil, err
	}
	r.guard = rules.NewGuard(set, 0, r.log)
	r.linkedAs = linkNames(r.schema)
	listen, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.done = cancel
	r.opened = since
	r.followed.reach(since)
	go r.follow(listen, since)
	return r, nil
}

// begin makes what a site has from its start, and mends what was left
// unfinished; that is the central node's.
func (r *Repository) begin(ctx context.Context, member bool) error {
	empty, err := r.empty(ctx)
	switch {
	case err != nil:
		return err
	case empty && member:
		return errors.New("repository: the site has no central node yet: start that one first")
	case member:
		return nil
	case empty:
		if err := r.seed(ctx); err != nil {
			return fmt.Errorf("repository: first entities: %w", err)
		}
	}
	if err := r.seedContent(ctx); err != nil {
		return fmt.Errorf("repository: static content: %w", err)
	}
	return errors.Join(r.reconcile(ctx), r.reconcileContent(ctx), r.endSyncs(ctx), r.mendOperated(ctx))
}

// Close stops listening to changes.
func (r *Repository) Close() {
	r.done()
	<-r.gone
}

// Ping reports whether the database answers.
func (r *Repository) Ping(ctx context.Context) error { return r.store.Ping(ctx) }

// Schema returns the types of entities.
func (r *Repository) Schema() *schema.Schema { return r.schema }

// compile compiles the stored rules. Bad ones are logged and never match.
func (r *Repository) compile(ctx context.Context) (*rules.RuleSet, error) {
	found, err := r.store.List(ctx, "SystemRule", store.Query{})
	if err != nil {
		return nil, fmt.Errorf("repository: read rules: %w", err)
	}
	stored := make([]rules.Rule, 0, len(found))
	for _, e := range found {
		rule, err := ruleOf(e)
		if err != nil {
			r.log.Error("a rule cannot be read", "rule", e.ID, "err", err)
			continue
		}
		stored = append(stored, *rule)
	}
	set, bad := rules.Compile(stored)
	for _, b := range bad {
		r.log.Error("a rule is wrong and never matches", "rule", b.ID, "name", b.Name, "err", b.Err)
	}
	return set, nil
}

// ruleOf returns the rule that an entity is.
func ruleOf(e *store.Entity) (*rules.Rule, error) {
	raw, err := json.Marshal(e.Doc)
	if err != nil {
		return nil, err
	}
	rule := &rules.Rule{}
	if err := json.Unmarshal(raw, rule); err != nil {
		return nil, err
	}
	rule.ID = e.ID
	return rule, nil
}

// follow keeps what the guard knows in step with the store. A change that
// cannot be followed leaves nothing known.
func (r *Repository) follow(ctx context.Context, since int64) {
	defer close(r.gone)
	for ctx.Err() == nil {
		err := r.store.Subscribe(ctx, since, func(changes []store.Change) error {
			if err := r.notice(ctx, changes); err != nil {
				return err
			}
			since = changes[len(changes)-1].Seq
			r.followed.reach(since)
			return nil
		})
		if err == nil || ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
			return
		}
		r.log.Error("changes could not be followed", "err", err)
		r.guard.Reset("changes could not be followed")
		r.generation.Add(1)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// notice takes changes over into the guard. Rules are compiled once for all of
// them, however many have changed.
func (r *Repository) notice(ctx context.Context, changes []store.Change) error {
	changedRule := ""
	for _, c := range changes {
		reason := fmt.Sprintf("%s, change %d", c.Type, c.Kind)
		switch c.Type {
		case "SystemRule":
			changedRule = reason
		case "User":
			r.guard.UserChanged(c.ID, reason)
		case "CustomPropertyDefinition":
			r.guard.Reset(reason)
		default:
			r.guard.EntityChanged(c.ID, reason)
		}
	}
	if err := r.noticeReferrers(ctx, changes); err != nil {
		return err
	}
	if slices.ContainsFunc(changes, func(c store.Change) bool { return r.concernsRights(c.Type) }) {
		defer r.generation.Add(1) // once the guard knows of it
	}
	if changedRule == "" {
		return nil
	}
	set, err := r.compile(ctx)
	if err != nil {
		return err
	}
	r.guard.Replace(set, changedRule)
	return nil
}

// concernsRights reports whether a change of an entity of a type may change
// rights on apps and objects: as what every site's rules look at, or because some
// rule follows a reference to it or from it.
func (r *Repository) concernsRights(typ string) bool {
	return slices.Contains([]string{"SystemRule", "User", customDefinition, "App", objectType, "Stream"}, typ) ||
		r.guard.Rules().Follows(backName(typ)) || slices.ContainsFunc(r.linkedAs[typ], r.guard.Rules().Follows)
}

// linkNames returns the names, in lower case, of the references that lead to the
// entities of each type.
func linkNames(s *schema.Schema) map[string][]string {
	names := map[string][]string{}
	for _, t := range s.Types() {
		for i := range t.Fields {
			f := &t.Fields[i]
			if f.Kind != schema.Reference {
				continue
			}
			name := strings.ToLower(f.Name)
			for _, typ := range s.Concrete(s.Type(f.Of)) {
				if !slices.Contains(names[typ], name) {
					names[typ] = append(names[typ], name)
				}
			}
		}
	}
	return names
}

// noticeReferrers tells the guard of what changed entities refer to now, where
// rules look at that from the other side. What they referred to before, and do no
// more, was decided by looking at them.
func (r *Repository) noticeReferrers(ctx context.Context, changes []store.Change) error {
	set := r.guard.Rules()
	types := map[string]string{} // by id
	for _, c := range changes {
		if c.Kind != store.Deleted && set.Follows(backName(c.Type)) {
			types[c.ID] = c.Type
		}
	}
	if len(types) == 0 {
		return nil
	}
	targets, err := r.store.Targets(ctx, slices.Collect(maps.Keys(types)))
	if err != nil {
		return err
	}
	for id, of := range targets {
		for _, target := range of {
			r.guard.ReferrersChanged(target, backName(types[id]), fmt.Sprintf("%s %s refers to it", types[id], id))
		}
	}
	return nil
}

// seen is up to which change the repository has followed the store.
type seen struct {
	mu      sync.Mutex
	seq     int64
	reached chan struct{} // closed when seq grows
}

// reach notes that changes up to seq were followed.
func (s *seen) reach(seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq > s.seq {
		s.seq = seq
	}
	if s.reached != nil {
		close(s.reached)
		s.reached = nil
	}
}

// wait waits until changes up to seq were followed, or ctx ends.
func (s *seen) wait(ctx context.Context, seq int64) {
	for {
		s.mu.Lock()
		if s.seq >= seq {
			s.mu.Unlock()
			return
		}
		if s.reached == nil {
			s.reached = make(chan struct{})
		}
		reached := s.reached
		s.mu.Unlock()
		select {
		case <-reached:
		case <-ctx.Done():
			return
		}
	}
}
