package api

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// auditParameters are AuditParameters, AuditPreviewParameters and those of
// category Sync, AuditMatrixParameters, and UserInput.
type auditParameters struct {
	ResourceType, Type                    string
	ResourceFilter, UserFilter            string
	EnvironmentAttributes                 string
	UserSkip, UserTake                    int
	ResourceSkip, ResourceTake            int
	IncludeNonGrantingRules               bool
	RuleConditions                        string
	Actions, OutputObjectsPrivileges      rules.Action
	ResourceRef, SubjectRef               auditRef
	SelectionSetID                        string
	Limit, AuditLimit                     int
	SubjectStart                          string
	SubjectProperties, ResourceProperties []string
	PreviewRule                           *struct{ Condition string }
}

// An auditRef chooses entities by a filter, by a selection, or by both.
type auditRef struct{ ResourceFilter, Selection string }

// noSelection stands for none.
const noSelection = "00000000-0000-0000-0000-000000000000"

// auditQuery reads the body of an audit.
func (s *Server) auditQuery(r *request, c rules.Category) (p auditParameters, q repository.AuditQuery, err error) {
	if err := r.json(&p); err != nil {
		return p, q, err
	}
	if p.ResourceType == "" {
		p.ResourceType = p.Type
	}
	if q.Type = s.schema.Type(p.ResourceType); q.Type == nil || q.Type.Embedded {
		return p, q, badRequest("resourceType: there is no type %q", p.ResourceType)
	}
	q.Category, q.NonGranting = c, p.IncludeNonGrantingRules
	for _, n := range []int{p.UserSkip, p.UserTake, p.ResourceSkip, p.ResourceTake, p.Limit, p.AuditLimit} {
		if n < 0 && n != -1 {
			return p, q, badRequest("%d is no number to skip or take", n)
		}
	}
	q.Subjects = repository.Query{Filter: cmp.Or(p.UserFilter, p.SubjectRef.ResourceFilter), Skip: max(p.UserSkip, 0), Take: max(p.UserTake, p.Limit, 0)}
	q.Resources = repository.Query{Filter: cmp.Or(p.ResourceFilter, p.ResourceRef.ResourceFilter), Skip: max(p.ResourceSkip, 0), Take: max(p.ResourceTake, 0)}
	if q.Resources.IDs, err = s.selectedIDs(r, cmp.Or(p.ResourceRef.Selection, p.SelectionSetID), q.Type); err != nil {
		return p, q, err
	}
	if q.Subjects.IDs, err = s.selectedIDs(r, p.SubjectRef.Selection, nil); err != nil {
		return p, q, err
	}
	q.Environment, q.Context, err = environment(p.EnvironmentAttributes)
	return p, q, err
}

// selectedIDs returns the ids in a selection, of a type or of any; nil if none
// is named.
func (s *Server) selectedIDs(r *request, id string, t *schema.Type) ([]string, error) {
	if id == "" || id == noSelection {
		return nil, nil
	}
	items, err := s.repo.Selected(r.caller, id)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, item := range items {
		if t == nil || strings.EqualFold(item.Type, t.SchemaPath) || strings.EqualFold(item.Type, t.Name) {
			ids = append(ids, item.ObjectID)
		}
	}
	return ids, nil
}

// environment reads what surrounds a request that an audit is about: an object
// of JSON, or as in the header X-Qlik-Security: Context=AppAccess; OS=Windows.
func environment(text string) (rules.Attributes, rules.Context, error) {
	out := rules.Attributes{}
	object := map[string]string{}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return nil, 0, badRequest("environmentAttributes: %v", err)
		}
	} else {
		for part := range strings.SplitSeq(text, ";") {
			name, value, ok := strings.Cut(part, "=")
			if strings.TrimSpace(part) != "" && !ok {
				return nil, 0, badRequest("environmentAttributes: %q is no name=value", part)
			}
			object[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	context := rules.ContextBoth
	for name, value := range object {
		name = strings.ToLower(name)
		if name == "" {
			continue
		}
		out[name] = rules.Texts(value)
		switch {
		case name == "context" && strings.EqualFold(value, "AppAccess"):
			context = rules.ContextHub
		case name == "context" && strings.EqualFold(value, "ManagementAccess"):
			context = rules.ContextConsole
		}
	}
	return out, context, nil
}

// audit answers who may do what on which resources, by which rules.
func (s *Server) audit(c rules.Category) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		_, q, err := s.auditQuery(r, c)
		if err != nil {
			return answer{}, err
		}
		found, err := s.repo.Audit(r, r.caller, q)
		if err != nil {
			return answer{}, err
		}
		return created(s.auditAnswer(c, "Audit", found))
	}
}

