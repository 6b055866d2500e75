package script

import (
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
)

// A load is a LOAD or SELECT statement with its prefixes. A load without
// source stands on the next one (preceding load).
type load struct {
	stmt   *statement
	label  string // "" = none
	prefix prefixes

	distinct bool
	fields   []loadField
	source   loadSource
	where    expr.Node // nil if absent, as are the following
	while    expr.Node
	groupBy  []expr.Node
	orderBy  []orderField
	below    *load // the load this one reads from; nil if it has a source
}

// A loadField is an item of the field list.
type loadField struct {
	star  bool
	name  string // of the output field
	alias bool   // written with AS
	node  expr.Node
}

// An orderField is an item of ORDER BY.
type orderField struct {
	field string
	desc  bool
}

// sourceKind says what a load reads.
type sourceKind uint8

const (
	fromBelow    sourceKind = iota // the next load
	fromFile                       // path and spec
	fromInline                     // text and spec
	fromTable                      // path is the name of the table
	fromNothing                    // count
	fromDatabase                   // text is the query
)

// A loadSource is the source of a load.
type loadSource struct {
	kind   sourceKind
	path   string
	text   string
	spec   fileSpec
	count  expr.Node
	clause string // AUTOGENERATE as written: the default table name
}

// prefixes are what stands in front of LOAD.
type prefixes struct {
	mode       storeMode
	table      string // of CONCATENATE, JOIN, KEEP; "" = the last one
	join       joinKind
	mapping    bool
	generic    bool
	partial    partialMode
	only       bool        // in partial reloads only
	transforms []transform // in the order written
	first      expr.Node
	sample     expr.Node
	buffer     *buffer // nil = none
}

// storeMode says where the rows of a load go.
type storeMode uint8

const (
	storeAuto storeMode = iota
	storeConcatenate
	storeSeparate
	storeJoin
	storeKeep
)

// isLoad reports whether a load statement is ahead: a label, a prefix, LOAD or
// SELECT.
func isLoad(sc *scanner) bool {
	save := sc.pos
	defer func() { sc.pos = save }()
	if label(sc) != "" {
		return true
	}
	w := strings.ToUpper(sc.word())
	if w == "LOAD" || w == "SELECT" || w == "SQL" || w == "QSL" {
		return true
	}
	return prefixParsers[w] != nil
}

// label moves past "name:" and returns the name, "" if there is none ahead.
func label(sc *scanner) string {
	save := sc.pos
	name, err := sc.name("")
	if err == nil && sc.mark(':') && sc.pos < len(sc.src)+1 && (sc.pos >= len(sc.src) || sc.src[sc.pos] != ':') {
		return name
	}
	sc.pos = save
	return ""
}

// parseLoad reads a load statement.
func parseLoad(s *statement) (*load, error) {
	l := &load{stmt: s}
	sc := &scanner{src: s.text}
	for {
		if name := label(sc); name != "" {
			l.label = name
			continue
		}
		if sc.is("LOAD", "SELECT", "SQL", "QSL") {
			break
		}
		word := sc.word()
		parse := prefixParsers[strings.ToUpper(word)]
		if parse == nil {
			return nil, sc.want("a statement")
		}
		sc.pos += len(word)
		if err := parse(sc, l, strings.ToUpper(word)); err != nil {
			return nil, err
		}
	}
	if !sc.accept("LOAD") {
		return l, parseSelect(sc, l)
	}
	if err := l.body(sc); err != nil {
		return nil, err
	}
	return l, l.check()
}

// parseSelect takes the text of a query as it is.
func parseSelect(sc *scanner, l *load) error {
	if !sc.accept("SQL") {
		sc.accept("QSL")
	}
	l.source = loadSource{kind: fromDatabase, text: sc.rest()}
	l.fields = []loadField{{star: true}}
	return nil
}

// body reads what stands behind LOAD.
func (l *load) body(sc *scanner) error {
	l.distinct = sc.accept("DISTINCT")
	var err error
	if l.fields, err = list(sc, func() (loadField, error) { return parseField(sc) }); err != nil {
		return err
	}
	for !sc.end() {
		word := sc.word()
		parse := clauseParsers[strings.ToUpper(word)]
		if parse == nil {
			return sc.want("a clause of LOAD")
		}
		start := sc.pos
		sc.pos += len(word)
		if err := parse(sc, l, start); err != nil {
			return err
		}
	}
	return nil
}

// parseField reads * or expression [AS name].
func parseField(sc *scanner) (loadField, error) {
	if sc.mark('*') {
		return loadField{star: true}, nil
	}
	sc.skip()
	if f, ok := fixedField(sc); ok {
		return f, f.as(sc)
	}
	from := sc.pos
	n, err := sc.expr()
	if err != nil {
		return loadField{}, err
	}
	f := loadField{node: n, name: strings.TrimSpace(sc.src[from:sc.pos])}
	if x, ok := n.(*expr.Field); ok {
		f.name = x.Name
	}
	return f, f.as(sc)
}

