package script

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/storage"
)

// run runs a statement that is neither control nor call.
func (r *runner) run(c *cursor, s *statement) error {
	sc := &scanner{src: s.text}
	if isAssignment(sc) {
		return r.runLet(sc)
	}
	if !isLabelled(sc) {
		for _, k := range r.statements {
			if sc.accept(k.words...) {
				return k.run(r, c, s, sc)
			}
		}
	}
	save := sc.pos
	if name := label(sc); name != "" && sc.accept("DECLARE") {
		return r.runDeclare(name, sc)
	}
	if sc.pos = save; isLoad(sc) {
		return r.runLoad(c, s)
	}
	return sc.want("a statement")
}

// isAssignment reports whether "name =" is ahead.
func isAssignment(sc *scanner) bool {
	save := sc.pos
	defer func() { sc.pos = save }()
	if sc.is("LET") {
		return true
	}
	if closers[sc.ahead()] == '\'' || sc.is("SET") {
		return false
	}
	_, err := sc.name("")
	return err == nil && sc.ahead() == '='
}

// isLabelled reports whether "name:" is ahead.
func isLabelled(sc *scanner) bool {
	save := sc.pos
	defer func() { sc.pos = save }()
	return label(sc) != ""
}

// A statementKind is what statements that start with the words are run by.
type statementKind struct {
	words []string
	run   func(r *runner, c *cursor, s *statement, sc *scanner) error
}

// plain wraps a statement that needs its words only.
func plain(f func(r *runner, sc *scanner) error) func(*runner, *cursor, *statement, *scanner) error {
	return func(r *runner, _ *cursor, _ *statement, sc *scanner) error { return f(r, sc) }
}

// nothing is a statement without effect here.
func nothing(*runner, *cursor, *statement, *scanner) error { return nil }

// unsupported refuses a statement by its name.
func unsupported(name string) func(*runner, *cursor, *statement, *scanner) error {
	return func(*runner, *cursor, *statement, *scanner) error {
		return fmt.Errorf("the statement %s is not supported", name)
	}
}

// statementTable lists the statements; the first that fits counts.
func statementTable() []statementKind {
	return []statementKind{
		{[]string{"SET"}, func(r *runner, _ *cursor, s *statement, _ *scanner) error { return r.runSet(&scanner{src: s.text}) }},
		{[]string{"TRACE"}, (*runner).runTrace},
		{[]string{"WHEN"}, func(r *runner, c *cursor, s *statement, sc *scanner) error { return r.runWhen(c, s, sc, true) }},
		{[]string{"UNLESS"}, func(r *runner, c *cursor, s *statement, sc *scanner) error { return r.runWhen(c, s, sc, false) }},
		{[]string{"DROP", "TABLE"}, plain((*runner).dropTables)},
		{[]string{"DROP", "TABLES"}, plain((*runner).dropTables)},
		{[]string{"DROP", "FIELD"}, plain((*runner).dropFields)},
		{[]string{"DROP", "FIELDS"}, plain((*runner).dropFields)},
		{[]string{"RENAME", "FIELD"}, plain((*runner).renameFields)},
		{[]string{"RENAME", "FIELDS"}, plain((*runner).renameFields)},
		{[]string{"RENAME", "TABLE"}, plain((*runner).renameTables)},
		{[]string{"RENAME", "TABLES"}, plain((*runner).renameTables)},
		{[]string{"QUALIFY"}, plain((*runner).runQualify)},
		{[]string{"UNQUALIFY"}, plain((*runner).runUnqualify)},
		{[]string{"ALIAS"}, plain((*runner).runAlias)},
		{[]string{"NULLASVALUE"}, plain((*runner).runNullAsValue)},
		{[]string{"NULLASNULL"}, plain((*runner).runNullAsNull)},
		{[]string{"MAP"}, plain((*runner).runMap)},
		{[]string{"UNMAP"}, plain((*runner).runUnmap)},
		{[]string{"TAG"}, func(r *runner, _ *cursor, _ *statement, sc *scanner) error { return r.runTag(sc, true) }},
		{[]string{"UNTAG"}, func(r *runner, _ *cursor, _ *statement, sc *scanner) error { return r.runTag(sc, false) }},
		{[]string{"COMMENT"}, plain((*runner).runComment)},
		{[]string{"STAR", "IS"}, plain((*runner).runStar)},
		{[]string{"LOOSEN", "TABLE"}, plain((*runner).loosen)},
		{[]string{"LOOSEN", "TABLES"}, plain((*runner).loosen)},
		{[]string{"AUTONUMBER"}, plain((*runner).runAutoNumber)},
		{[]string{"SECTION"}, plain((*runner).runSection)},
		{[]string{"STORE"}, plain((*runner).runStore)},
		{[]string{"SLEEP"}, plain((*runner).runSleep)},
		{[]string{"DIRECTORY"}, plain((*runner).runDirectory)},
		{[]string{"LIB", "CONNECT"}, plain((*runner).runConnect)},
		{[]string{"ODBC", "CONNECT"}, plain((*runner).runConnect)},
		{[]string{"OLEDB", "CONNECT"}, plain((*runner).runConnect)},
		{[]string{"CUSTOM", "CONNECT"}, plain((*runner).runConnect)},
		{[]string{"CONNECT"}, plain((*runner).runConnect)},
		{[]string{"DISCONNECT"}, func(r *runner, _ *cursor, _ *statement, _ *scanner) error { r.connect = ""; return nil }},
		{[]string{"DERIVE"}, plain((*runner).runDerive)},
		{[]string{"SEARCH"}, nothing},
		{[]string{"FLUSHLOG"}, nothing},
		{[]string{"BINARY"}, plain((*runner).runBinary)},
		{[]string{"EXECUTE"}, unsupported("EXECUTE")},
		{[]string{"FORCE"}, unsupported("FORCE")},
		{[]string{"DIRECT", "QUERY"}, unsupported("DIRECT QUERY")},
		{[]string{"IMPORT", "LIVE"}, unsupported("IMPORT LIVE")},
		{[]string{"SQLTABLES"}, unsupported("SQLTABLES")},
		{[]string{"SQLCOLUMNS"}, unsupported("SQLCOLUMNS")},
		{[]string{"SQLTYPES"}, unsupported("SQLTYPES")},
		{[]string{"CREATE", "RELATIONSHIP"}, unsupported("CREATE RELATIONSHIP")},
		{[]string{"DROP", "RELATIONSHIP"}, unsupported("DROP RELATIONSHIP")},
		{[]string{"DIMENSION"}, unsupported("DIMENSION")},
		{[]string{"MEASURE"}, unsupported("MEASURE")},
	}
}

