package script

import (
	"slices"

	"github.com/cognate-bi/cognate/storage/dual"
)

// runTag is TAG [FIELDS] fields WITH tags | TAG FIELDS USING map | TAG TABLES
// tables WITH tags, and UNTAG.
func (r *runner) runTag(sc *scanner, add bool) error {
	tables := sc.acceptAny("FIELDS", "FIELD", "TABLES", "TABLE")
	if sc.accept("USING") {
		m, err := r.mappingAhead(sc)
		if err != nil {
			return err
		}
		for _, name := range r.fieldNames() {
			if tag, ok := m.find(r.fn, dual.String(name)); ok {
				r.tagField(name, r.show(tag), add)
			}
		}
		return sc.finish()
	}
	names, err := sc.patterns("a name")
	if err != nil {
		return err
	}
	if err := sc.expectWord("WITH"); err != nil {
		return err
	}
	tags, err := sc.names("a tag")
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if tables == "TABLE" || tables == "TABLES" {
			r.tagTables(names, tag, add)
			continue
		}
		for _, field := range r.fieldNames() {
			if matches(names, field) {
				r.tagField(field, tag, add)
			}
		}
	}
	return sc.finish()
}

func (r *runner) tagField(field, tag string, add bool) {
	if f := r.section.Field(field); f != nil {
		f.Tags = tagged(f.Tags, tag, add)
	}
}

func (r *runner) tagTables(names []string, tag string, add bool) {
	for _, t := range r.section.Tables() {
		if matches(names, t.Name) {
			t.Tags = tagged(t.Tags, tag, add)
		}
	}
}

// tagged returns the tags with one added or taken away.
func tagged(tags []string, tag string, add bool) []string {
	out := slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return t == tag })
	if add {
		out = append(out, tag)
	}
	return out
}

// runComment is COMMENT FIELDS | TABLES (name WITH text | USING map).
func (r *runner) runComment(sc *scanner) error {
	kind := sc.acceptAny("FIELDS", "FIELD", "TABLES", "TABLE")
	set := r.commentField
	if kind == "TABLE" || kind == "TABLES" {
		set = r.commentTable
	}
	if sc.accept("USING") {
		m, err := r.mappingAhead(sc)
		if err != nil {
			return err
		}
		names := r.fieldNames()
		for _, t := range r.section.Tables() {
			names = append(names, t.Name)
		}
		for _, name := range names {
			if text, ok := m.find(r.fn, dual.String(name)); ok {
				set(name, r.show(text))
			}
		}
		return sc.finish()
	}
	names, err := sc.names("a name")
	if err != nil {
		return err
	}
	if err := sc.expectWord("WITH"); err != nil {
		return err
	}
	text, err := sc.name("a text")
	if err != nil {
		return err
	}
	for _, name := range names {
		set(name, text)
	}
	return sc.finish()
}

func (r *runner) commentField(name, text string) {
	if f := r.section.Field(name); f != nil {
		f.Comment = text
	}
}

func (r *runner) commentTable(name, text string) {
	if t := r.section.Table(name); t != nil {
		t.Comment = text
	}
}

// loosen is LOOSEN TABLES name, ...
func (r *runner) loosen(sc *scanner) error {
	names, err := sc.names("a table")
	if err != nil {
		return err
	}
	for _, name := range names {
		if t := r.section.Table(name); t != nil {
			t.Loose = true
		}
	}
	return sc.finish()
}
