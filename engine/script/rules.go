package script

import (
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// rules are what statements such as QUALIFY say about all loads after them.
type rules struct {
	qualify   []string // patterns
	unqualify []string
	alias     map[string]string
	nullValue []string // NULLASVALUE
	mapped    []mapRule
}

// A mapRule is MAP fields USING mapping.
type mapRule struct {
	fields []string
	using  *mapping
}

// matches reports whether a name fits one of the patterns. * and ? are
// wildcards.
func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if p == name || p == "*" || wild(p) && fn.WildMatch(p, name) {
			return true
		}
	}
	return false
}

func wild(p string) bool {
	for _, c := range p {
		if c == '*' || c == '?' {
			return true
		}
	}
	return false
}

// stored returns the name under which a field of a table is stored.
func (r *rules) stored(table, field string) string {
	if to, ok := r.alias[field]; ok {
		field = to
	}
	if matches(r.qualify, field) && !matches(r.unqualify, field) {
		return table + "." + field
	}
	return field
}

// memo returns what maps the values of a field, nil if nothing does.
func (r *rules) memo(run *runner, field string) *memo {
	var using *mapping
	for _, m := range r.mapped {
		if matches(m.fields, field) {
			using = m.using
		}
	}
	null := dual.Value{}
	if matches(r.nullValue, field) {
		null = dual.String("")
		if v, ok := run.vars.get("NullValue"); ok {
			null = v
		}
	}
	if using == nil && null.IsNull() {
		return nil
	}
	context := run.fn
	return &memo{each: func(v dual.Value) dual.Value {
		if v.IsNull() {
			return null
		}
		if using != nil {
			if to, ok := using.find(context, v); ok {
				return to
			}
		}
		return v
	}}
}

// without removes patterns from a list; * empties it.
func without(patterns, remove []string) []string {
	var out []string
	for _, p := range patterns {
		if !matches(remove, p) {
			out = append(out, p)
		}
	}
	return out
}

func (r *runner) runQualify(sc *scanner) error {
	names, err := sc.patterns("a field")
	if err != nil {
		return err
	}
	r.rules.qualify = append(r.rules.qualify, names...)
	return sc.finish()
}

// runUnqualify exempts fields from QUALIFY; UNQUALIFY * ends it all.
func (r *runner) runUnqualify(sc *scanner) error {
	names, err := sc.patterns("a field")
	if err != nil {
		return err
	}
	for _, n := range names {
		if n == "*" {
			r.rules.qualify, r.rules.unqualify = nil, nil
			return sc.finish()
		}
	}
	r.rules.unqualify = append(r.rules.unqualify, names...)
	return sc.finish()
}

func (r *runner) runAlias(sc *scanner) error {
	_, err := list(sc, func() (string, error) {
		from, err := sc.name("a field")
		if err != nil {
			return "", err
		}
		if err := sc.expectWord("AS"); err != nil {
			return "", err
		}
		to, err := sc.name("a field")
		if r.rules.alias == nil {
			r.rules.alias = map[string]string{}
		}
		r.rules.alias[from] = to
		return to, err
	})
	if err != nil {
		return err
	}
	return sc.finish()
}

func (r *runner) runNullAsValue(sc *scanner) error {
	names, err := sc.patterns("a field")
	if err != nil {
		return err
	}
	r.rules.nullValue = append(r.rules.nullValue, names...)
	return sc.finish()
}

func (r *runner) runNullAsNull(sc *scanner) error {
	names, err := sc.patterns("a field")
	if err != nil {
		return err
	}
	r.rules.nullValue = without(r.rules.nullValue, names)
	return sc.finish()
}

// runMap is MAP fields USING mapping.
func (r *runner) runMap(sc *scanner) error {
	names, err := sc.patterns("a field")
	if err != nil {
		return err
	}
	if err := sc.expectWord("USING"); err != nil {
		return err
	}
	m, err := r.mappingAhead(sc)
	if err != nil {
		return err
	}
	r.rules.mapped = append(r.rules.mapped, mapRule{names, m})
	return sc.finish()
}

// runUnmap ends MAP USING for fields.
func (r *runner) runUnmap(sc *scanner) error {
	names, err := sc.patterns("a field")
	if err != nil {
		return err
	}
	for i := range r.rules.mapped {
		r.rules.mapped[i].fields = without(r.rules.mapped[i].fields, names)
	}
	return sc.finish()
}
