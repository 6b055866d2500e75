package rules

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// naive reads the reference literally: every rule, every part of every
// condition, one action at a time; no order, no index, nothing kept.
type naive struct {
	rules   []Rule
	request Request
	asked   []string
}

func (n *naive) allowed(e Entity, want Action) (got Action) {
	want.Each(func(action Action) {
		if n.may(e, action) == yes {
			got |= action
		}
	})
	return got
}

func (n *naive) may(e Entity, action Action) verdict {
	question := fmt.Sprint(e.Type(), "/", e.ID(), "/", action)
	if depth := slices.Index(n.asked, question); depth >= 0 {
		return openAt(depth)
	}
	n.asked = append(n.asked, question)
	v := no
	for _, r := range n.rules {
		parsed, err := Parse(r.Condition)
		if err != nil || r.Disabled || r.Category != Security || r.Actions&action == 0 || !n.fits(r.Filter, e) {
			continue
		}
		if r.Context != ContextBoth && n.request.Context != ContextBoth && r.Context != n.request.Context {
			continue
		}
		v = v.or(n.eval(parsed.root, e))
	}
	n.asked = n.asked[:len(n.asked)-1]
	if v < 0 && !v.opensBelow(len(n.asked)) {
		return no
	}
	return v
}

func (n *naive) fits(filter string, e Entity) bool {
	for _, item := range strings.Split(filter, ",") {
		item = strings.ToLower(strings.TrimSpace(item))
		typeName := strings.ToLower(e.Type())
		if item == "*" || item == typeName || item == typeName+"_*" || item == typeName+"_"+strings.ToLower(e.ID()) {
			return true
		}
		if stem, ok := strings.CutSuffix(item, "*"); ok && !strings.Contains(item, "_") && strings.HasPrefix(typeName, stem) {
			return true
		}
	}
	return false
}

func (n *naive) eval(e expr, resource Entity) verdict {
	switch e := e.(type) {
	case *boolExpr:
		return verdictOf(e.value)
	case *notExpr:
		return n.eval(e.kid, resource).not()
	case *andExpr:
		v := yes
		for _, kid := range e.kids {
			v = v.and(n.eval(kid, resource))
		}
		return v
	case *orExpr:
		v := no
		for _, kid := range e.kids {
			v = v.or(n.eval(kid, resource))
		}
		return v
	case *compareExpr:
		return verdictOf(n.compare(e, resource))
	}
	return n.call(e.(*callExpr), resource)
}

func (n *naive) compare(e *compareExpr, resource Entity) bool {
	some := false
	for _, l := range n.values(e.left, resource) {
		for _, r := range n.values(e.right, resource) {
			switch e.op {
			case opEqual, opNotEqual:
				some = some || strings.EqualFold(l, r)
			case opSame, opNotSame:
				some = some || l == r
			case opLike:
				quoted := strings.ReplaceAll(regexp.QuoteMeta(r), `\*`, `.*`)
				some = some || regexp.MustCompile(`(?is)^`+quoted+`$`).MatchString(l)
			case opMatches:
				some = some || regexp.MustCompile(`(?is)^(?:`+r+`)$`).MatchString(l)
			}
		}
	}
	return some != (e.op == opNotEqual || e.op == opNotSame)
}

func (n *naive) values(o operand, resource Entity) []string {
	var texts []string
	for _, l := range o.literals {
		texts = append(texts, l.text)
	}
	if o.path.root == "" {
		return texts
	}
	if len(o.path.steps) == 2 && o.path.steps[0] == "environment" {
		for _, v := range n.request.Environment[o.path.steps[1]] {
			texts = append(texts, v.text)
		}
		return texts
	}
	if len(o.path.steps) == 0 {
		return []string{n.follow(o.path, resource)[0].ID()}
	}
	last := len(o.path.steps) - 1
	name := strings.ToLower(o.path.steps[last])
	for _, e := range n.follow(path{o.path.root, o.path.steps[:last]}, resource) {
		values, _ := e.Attr(name)
		if o.path.root == rootUser && last == 0 && name != "roles" && !strings.HasPrefix(name, "@") {
			values = append(slices.Clone(values), n.request.Session[name]...)
		}
		for _, v := range values {
			texts = append(texts, v.text)
		}
		if name == "resourcetype" {
			texts = append(texts, e.Type())
		}
		related, _ := e.Related(name)
		for _, r := range related {
			texts = append(texts, r.ID())
		}
	}
	return texts
}