func (f *loadField) as(sc *scanner) error {
	if !sc.accept("AS") {
		return nil
	}
	var err error
	f.name, err = sc.name("a field name")
	f.alias = true
	return err
}

// fixedField reads the @start:end of a file with fixed records, which is no
// name elsewhere.
func fixedField(sc *scanner) (loadField, bool) {
	w := sc.word()
	end := sc.pos + len(w)
	if !strings.HasPrefix(w, "@") || end >= len(sc.src) || sc.src[end] != ':' {
		return loadField{}, false
	}
	last := scanner{src: sc.src, pos: end + 1}
	name := w + ":" + last.word()
	f := loadField{name: name, node: &expr.Field{At: sc.pos, Name: name, Quoted: true}}
	sc.pos = last.pos + len(last.word())
	return f, true
}

// clauseParsers read the clauses of LOAD behind their first word, which
// starts at byte start.
var clauseParsers = map[string]func(sc *scanner, l *load, start int) error{
	"FROM":         (*scanner).fromClause,
	"INLINE":       (*scanner).inlineClause,
	"RESIDENT":     (*scanner).residentClause,
	"AUTOGENERATE": (*scanner).autogenerateClause,
	"WHERE":        func(sc *scanner, l *load, _ int) (err error) { l.where, err = sc.expr(); return err },
	"WHILE":        func(sc *scanner, l *load, _ int) (err error) { l.while, err = sc.expr(); return err },
	"GROUP":        (*scanner).groupClause,
	"ORDER":        (*scanner).orderClause,
	"FROM_FIELD": func(sc *scanner, _ *load, start int) error {
		return syntaxf(start, "LOAD ... FROM_FIELD is not supported")
	},
	"EXTENSION": func(sc *scanner, _ *load, start int) error {
		return syntaxf(start, "LOAD ... EXTENSION is not supported")
	},
}

func (s *scanner) fromClause(l *load, start int) error {
	l.source.kind = fromFile
	path, ok, err := s.quoted()
	if err != nil {
		return err
	}
	if !ok {
		path = s.barePath()
	}
	if path == "" {
		return syntaxf(start, "FROM without a file name")
	}
	l.source.path = path
	l.source.spec, err = s.fileSpec()
	return err
}

// barePath reads a file name without quotes: up to a blank or bracket.
func (s *scanner) barePath() string {
	s.skip()
	end := s.pos
	for end < len(s.src) && expr.BlankLen(s.src[end:]) == 0 && s.src[end] != '(' {
		end++
	}
	path := s.src[s.pos:end]
	s.pos = end
	return path
}

func (s *scanner) inlineClause(l *load, _ int) error {
	l.source.kind = fromInline
	data, ok, err := s.quoted()
	if err != nil {
		return err
	}
	if !ok {
		return s.want("inline data in brackets or quotes")
	}
	l.source.text = data
	l.source.spec, err = s.fileSpec()
	return err
}

func (s *scanner) residentClause(l *load, _ int) error {
	l.source.kind = fromTable
	var err error
	l.source.path, err = s.name("a table")
	return err
}

func (s *scanner) autogenerateClause(l *load, start int) error {
	l.source.kind = fromNothing
	var err error
	l.source.count, err = s.expr()
	l.source.clause = strings.TrimSpace(s.src[start:s.pos])
	return err
}

func (s *scanner) groupClause(l *load, _ int) error {
	if err := s.expectWord("BY"); err != nil {
		return err
	}
	var err error
	l.groupBy, err = list(s, s.expr)
	return err
}

func (s *scanner) orderClause(l *load, _ int) error {
	if err := s.expectWord("BY"); err != nil {
		return err
	}
	var err error
	l.orderBy, err = list(s, func() (orderField, error) {
		name, err := s.name("a field")
		if err != nil {
			return orderField{}, err
		}
		dir := s.acceptAny("ASC", "DESC", "ASCENDING", "DESCENDING")
		return orderField{name, strings.HasPrefix(dir, "DESC")}, nil
	})
	return err
}

// check refuses clauses that do not go together.
func (l *load) check() error {
	switch {
	case l.where != nil && l.while != nil && l.source.kind != fromNothing:
		return syntaxf(l.while.Pos(), "WHERE and WHILE in one LOAD")
	case l.orderBy != nil && l.source.kind != fromTable:
		return syntaxf(0, "ORDER BY needs RESIDENT")
	}
	return nil
}