// runWhen runs the rest of the statement if the condition says so.
func (r *runner) runWhen(c *cursor, s *statement, sc *scanner, want bool) error {
	ok, err := r.condition(sc)
	if err != nil || ok != want {
		return err
	}
	sc.skip()
	rest := *s
	rest.at, rest.text = s.at+sc.pos, s.text[sc.pos:]
	if rest.text == "" {
		return errors.New("no statement behind the condition")
	}
	return r.run(c, &rest)
}

// runTrace writes a text to the log.
func (r *runner) runTrace(_ *cursor, s *statement, sc *scanner) error {
	msg := strings.TrimSpace(sc.src[sc.pos:])
	if len(msg) > 1 && closers[msg[0]] != 0 && msg[0] != '[' && quotedEnd(msg, 0) == len(msg) {
		msg = unquote(msg)
	}
	r.event(Event{Kind: Traced, Line: s.place(0).Line, Text: msg})
	return nil
}

// runSleep pauses for some milliseconds.
func (r *runner) runSleep(sc *scanner) error {
	ms, err := r.number(sc, "time")
	if err != nil {
		return err
	}
	const most = 24 * 60 * 60 * 1000
	timer := time.NewTimer(time.Duration(max(0, min(ms, most)) * float64(time.Millisecond)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// runDirectory sets the base of relative paths, inside an allowed folder.
func (r *runner) runDirectory(sc *scanner) error {
	path, ok, err := sc.quoted()
	if err != nil {
		return err
	}
	if !ok {
		path = sc.rest()
	}
	r.dir = r.opt.BaseDir
	if path == "" {
		return nil
	}
	dir, err := r.resolve(path)
	if err != nil {
		return err
	}
	r.dir = dir
	return nil
}

// runConnect is CONNECT TO name.
func (r *runner) runConnect(sc *scanner) error {
	if err := sc.expectWord("TO"); err != nil {
		return err
	}
	name, ok, err := sc.quoted()
	if err != nil {
		return err
	}
	if !ok {
		name = sc.rest()
	}
	r.connect = name
	return nil
}

// runStar is STAR IS [text].
func (r *runner) runStar(sc *scanner) error {
	r.star = ""
	if sc.end() {
		return nil
	}
	var err error
	if text, ok, qerr := sc.quoted(); ok || qerr != nil {
		r.star, err = text, qerr
	} else {
		r.star = sc.rest()
	}
	return err
}

// runSection is SECTION ACCESS | APPLICATION.
func (r *runner) runSection(sc *scanner) error {
	switch sc.acceptAny("ACCESS", "APPLICATION") {
	case "ACCESS":
		if r.access == nil {
			r.access = storage.NewCatalog(r.show)
		}
		r.section = r.access
	case "APPLICATION":
		r.section = r.catalog
	default:
		return sc.want("ACCESS or APPLICATION")
	}
	r.builders = map[string]openBuilder{}
	r.changed()
	return sc.finish()
}
