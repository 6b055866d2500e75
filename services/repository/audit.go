package repository

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// Bounds of an audit: of subjects times resources that are looked at, and of
// those that something is told of.
const (
	auditMax      = 1_000_000
	auditCellsMax = 200_000
)

// PreviewID is the id of a rule in a preview that is not saved.
const PreviewID = "00000000-0000-0000-0000-000000000000"

// An AuditQuery says what to audit. Subjects are users, of category Sync nodes.
type AuditQuery struct {
	Category    rules.Category
	Type        *schema.Type // of the resources
	Subjects    Query
	Resources   Query
	Context     rules.Context
	Environment rules.Attributes
	NonGranting bool
	Preview     *rules.Rule
	Expand      bool // put what subjects and resources refer to into them, condensed
}

// An Audit is who may do what on which resource, by which rule, as far as the
// caller may read all three; of rules that he may not read only the id is told.
type Audit struct {
	Subjects, Resources []*store.Entity
	Rules               map[string]rules.Rule // those that apply, by id
	Cells               []rules.AuditCell
}

// subjectType is the type of who has rights by rules of a category.
func subjectType(c rules.Category) string {
	if c == rules.LoadBalancing {
		return "ServerNodeConfiguration"
	}
	return "User"
}

// auditor begins an audit of a caller who may see that section.
func (r *Repository) auditor(ctx context.Context, c *Caller) (*decider, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	seen, err := d.section("QmcSection_Audit")
	if err == nil && !seen {
		err = fmt.Errorf("audit of rights: %w", ErrForbidden)
	}
	return d, err
}

// Audit evaluates all rules of a category on subjects and resources.
func (r *Repository) Audit(ctx context.Context, c *Caller, q AuditQuery) (*Audit, error) {
	if _, err := r.auditor(ctx, c); err != nil {
		return nil, err
	}
	_, subjects, err := r.list(ctx, c, r.schema.Type(subjectType(q.Category)), q.Subjects)
	if err != nil {
		return nil, err
	}
	_, resources, err := r.list(ctx, c, q.Type, q.Resources)
	if err != nil {
		return nil, err
	}
	if len(subjects)*len(resources) > auditMax {
		return nil, fmt.Errorf("an audit of %d × %d: at most %d are looked at: %w", len(subjects), len(resources), auditMax, ErrInvalid)
	}
	set := r.guard.Rules()
	evaluate := set.Audit
	if q.Category == rules.LoadBalancing {
		evaluate = set.AuditNodes
	}
	found, err := evaluate(ctx, r.entities(ctx, subjects), r.entities(ctx, resources), rules.AuditOptions{
		Category: q.Category, Context: q.Context, Environment: q.Environment, IncludeNonGranting: q.NonGranting, Preview: q.Preview, CellsMax: auditCellsMax,
	})
	if errors.Is(err, rules.ErrAuditMax) {
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err != nil {
		return nil, err
	}
	out := &Audit{Subjects: subjects, Resources: resources, Cells: found.Cells}
	if out.Rules, err = r.applied(ctx, c, q.Preview, found.Cells); err != nil || !q.Expand {
		return out, err
	}
	return out, r.store.Expand(ctx, append(slices.Clone(subjects), resources...)...)
}

// entities returns entities as rules see them, as one batch.
func (r *Repository) entities(ctx context.Context, list []*store.Entity) []rules.Entity {
	l := r.loader(ctx, r.store, list...)
	out := make([]rules.Entity, len(list))
	for i, e := range list {
		out[i] = l.resource(e)
	}
	return out
}

// applied returns the rules of cells that the caller may read.
func (r *Repository) applied(ctx context.Context, c *Caller, preview *rules.Rule, cells []rules.AuditCell) (map[string]rules.Rule, error) {
	used := map[string]bool{}
	for _, cell := range cells {
		for _, a := range cell.Rules {
			used[a.RuleID] = true
		}
	}
	ids, err := r.Readable(ctx, c, r.schema.Type("SystemRule"), slices.Sorted(maps.Keys(used)))
	if err != nil {
		return nil, err
	}
	out := map[string]rules.Rule{}
	for _, rule := range r.guard.Rules().Rules() {
		if used[rule.ID] && slices.Contains(ids, rule.ID) {
			out[rule.ID] = rule
		}
	}
	if preview != nil && used[preview.ID] {
		out[preview.ID] = *preview
	}
	return out, nil
}

// UserActions are on how many resources a user may do what.
type UserActions struct {
	User   map[string]any // condensed
	Counts map[string]int // by name of the action
}

// UserActions counts for users what they may do with resources of a type, by
// rules of a category.
func (r *Repository) UserActions(ctx context.Context, c *Caller, q AuditQuery, actions rules.Action) ([]UserActions, error) {
	audit, err := r.Audit(ctx, c, q)
	if err != nil {
		return nil, err
	}
	counts := map[string]map[string]int{}
	for _, cell := range audit.Cells {
		if counts[cell.SubjectID] == nil {
			counts[cell.SubjectID] = map[string]int{}
		}
		for _, name := range (cell.Granted & actions).Names() {
			counts[cell.SubjectID][name]++
		}
	}
	out := []UserActions{}
	for _, user := range audit.Subjects {
		if counts[user.ID] == nil {
			counts[user.ID] = map[string]int{}
		}
		out = append(out, UserActions{r.store.Condense(user), counts[user.ID]})
	}
	return out, nil
}

// Accessible returns the resources of a type with which a user may do an
// action, as far as the caller may read them.
func (r *Repository) Accessible(ctx context.Context, c *Caller, t *schema.Type, userID string, action rules.Action) ([]*store.Entity, error) {
	d, err := r.auditor(ctx, c)
	if err != nil {
		return nil, err
	}
	user, err := r.store.Get(ctx, "User", userID)
	if err != nil {
		return nil, err
	}
	l := r.loader(ctx, r.store, user)
	if err := d.need(l, user, rules.Read); err != nil {
		return nil, err
	}
	access, err := r.guard.Access(rules.Request{User: l.resource(user)})
	if err != nil {
		return nil, err
	}
	_, found, err := r.list(ctx, c, t, Query{})
	if err != nil {
		return nil, err
	}
	of := r.loader(ctx, r.store, found...)
	var out []*store.Entity
	for _, e := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, err := access.Allowed(of.resource(e), action)
		if err != nil {
			return nil, err
		}
		if got == action {
			out = append(out, e)
		}
	}
	return out, nil
}

// AssociatedRules returns the rules of a category whose filter covers entities
// of a query, condensed: those that the caller may read.
func (r *Repository) AssociatedRules(ctx context.Context, c *Caller, category rules.Category, t *schema.Type, q Query) ([]map[string]any, error) {
	_, _, keys, err := r.keys(ctx, c, t, q)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	covering := []string{}
	for _, rule := range r.guard.Rules().Rules() {
		if sameCategory(rule.Category, category) && rule.Covers(t.SchemaPath, ids) {
			covering = append(covering, rule.ID)
		}
	}
	return r.Condensed(ctx, c, r.schema.Type("SystemRule"), Query{IDs: covering, Privileges: q.Privileges})
}

// MayManageRules returns [ErrForbidden] to who does not see the section of
// rules.
func (r *Repository) MayManageRules(ctx context.Context, c *Caller) error {
	seen, err := r.Sections(ctx, c, []string{"QmcSection_SystemRule"})
	if err == nil && len(seen) == 0 {
		err = fmt.Errorf("the results of rules: %w", ErrForbidden)
	}
	return err
}
