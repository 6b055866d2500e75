package filter

import (
	"slices"
	"strings"
	"unicode"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// Not is true if Node is not; there is nothing between.
type Not struct{ Node Node }

// A Constant is true or false for everything.
type Constant bool

// An Among is true if something that Path leads to is alike one of Texts, which
// must be [Alike]. Path is one name: id, a reference, a text, a list of them, or
// a custom property with its @.
type Among struct {
	Path  string
	Texts []string
}

func (n *Not) String() string { return "not (" + n.Node.String() + ")" }

func (n Constant) String() string {
	if n {
		return "true"
	}
	return "false"
}

func (n *Among) String() string { return n.Path + " among {" + strings.Join(n.Texts, ", ") + "}" }

// longS is the one letter that strings.EqualFold takes for a letter of ASCII,
// and strings.ToLower does not.
const longS = "ſ"

// Alike returns the one text that databases compare all texts as that are equal
// to s by strings.EqualFold; ok is false if they have no such text, because of
// letters with more than two forms. Other texts may be alike, too, see [Exact].
func Alike(s string) (text string, ok bool) {
	for _, c := range s {
		want := alikeRune(c)
		for other := unicode.SimpleFold(c); other != c; other = unicode.SimpleFold(other) {
			if alikeRune(other) != want {
				return "", false
			}
		}
	}
	return strings.Map(alikeRune, s), true
}

// Exact reports whether only texts that are equal to s by strings.EqualFold are
// alike it: the Turkish İ, which has no other form there, is stored folded as i.
func Exact(s string) bool { return !strings.ContainsAny(s, "iIİ") }

// alikeRune is Fold, and then what the SQL does to a folded text.
func alikeRune(c rune) rune {
	if c == 'ſ' {
		return 's'
	}
	return unicode.ToLower(c)
}

// alikeSQL is that as SQL.
func alikeSQL(expr string) string { return "replace(" + expr + ", '" + longS + "', 's')" }

func (r *resolver) among(n *Among, t *schema.Type) (*Predicate, error) {
	st, ok := r.step(n.Path, t)
	if !ok {
		return nil, fail(0, "%s has no property %q", t.SchemaPath, n.Path)
	}
	if _, ok := Alike(st.custom); !ok {
		return nil, fail(0, "%q cannot be looked for by a database", n.Path)
	}
	p := &Predicate{path: []step{st}, among: []string{}}
	for _, s := range n.Texts {
		text, ok := Alike(s)
		if !ok {
			return nil, fail(0, "%q cannot be looked for by a database", s)
		}
		p.among = append(p.among, text)
	}
	return p, nil
}

// among writes that what a step leads to is one of p's texts.
func (w *writer) among(p *Predicate, from source) {
	st := p.path[0]
	one := func(expr string) {
		condition, arg := w.d.In(expr, p.among)
		w.write(condition)
		w.arg(arg)
	}
	switch f := st.field; {
	case st.custom != "":
		j := w.items(st, from)
		w.write(w.d.member(j+".value", []string{"definition", schema.ID}), " IN (SELECT id FROM entity WHERE type = 'CustomPropertyDefinition' AND ", alikeSQL("name"), " = ?) AND ")
		name, _ := Alike(st.custom)
		w.arg(name)
		one(alikeSQL(w.d.member(j+".value", []string{"value"})))
		w.write(")")
	case f.Kind == schema.Reference:
		w.links([]*Predicate{p}, from)
	case st.base && f.Name == schema.ID:
		one(from.entity + ".id")
	case f.List:
		j := w.items(st, from)
		one(alikeSQL(w.d.element(j + ".value")))
		w.write(")")
	default:
		one(alikeSQL(w.d.member(from.json, from.at(f.Name))))
	}
}

// links writes that any of some references leads to one of its texts, or to what
// fits: one set of entities, from which a database can go on instead of looking
// at all.
func (w *writer) links(alternatives []*Predicate, from source) {
	w.write(from.entity, ".id IN (")
	for i, p := range alternatives {
		if i > 0 {
			w.write(" UNION ALL ")
		}
		r := w.alias("r")
		w.write("SELECT ", r, ".source FROM reference ", r)
		if p.behind != nil {
			w.targets(p, r)
			continue
		}
		condition, arg := w.d.In(r+".target", p.among)
		w.write(" WHERE ", r, ".field = ? AND ", condition)
		w.arg(p.path[0].field.Name)
		w.arg(arg)
	}
	w.write(")")
}

// targets writes that what a reference leads to fits. The set of that is made
// once, and the references to it are looked up: joined to them, PostgreSQL may go
// over all entities for each reference.
func (w *writer) targets(p *Predicate, reference string) {
	e, open, end := w.alias("e"), w.d.onceOpen, w.d.onceEnd
	w.write(" WHERE ", reference, ".field = ? AND ", reference, ".target ", open, "SELECT ", e, ".id FROM entity ", e, " WHERE ")
	w.arg(p.path[0].field.Name)
	w.types(e, p.path[0].types)
	w.predicate(p.behind, entitySource(e))
	w.write(end)
}

// takeLinks splits the alternatives that are references among texts, or to what
// fits, from the others, if there are several.
func takeLinks(kids []*Predicate) (links, others []*Predicate) {
	for _, p := range kids {
		if p.behind != nil || p.among != nil && p.path[0].custom == "" && p.path[0].field.Kind == schema.Reference {
			links = append(links, p)
		} else {
			others = append(others, p)
		}
	}
	if len(links) < 2 {
		return nil, kids
	}
	return links, others
}

// isAmong is what among writes, for Matches.
func (p *Predicate) isAmong(doc map[string]any, lookup Lookup) bool {
	path := p.path
	if path[0].custom != "" {
		path = append(slices.Clone(path), step{field: &schema.Field{Name: "value"}})
	}
	for _, v := range values(doc, path, lookup) {
		text, ok := v.(string)
		if ok && slices.Contains(p.among, strings.Map(alikeRune, text)) {
			return true
		}
	}
	return false
}
