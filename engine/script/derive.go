package script

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A definition is a DECLARE FIELD DEFINITION: fields that are functions of
// another field, $1.
type definition struct {
	tags   []string
	params map[string]expr.Node
	fields []definedField
}

type definedField struct {
	name string
	node expr.Node
	tags []string
}

// A derivation is a DERIVE FIELDS statement. It takes effect at the end of
// the script, when all fields are loaded.
type derivation struct {
	using  *definition
	name   string   // of the definition
	fields []string // by name
	tags   []string // or by tag
}

// runDeclare is name: DECLARE [FIELD[S]] DEFINITION [TAGGED tags] [PARAMETERS
// p=v, ...] FIELDS expr AS name [TAGGED tags], ... [GROUPS ...].
func (r *runner) runDeclare(name string, sc *scanner) error {
	sc.acceptAny("FIELDS", "FIELD")
	if err := sc.expectWord("DEFINITION"); err != nil {
		return err
	}
	d := &definition{params: map[string]expr.Node{}}
	var err error
	if d.tags, err = sc.tagged(); err != nil {
		return err
	}
	if sc.accept("PARAMETERS") {
		if err := d.parameters(sc); err != nil {
			return err
		}
	}
	if err := sc.expectWord("FIELDS"); err != nil {
		return err
	}
	d.fields, err = list(sc, func() (definedField, error) { return d.field(sc) })
	if err != nil {
		return err
	}
	if sc.accept("GROUPS") { // for the client
		sc.rest()
	}
	r.definitions[name] = d
	return sc.finish()
}

// tagged reads TAGGED tags, if it is there; the tags may be in brackets.
func (s *scanner) tagged() ([]string, error) {
	if !s.accept("TAGGED") {
		return nil, nil
	}
	if !s.mark('(') {
		tag, err := s.name("a tag")
		return []string{tag}, err
	}
	tags, err := s.names("a tag")
	if err != nil {
		return nil, err
	}
	return tags, s.expect(')')
}

func (d *definition) parameters(sc *scanner) error {
	_, err := list(sc, func() (string, error) {
		name, err := sc.name("a parameter")
		if err != nil {
			return "", err
		}
		if err := sc.expect('='); err != nil {
			return "", err
		}
		d.params[name], err = sc.expr()
		return name, err
	})
	return err
}

func (d *definition) field(sc *scanner) (definedField, error) {
	var f definedField
	var err error
	if f.node, err = sc.expr(); err != nil {
		return f, err
	}
	if err := sc.expectWord("AS"); err != nil {
		return f, err
	}
	if f.name, err = sc.name("a name"); err != nil {
		return f, err
	}
	f.tags, err = sc.tagged()
	return f, err
}

// runDerive is DERIVE [FIELD[S]] FROM ([FIELD[S]] names | EXPLICIT [TAG[S]]
// names | IMPLICIT [TAG[S]]) USING definition.
func (r *runner) runDerive(sc *scanner) error {
	sc.acceptAny("FIELDS", "FIELD")
	if err := sc.expectWord("FROM"); err != nil {
		return err
	}
	var d derivation
	var err error
	kind := sc.acceptAny("EXPLICIT", "IMPLICIT", "FIELDS", "FIELD")
	switch kind {
	case "EXPLICIT":
		sc.acceptAny("TAGS", "TAG")
		d.tags, err = sc.tagList()
	case "IMPLICIT":
		sc.acceptAny("TAGS", "TAG")
	default:
		d.fields, err = sc.names("a field")
	}
	if err != nil {
		return err
	}
	if err := sc.expectWord("USING"); err != nil {
		return err
	}
	if d.name, err = sc.name("a definition"); err != nil {
		return err
	}
	if d.using = r.definitions[d.name]; d.using == nil {
		return fmt.Errorf("field definition %q not found", d.name)
	}
	if kind == "IMPLICIT" {
		d.tags = d.using.tags
	}
	r.derivations = append(r.derivations, d)
	return sc.finish()
}

// tagList reads tags that may be in brackets.
func (s *scanner) tagList() ([]string, error) {
	open := s.mark('(')
	tags, err := s.names("a tag")
	if err == nil && open {
		err = s.expect(')')
	}
	return tags, err
}

// deriveFields adds the derived fields to the tables of their fields.
func (r *runner) deriveFields() error {
	for _, d := range r.derivations {
		for _, name := range r.fieldNames() {
			f := r.catalog.Field(name)
			tagged := slices.ContainsFunc(d.tags, func(t string) bool { return slices.Contains(f.Tags, t) })
			if !tagged && !slices.Contains(d.fields, name) {
				continue
			}
			for _, x := range d.using.fields {
				if err := r.deriveField(f, d, x); err != nil {
					return fmt.Errorf("derive %s of field %s: %w", x.name, name, err)
				}
			}
		}
	}
	return nil
}

// deriveField computes one derived field per value of f and adds it, as
// field.definition.name, to the first table that has f.
func (r *runner) deriveField(f *storage.Field, d derivation, x definedField) error {
	name := strings.Join([]string{f.Name, d.name, x.name}, ".")
	tables := r.catalog.Tables()
	at := slices.IndexFunc(tables, func(t *storage.Table) bool { return t.Column(f.Name) != nil })
	if r.catalog.Field(name) != nil || at < 0 {
		return nil // derived before
	}
	node := expr.Replace(x.node, func(n expr.Node) expr.Node {
		field, ok := n.(*expr.Field)
		switch {
		case !ok:
			return nil
		case field.Name == "$1":
			return &expr.Field{At: field.At, Name: f.Name, Quoted: true}
		}
		if p := d.using.params[field.Name]; p != nil {
			return p
		}
		return nil
	})
	in := &feed{r: r, index: map[string]int{f.Name: 0}}
	p, err := eval.Compile(node, &env{r: r, feed: in}, r.fn)
	if err != nil {
		return err
	}
	if len(in.cols) > 1 || in.needs {
		return fmt.Errorf("a derived field can depend on the value of its field only")
	}
	codes := make([]uint32, f.Symbols.Len()+1)
	for i := range codes {
		codes[i] = uint32(i)
	}
	values := []dual.Vector{dual.Coded(codes, f.Dict())}
	v, err := p.Start().Vector(len(codes), values[:len(in.cols)])
	if err != nil {
		return err
	}
	b := r.catalog.NewBuilder("", []string{name})
	if err := b.Append([]dual.Vector{interpreter(r.fn.Locale).vector(v, false)}); err != nil {
		return err
	}
	through := make([]uint32, len(codes))
	for i := range through {
		through[i] = b.Code(0, i)
	}
	through[0] = 0 // NULL derives nothing
	out := *tables[at]
	derived := make([]uint32, out.Rows)
	out.Column(f.Name).Through(derived, 0, through)
	out.Columns = append(slices.Clone(out.Columns), storage.NewColumn(b.Field(0), derived))
	b.Field(0).Tags = append(slices.Clone(x.tags), derivedTag)
	r.catalog.Put(&out)
	return nil
}