// auditPreview is audit with a rule that is not saved. One that cannot be read
// is answered as such.
func (s *Server) auditPreview(c rules.Category) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		p, q, err := s.auditQuery(r, c)
		if err != nil {
			return answer{}, err
		}
		if p.Actions == 0 {
			p.Actions = rules.Read
		}
		q.Preview = preview(c, q.Type, p.RuleConditions, p.Actions)
		var wrong *rules.SyntaxError
		if _, err := rules.Parse(p.RuleConditions); errors.As(err, &wrong) {
			out := s.auditAnswer(c, "AuditPreview", &repository.Audit{})
			out["ruleApplication"] = []any{map[string]any{
				subjectKey(c): nil, "resourceID": nil, "ruleID": repository.PreviewID, "allowed": false,
				"errorAt": wrong.Pos, "errorMessage": wrong.Msg, "evaluationState": parseFailure,
			}}
			return created(out)
		}
		found, err := s.repo.Audit(r, r.caller, q)
		if err != nil {
			return answer{}, err
		}
		return created(s.auditAnswer(c, "AuditPreview", found))
	}
}

// parseFailure is the evaluationState of a rule that cannot be read; 0 is of one
// that was evaluated.
const parseFailure = 1

func preview(c rules.Category, t *schema.Type, condition string, actions rules.Action) *rules.Rule {
	return &rules.Rule{
		ID: repository.PreviewID, Category: c, Type: rules.KindCustom, Name: "preview", Condition: condition, Filter: t.SchemaPath + "_*", Actions: actions,
	}
}

func subjectKey(c rules.Category) string {
	if c == rules.LoadBalancing {
		return "nodeID"
	}
	return "userID"
}

func (s *Server) auditAnswer(c rules.Category, path string, a *repository.Audit) map[string]any {
	subjects, resources, applied := map[string]any{}, map[string]any{}, map[string]any{}
	applications := []any{}
	told := map[string]bool{}
	for _, cell := range a.Cells {
		told[cell.SubjectID], told[cell.ResourceID] = true, true
		for _, rule := range cell.Rules {
			applications = append(applications, map[string]any{
				subjectKey(c): cell.SubjectID, "resourceID": cell.ResourceID, "ruleID": rule.RuleID, "allowed": rule.Granted != 0,
				"errorAt": 0, "errorMessage": "", "evaluationState": 0,
			})
		}
	}
	for _, e := range a.Subjects {
		if told[e.ID] {
			subjects[e.ID] = s.brief(e, "userId", "userDirectory", "name")
		}
	}
	for _, e := range a.Resources {
		if told[e.ID] {
			resources[e.ID] = s.brief(e, "name")
		}
	}
	for id, rule := range a.Rules {
		applied[id] = map[string]any{"id": id, "schemaPath": "SystemRule", "name": rule.Name, "actions": rule.Actions, "disabled": rule.Disabled}
	}
	of := "users"
	if c == rules.LoadBalancing {
		of, path = "nodes", "Sync"+path
	}
	return map[string]any{"schemaPath": path, of: subjects, "resources": resources, "rules": applied, "ruleApplication": applications}
}

// brief returns some fields of an entity, those that its type has.
func (s *Server) brief(e *store.Entity, fields ...string) map[string]any {
	t := s.schema.Type(e.Type)
	out := map[string]any{schema.ID: e.ID, schema.SchemaPath: t.SchemaPath}
	for _, name := range fields {
		if t.Field(name) != nil {
			out[name] = e.Doc[name]
		}
	}
	return out
}

// auditMatrix answers the same as a matrix: what each subject may do on each
// resource, and the properties of both that are asked for.
func (s *Server) auditMatrix(c rules.Category) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		p, q, err := s.auditQuery(r, c)
		if err != nil {
			return answer{}, err
		}
		if p.Actions == 0 {
			p.Actions = rules.All
		}
		if p.PreviewRule != nil {
			q.Preview = preview(c, q.Type, p.PreviewRule.Condition, p.Actions)
			if err := q.Preview.Check(); err != nil {
				return answer{}, badRequest("previewRule: %v", err)
			}
		}
		q.Expand = true
		found, err := s.repo.Audit(r, r.caller, q)
		if err != nil {
			return answer{}, err
		}
		return created(s.matrix(&p, found))
	}
}

func (s *Server) matrix(p *auditParameters, a *repository.Audit) map[string]any {
	elements, subjects, resources := []any{}, map[string]any{}, map[string]any{}
	started := p.SubjectStart == "" || p.SubjectStart == noSelection
	byID := map[string]*store.Entity{}
	for _, list := range [][]*store.Entity{a.Subjects, a.Resources} {
		for _, e := range list {
			byID[e.ID] = e
		}
	}
	for _, cell := range a.Cells {
		started = started || strings.EqualFold(cell.SubjectID, p.SubjectStart)
		granted := cell.Granted & p.Actions
		if !started || granted == 0 {
			continue
		}
		if p.AuditLimit > 0 && len(elements) == p.AuditLimit {
			break
		}
		byRule := map[string]rules.Action{}
		for _, rule := range cell.Rules {
			if of := rule.Granted & p.Actions; of != 0 {
				byRule[rule.RuleID] = of
			}
		}
		elements = append(elements, map[string]any{"subjectId": cell.SubjectID, "resourceId": cell.ResourceID, "audit": map[string]any{"access": granted, "rules": byRule}})
		subjects[cell.SubjectID] = map[string]any{"subjectProperties": s.properties(byID[cell.SubjectID], p.SubjectProperties), "privileges": nil}
		resources[cell.ResourceID] = map[string]any{"resourceProperties": s.properties(byID[cell.ResourceID], p.ResourceProperties), "privileges": nil}
	}
	return map[string]any{"schemaPath": "AuditMatrix", "matrix": elements, "subjects": subjects, "resources": resources}
}