func (n *naive) follow(p path, resource Entity) []Entity {
	at := []Entity{resource}
	if p.root == rootUser {
		at = []Entity{n.request.User}
	}
	for _, step := range p.steps {
		var next []Entity
		for _, e := range at {
			related, _ := e.Related(strings.ToLower(step))
			next = append(next, related...)
		}
		at = next
	}
	return at
}

func (n *naive) call(e *callExpr, resource Entity) verdict {
	if e.function == fnEmpty {
		return verdictOf(len(n.values(operand{path: e.path}, resource)) == 0)
	}
	v := no
	for _, on := range n.follow(e.path, resource) {
		switch e.function {
		case fnHasPrivilege:
			v = v.or(n.may(on, e.action))
		case fnIsOwned:
			owners, _ := on.Related("owner")
			v = v.or(verdictOf(len(owners) > 0))
		case fnIsAnonymous:
			directory, _ := on.Attr("userdirectory")
			v = v.or(verdictOf(len(directory) == 1 && directory[0].text == "NONE"))
		}
	}
	return v
}

// A randomWorld has few names, so that rules meet what they speak of.
type randomWorld struct {
	*rand.Rand
	users, resources []*thing
	rules            []Rule
}

func (w *randomWorld) pick(from ...string) string { return from[w.IntN(len(from))] }

func newRandomWorld(seed uint64) *randomWorld {
	w := &randomWorld{Rand: rand.New(rand.NewPCG(seed, 2))}
	for i := range 3 {
		w.users = append(w.users, newUser(fmt.Sprint("u", i)))
	}
	visitor := newThing(typeUser, "", "userid", "anonymous1", "userdirectory", "NONE")
	w.users = append(w.users, visitor)
	for i, typeName := range []string{"Stream", "Stream", "App", "App", "App", "App.Object", "App.Object"} {
		w.resources = append(w.resources, newThing(typeName, fmt.Sprint("r", i)))
	}
	for _, e := range append(w.resources, w.users...) {
		for name, typeName := range backNames {
			e.backs[name] = func() []Entity { return w.referrers(e, typeName) }
		}
	}
	for range 30 {
		w.changeEntity(w.resources[w.IntN(len(w.resources))])
		w.changeUser(w.users[w.IntN(3)])
	}
	w.newRules()
	return w
}

// backNames are the back references, and the types of who is behind.
var backNames = map[string]string{"apps": "App", "streams": "Stream", "appobjects": "App.Object"}

// referrers returns the resources of a type that refer to e.
func (w *randomWorld) referrers(e *thing, typeName string) (found []Entity) {
	for _, from := range w.resources {
		if from.typeName == typeName && slices.Contains(w.targets(from), e) {
			found = append(found, from)
		}
	}
	return found
}

// targets returns what e refers to.
func (w *randomWorld) targets(e *thing) (found []*thing) {
	for _, to := range e.related {
		for _, target := range to {
			found = append(found, target.(*thing))
		}
	}
	return found
}

func (w *randomWorld) changeEntity(e *thing) {
	switch w.IntN(4) {
	case 0:
		e.put("name", w.pick("a", "B", "ab"))
	case 1:
		e.put("@dep", []string{w.pick("a", "b"), w.pick("A", "c")}[:w.IntN(3)])
	case 2:
		e.put("owner", []Entity{w.users[w.IntN(3)]}[:w.IntN(2)])
	case 3:
		switch e.typeName {
		case "App":
			e.put("stream", []Entity{w.resources[w.IntN(2)]}[:w.IntN(2)])
		case "App.Object":
			e.put("app", w.resources[2+w.IntN(3)])
		}
	}
}

func (w *randomWorld) changeUser(e *thing) {
	e.put(w.pick("roles", "group", "@dep"), []string{w.pick("a", "b"), w.pick("A", "c")}[:w.IntN(3)])
}

