package repository

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// Create stores new entities, all or none, and returns them as they are.
func (r *Repository) Create(ctx context.Context, c *Caller, t *schema.Type, docs ...map[string]any) ([]map[string]any, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, ok := kindOf(t.Name); ok { // whose names are taken is looked up
		r.contentMu.Lock()
		defer r.contentMu.Unlock()
	}
	var made []*store.Entity
	err = r.change(ctx, c, func(tx *store.Tx) error {
		for _, doc := range docs {
			e, err := r.create(ctx, tx, d, t, doc)
			if err != nil {
				return err
			}
			made = append(made, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.present(ctx, d, made, false, r.store.Full)
}

// followMax is how long a change waits to be followed.
const followMax = time.Second

// change runs a transaction in the name of a caller. When it returns, this
// process decides by what was changed: who gets a right has it at once.
func (r *Repository) change(ctx context.Context, c *Caller, f func(*store.Tx) error) error {
	err := r.store.Tx(ctx, func(tx *store.Tx) error {
		tx.User = c.String()
		return f(tx)
	})
	if err != nil || r.guard == nil {
		return err
	}
	seq, err := r.store.LastChange(ctx)
	if err != nil { // it is stored all the same
		return nil
	}
	within, cancel := context.WithTimeout(ctx, followMax)
	defer cancel()
	r.followed.wait(within, seq)
	return nil
}

func (r *Repository) create(ctx context.Context, tx *store.Tx, d *decider, t *schema.Type, doc map[string]any) (*store.Entity, error) {
	doc, err := r.withList(ctx, tx, t, owned(d, t, doc))
	if err != nil {
		return nil, err
	}
	if isOperated(t) {
		delete(doc, operational)
	}
	if t.Name == directoryType {
		if doc, err = r.withSettings(doc); err != nil {
			return nil, err
		}
	}
	if err := r.check(ctx, tx, t, nil, doc); err != nil {
		return nil, err
	}
	if err := r.checkLibrary(ctx, tx, t, "", doc); err != nil {
		return nil, err
	}
	draft, err := r.draft(t, doc)
	if err != nil {
		return nil, err
	}
	if err := r.needTargets(ctx, r.loader(ctx, tx), d, t, nil, draft.Doc); err != nil {
		return nil, err
	}
	if err := mayBeRule(d, draft); err != nil {
		return nil, err
	}
	action := rules.Create
	if t.Name == "User" && len(asList(draft.Doc["roles"])) > 0 { // else who may not give roles would make himself anew with them
		action |= rules.ChangeRole
	}
	if err := d.needDraft(r.loader(ctx, tx), draft, action); err != nil {
		return nil, err
	}
	if isOperated(t) {
		return createOperated(ctx, tx, t, doc)
	}
	made, err := tx.Create(ctx, t.Name, doc)
	if err == nil && t.Name == directoryType {
		made, err = r.openDirectory(ctx, tx, made)
	}
	return made, err
}

// draft returns an entity as it is about to be stored.
func (r *Repository) draft(t *schema.Type, doc map[string]any) (*store.Entity, error) {
	stored, err := r.schema.Validate(t, doc, true)
	if err != nil {
		return nil, err
	}
	return &store.Entity{Type: t.Name, ID: strings.ToLower(text(doc[schema.ID])), Doc: stored}, nil
}

// MayCreate reports whether the caller may create an entity.
func (r *Repository) MayCreate(ctx context.Context, c *Caller, t *schema.Type, doc map[string]any) (bool, error) {
	rights, err := r.Rights(ctx, c, t, doc)
	return rights&rules.Create != 0, err
}

// Rights returns what the caller may do with an entity that is not stored.
func (r *Repository) Rights(ctx context.Context, c *Caller, t *schema.Type, doc map[string]any) (rules.Action, error) {
	d, err := r.decider(ctx, c)
	if err != nil || d.access == nil {
		return rules.All, err
	}
	if doc, err = r.withList(ctx, r.store, t, owned(d, t, doc)); err != nil {
		return rules.None, err
	}
	if f := t.Field("owner"); f != nil && f.Required && refID(doc["owner"]) == "" {
		return rules.None, nil // nobody whom we know, such as somebody anonymous, owns anything
	}
	draft, err := r.draft(t, doc)
	if err != nil {
		return rules.None, err
	}
	return d.access.AllowedDraft(r.loader(ctx, r.store).resource(draft), rules.All)
}

// owned returns a document with the caller as its owner, if its type has
// owners and it names none.
func owned(d *decider, t *schema.Type, doc map[string]any) map[string]any {
	out := named(t, doc)
	if t.Field("owner") != nil && refID(out["owner"]) == "" && d.user.ID != "" {
		out["owner"] = ref(d.user.ID)
	}
	return out
}

// named returns a document with the names of fields as the schema has them:
// they come in any case, and what is decided by a field must not miss it. Of a
// field that is there twice one counts, for everything.
func named(t *schema.Type, doc map[string]any) map[string]any {
	out := make(map[string]any, len(doc)+1)
	for k, v := range doc {
		if f := t.Field(k); f != nil {
			k = f.Name
		} else {
			for _, base := range schema.BaseFields() {
				if strings.EqualFold(k, base.Name) {
					k = base.Name
				}
			}
		}
		out[k] = v
	}
	return out
}

// Update changes an entity: fields that doc does not have keep their value. Its
// modifiedDate says what it was read as; [ErrStale] if it has changed since.
func (r *Repository) Update(ctx context.Context, c *Caller, t *schema.Type, id string, doc map[string]any) (map[string]any, error) {
	if sent := text(doc[schema.ID]); sent != "" && !strings.EqualFold(sent, id) {
		return nil, &schema.Error{Field: schema.ID, Reason: fmt.Sprintf("%s in the body, %s in the path", sent, id)}
	}
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	var changed *store.Entity
	err = r.change(ctx, c, func(tx *store.Tx) error {
		changed, err = r.update(ctx, tx, d, t, id, doc)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.one(ctx, d, changed, false)
}

func (r *Repository) update(ctx context.Context, tx *store.Tx, d *decider, t *schema.Type, id string, doc map[string]any) (*store.Entity, error) {
	old, err := tx.Get(ctx, t.Name, id)
	if err != nil {
		return nil, err
	}
	t = r.schema.Type(old.Type)
	doc = named(t, doc)
	if isOperated(t) { // what it has done is not for clients to say
		delete(doc, operational)
	}
	l := r.loader(ctx, tx, old)
	if err := d.need(l, old, rules.Update); err != nil {
		return nil, err
	}
	for field, action := range guarded(t) {
		if differs(t, old.Doc, doc, field) {
			if err := d.need(l, old, action); err != nil {
				return nil, err
			}
		}
	}
	if err := r.needConnection(l, d, old, doc); err != nil {
		return nil, err
	}
	if err := r.needPlace(ctx, l, d, t, old, doc); err != nil {
		return nil, err
	}
	if err := r.check(ctx, tx, t, old, doc); err != nil {
		return nil, err
	}
	if isEdited(t, old, doc) {
		doc["type"] = rules.KindCustom
	}
	if _, ok := kindOf(t.Name); ok {
		return r.updateLibrary(ctx, tx, t, old, doc)
	}
	if t.Name == directoryType {
		if doc, err = r.changedSettings(ctx, tx, old, doc); err != nil {
			return nil, err
		}
	}
	changed, err := tx.Update(ctx, old.Type, old.ID, doc)
	if err == nil {
		err = needAdmin(ctx, tx, old, changed)
	}
	if err == nil && t.Name == customDefinition {
		err = r.dropUses(ctx, tx, old, changed)
	}
	if err == nil && t.Name == directoryType {
		changed, err = r.judge(ctx, tx, changed)
	}
	return changed, err
}

// isEdited reports whether a change gives a default rule another meaning, so that
// it is one of the installation no more. One that is switched off is.
func isEdited(t *schema.Type, old *store.Entity, change map[string]any) bool {
	return t.Name == "SystemRule" && text(old.Doc["type"]) == rules.KindDefault &&
		slices.ContainsFunc([]string{"name", "rule", "resourceFilter", "actions", "ruleContext"}, func(field string) bool {
			return differs(t, old.Doc, change, field)
		})
}

// guarded are the fields of a type whose change needs another right, too.
// Whoever gives a user another name gives his roles to who has that.
func guarded(t *schema.Type) map[string]rules.Action {
	fields := map[string]rules.Action{"owner": rules.ChangeOwner, "roles": rules.ChangeRole}
	if t.Name == "User" {
		fields["userId"], fields["userDirectory"] = rules.ChangeRole, rules.ChangeRole
	}
	return fields
}

// differs reports whether a change has another value for a field.
func differs(t *schema.Type, old, change map[string]any, field string) bool {
	f := t.Field(field)
	sent, ok := change[field]
	switch {
	case f == nil || !ok:
		return false
	case f.Kind == schema.Reference:
		return refID(sent) != refID(old[field])
	}
	return fmt.Sprint(sent) != fmt.Sprint(old[field])
}

// Delete deletes entities, all or none; apps and libraries go one by one, each
// with its files.
func (r *Repository) Delete(ctx context.Context, c *Caller, t *schema.Type, ids ...string) error {
	if t.Name == "App" {
		for _, id := range ids {
			if err := r.DeleteApp(ctx, c, id); err != nil {
				return err
			}
		}
		return nil
	}
	if k, ok := kindOf(t.Name); ok {
		for _, id := range ids {
			if err := r.deleteLibrary(ctx, c, k, id); err != nil {
				return err
			}
		}
		return nil
	}
	if t.Name == objectType {
		return r.deleteObjects(ctx, c, ids)
	}
	d, err := r.decider(ctx, c)
	if err != nil {
		return err
	}
	return r.change(ctx, c, func(tx *store.Tx) error {
		for _, id := range ids {
			if err := r.delete(ctx, tx, d, t, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *Repository) delete(ctx context.Context, tx *store.Tx, d *decider, t *schema.Type, id string) error {
	e, err := tx.Get(ctx, t.Name, id)
	if err != nil {
		return err
	}
	if err := d.need(r.loader(ctx, tx, e), e, rules.Delete); err != nil {
		return err
	}
	if err := r.checkDelete(e); err != nil {
		return err
	}
	switch {
	case e.Type == directoryType:
		err = r.dropTasks(ctx, tx, e.ID)
	case e.Type == "ServerNodeConfiguration":
		err = r.dropServices(ctx, tx, e)
	case slices.Contains(r.schema.Concrete(r.schema.Type("Task")), e.Type):
		err = r.dropEvents(ctx, tx, e)
	}
	if err == nil {
		err = needAdmin(ctx, tx, e, nil)
	}
	if err != nil {
		return err
	}
	if isOperated(r.schema.Type(e.Type)) {
		return r.deleteOperated(ctx, tx, e)
	}
	return tx.Delete(ctx, e.Type, id)
}

// ErrReadOnly says that an entity is part of the installation.
var ErrReadOnly = errors.New("part of the installation: it can be neither changed nor deleted")

// check says what is wrong with a document beyond its schema. old is nil for a
// new one.
func (r *Repository) check(ctx context.Context, tx *store.Tx, t *schema.Type, old *store.Entity, doc map[string]any) error {
	switch t.Name {
	case "SystemRule":
		return r.checkRule(t, old, doc)
	case customDefinition:
		return r.checkDefinition(doc)
	case virtualProxyType:
		if err := r.checkVirtualProxy(t, old, doc); err != nil {
			return err
		}
	case "SchemaEvent":
		return r.checkEvent(t, old, doc)
	}
	return r.checkCustom(ctx, tx, t, old, doc)
}

func (r *Repository) checkRule(t *schema.Type, old *store.Entity, doc map[string]any) error {
	e := &store.Entity{Doc: doc}
	if old != nil {
		if text(old.Doc["type"]) == rules.KindReadOnly {
			return fmt.Errorf("rule %s: %w", text(old.Doc["name"]), ErrReadOnly)
		}
		e.Doc = r.schema.Merge(t, old.Doc, doc)
	}
	rule, err := ruleOf(e)
	if err != nil {
		return &schema.Error{Field: "rule", Reason: err.Error()}
	}
	if err := rule.Check(); err != nil {
		return &schema.Error{Field: "rule", Reason: err.Error()}
	}
	return nil
}

const virtualProxyType = "VirtualProxyConfig"

// checkVirtualProxy keeps the one that is the default what it is: a proxy without
// it would not start.
func (r *Repository) checkVirtualProxy(t *schema.Type, old *store.Entity, doc map[string]any) error {
	was, merged := false, doc
	if old != nil {
		was, merged = isTrue(old.Doc["defaultVirtualProxy"]), r.schema.Merge(t, old.Doc, doc)
	}
	switch is := isTrue(merged["defaultVirtualProxy"]); {
	case is != was:
		return &schema.Error{Field: "defaultVirtualProxy", Reason: "there is one that is the default, and stays it"}
	case is && text(merged["prefix"]) != "":
		return &schema.Error{Field: "prefix", Reason: "the default virtual proxy has none"}
	}
	return nil
}

// scheduleFields are the fields of a SchemaEvent that say when it fires.
var scheduleFields = []string{"timeZone", "daylightSavingTime", "startDate", "expirationDate", "incrementDescription", "schemaFilterDescription"}

// checkEvent refuses an event that is no schedule: it would never fire, and
// nobody would know why.
func (r *Repository) checkEvent(t *schema.Type, old *store.Entity, doc map[string]any) error {
	says := func(field string) bool { _, has := doc[field]; return has }
	if r.checkSchedule == nil || old != nil && !slices.ContainsFunc(scheduleFields, says) {
		return nil
	}
	change, err := r.schema.Validate(t, doc, old == nil)
	if err != nil {
		return err
	}
	if old != nil {
		change = r.schema.Merge(t, old.Doc, change)
	}
	if err := r.checkSchedule(change); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

func (r *Repository) checkDelete(e *store.Entity) error {
	if e.Type == virtualProxyType && isTrue(e.Doc["defaultVirtualProxy"]) {
		return fmt.Errorf("the default virtual proxy: %w", ErrReadOnly)
	}
	if e.Type == "SystemRule" && text(e.Doc["type"]) == rules.KindReadOnly {
		return fmt.Errorf("rule %s: %w", text(e.Doc["name"]), ErrReadOnly)
	}
	if e.Type == "User" && isTrue(e.Doc["deleteProhibited"]) {
		return fmt.Errorf("user %s: %w", text(e.Doc["userId"]), ErrReadOnly)
	}
	return nil
}