// properties returns what paths lead to; the name, if there are none.
func (s *Server) properties(e *store.Entity, paths []string) map[string]any {
	if len(paths) == 0 {
		paths = []string{"name"}
	}
	full, out := s.repo.Full(e), map[string]any{}
	for _, p := range paths {
		out[p] = along(full, p)
	}
	return out
}

// auditCount counts the resources of an audit.
func (s *Server) auditCount(r *request) (answer, error) {
	_, q, err := s.auditQuery(r, rules.Security)
	if err != nil {
		return answer{}, err
	}
	n, err := s.repo.Count(r, r.caller, q.Type, q.Resources)
	if err != nil {
		return answer{}, err
	}
	return created(value(n))
}

// accessible lists what a user may do something with.
func (s *Server) accessible(r *request) (answer, error) {
	var p struct {
		ResourceType, UserID string
		Action               any
	}
	if err := r.json(&p); err != nil {
		return answer{}, err
	}
	t := s.schema.Type(p.ResourceType)
	if t == nil || t.Embedded {
		return answer{}, badRequest("resourceType: there is no type %q", p.ResourceType)
	}
	action, err := actionOf(p.Action)
	if err != nil {
		return answer{}, err
	}
	found, err := s.repo.Accessible(r, r.caller, t, p.UserID, action)
	if err != nil {
		return answer{}, err
	}
	out := make([]any, len(found))
	for i, e := range found {
		out[i] = s.object(e)
	}
	return created(out)
}

// actionOf reads an action as its number or its name.
func actionOf(v any) (a rules.Action, err error) {
	switch v := v.(type) {
	case nil:
		return rules.Read, nil
	case json.Number:
		if err = json.Unmarshal([]byte(v), &a); err == nil {
			return a, nil
		}
	case string:
		if a, err = rules.ParseAction(v); err == nil {
			return a, nil
		}
	}
	return 0, badRequest("action: %v is none", v)
}

// userActions counts what users may do.
func (s *Server) userActions(c rules.Category, path string) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		p, q, err := s.auditQuery(r, c)
		if err != nil {
			return answer{}, err
		}
		if p.Actions == 0 {
			p.Actions = rules.All
		}
		found, err := s.repo.UserActions(r, r.caller, q, p.Actions)
		if err != nil {
			return answer{}, err
		}
		out := make([]any, len(found))
		for i, u := range found {
			out[i] = map[string]any{"schemaPath": path, "user": u.User, "actionCounts": u.Counts}
		}
		return created(out)
	}
}

// auditExport answers an audit as lines of CSV, the first with the names of
// the columns. What it is about comes as parameters: resourcetype (App),
// resourcefilter, userfilter.
func (s *Server) auditExport(r *request) (answer, error) {
	name := r.query["resourcetype"]
	if name == "" {
		name = "App"
	}
	t := s.schema.Type(name)
	if t == nil || t.Embedded {
		return answer{}, badRequest("resourcetype: there is no type %q", name)
	}
	a, err := s.repo.Audit(r, r.caller, repository.AuditQuery{
		Type: t, Category: rules.Security, Subjects: repository.Query{Filter: r.query["userfilter"]}, Resources: repository.Query{Filter: r.query["resourcefilter"]},
	})
	if err != nil {
		return answer{}, err
	}
	byID := map[string]*store.Entity{}
	for _, e := range append(a.Subjects, a.Resources...) {
		byID[e.ID] = e
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	lines := []string{}
	line := func(cells ...string) {
		for i, cell := range cells {
			cells[i] = guardCell(cell)
		}
		b.Reset()
		_ = w.Write(cells) // into memory
		w.Flush()
		lines = append(lines, strings.TrimSuffix(b.String(), "\n"))
	}
	line("userDirectory", "userId", "resourceType", "resourceId", "resourceName", "ruleId", "ruleName", "actions")
	for _, cell := range a.Cells {
		user, resource := byID[cell.SubjectID], byID[cell.ResourceID]
		for _, rule := range cell.Rules {
			line(cellText(user.Doc["userDirectory"]), cellText(user.Doc["userId"]), t.SchemaPath, resource.ID, cellText(resource.Doc["name"]), rule.RuleID, a.Rules[rule.RuleID].Name, rule.Granted.String())
		}
	}
	return ok(lines)
}

// cellText is a text of a document, or nothing.
func cellText(v any) string {
	s, _ := v.(string)
	return s
}

// guardCell keeps a spreadsheet from taking a text for a formula: names of
// users, resources and rules are anybody's (OWASP, CSV injection).
func guardCell(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		return "'" + s
	}
	return s
}