func (w *randomWorld) newRules() {
	w.rules = nil
	for i := range 2 + w.IntN(7) {
		r := securityRule(fmt.Sprint("rule", i), w.pick("*", "App*", "App_*", "App_r2,App_R3", "Stream_*, App.Object", "Stream"), Action(w.IntN(8)), w.condition(3))
		r.Context, r.Disabled = Context(w.IntN(3)), w.IntN(8) == 0
		w.rules = append(w.rules, r)
	}
}

func (w *randomWorld) condition(depth int) string {
	if depth > 0 && w.IntN(3) > 0 {
		a, b := w.condition(depth-1), w.condition(depth-1)
		return w.pick("("+a+" and "+b+")", "("+a+" or "+b+")", "!("+a+")")
	}
	on := w.pick("resource", "resource", "resource.stream", "resource.app", "resource.app.stream", "resource.apps", "resource.stream.apps", "resource.owner.streams", "user.apps")
	switch w.IntN(11) {
	case 10:
		return w.pick("resource.apps", "resource.appobjects", "user.apps", "user.streams", "resource.owner.apps") + w.pick(".Empty()", ` = "r2"`, ` != "r3"`)
	case 0, 1:
		return on + `.HasPrivilege("` + w.pick("create", "read", "update") + `")`
	case 2:
		return on + w.pick(".IsOwned()", ".stream.Empty()", ".@dep.Empty()")
	case 3:
		return w.pick("user.IsAnonymous()", "true", "false")
	case 4:
		return on + ".owner " + w.pick("=", "!=") + " user"
	case 5:
		return on + ".@DEP " + w.pick("=", "!=", "==", "!==") + " user." + w.pick("group", "@dep", "environment.ip")
	case 6:
		return on + ".name " + w.pick("like", "matches") + w.pick(` "a"`, ` "A*"`, ` {"b", "c"}`)
	case 7:
		return on + ".resourcetype " + w.pick("=", "!=") + w.pick(` "app"`, ` "Stream"`)
	default:
		return "user." + w.pick("roles", "group", "@dep", "userid") + w.pick(" = ", " != ") + w.pick(`"a"`, `{"b","c"}`, `"u1"`)
	}
}

func (w *randomWorld) request() Request {
	r := Request{User: w.users[w.IntN(len(w.users))], Context: Context(w.IntN(3))}
	if w.IntN(2) == 0 {
		r.Session = Attributes{"group": Texts(w.pick("a", "c")), "roles": Texts("a"), "@dep": Texts("b")}
		r.Environment = Attributes{"ip": Texts(w.pick("a", "b"))}
	}
	return r
}

// change does one random change and tells the guard.
func (w *randomWorld) change(t *testing.T, g *Guard) {
	switch w.IntN(12) {
	case 0:
		w.newRules()
		g.Replace(compileOK(t, w.rules...), "rules")
	case 1, 2:
		e := w.users[w.IntN(3)]
		w.changeUser(e)
		g.UserChanged(e.id, "test")
	default:
		e := w.resources[w.IntN(len(w.resources))]
		w.changeEntity(e)
		g.EntityChanged(e.id, "test")
		for _, target := range w.targets(e) {
			for name, typeName := range backNames {
				if typeName == e.typeName {
					g.ReferrersChanged(target.id, name, "test")
				}
			}
		}
	}
}

func TestAgreesWithNaive(t *testing.T) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	granted, refused := 0, 0
	for seed := range uint64(60) {
		w := newRandomWorld(seed)
		g := NewGuard(compileOK(t, w.rules...), 4, quiet)
		for step := range 60 {
			if step%3 == 2 {
				w.change(t, g)
			}
			r := w.request()
			a, err := g.Access(r)
			if err != nil {
				t.Fatal(err)
			}
			for range 4 {
				e, ask := w.resources[w.IntN(len(w.resources))], Action(1+w.IntN(7))
				oracle := &naive{rules: w.rules, request: r}
				want := oracle.allowed(e, ask)
				got, err := a.Allowed(e, ask)
				if err != nil || got != want {
					t.Fatalf("seed %d, step %d: %s of %s on %s: got %s, %v; want %s\n%+v", seed, step, ask, r.User.ID(), e.id, got, err, want, w.rules)
				}
				if got != 0 {
					granted++
				} else {
					refused++
				}
			}
		}
	}
	if granted < 300 || refused < 300 {
		t.Errorf("%d granted, %d refused: the worlds are too dull", granted, refused)
	}
}
