package script

import (
	"strings"
)

// prefixParsers read the prefixes of loads behind their first word.
var prefixParsers = map[string]func(sc *scanner, l *load, word string) error{
	"CONCATENATE":        prefixConcatenate,
	"NOCONCATENATE":      prefixNoConcatenate,
	"JOIN":               prefixJoin,
	"INNER":              prefixJoin,
	"LEFT":               prefixJoin,
	"RIGHT":              prefixJoin,
	"OUTER":              prefixJoin,
	"KEEP":               prefixJoin,
	"MAPPING":            func(_ *scanner, l *load, _ string) error { l.prefix.mapping = true; return nil },
	"CROSSTABLE":         prefixCrosstable,
	"GENERIC":            func(_ *scanner, l *load, _ string) error { l.prefix.generic = true; return nil },
	"HIERARCHY":          prefixHierarchy,
	"HIERARCHYBELONGSTO": prefixBelongsTo,
	"INTERVALMATCH":      prefixIntervalMatch,
	"FIRST":              func(sc *scanner, l *load, _ string) (err error) { l.prefix.first, err = sc.expr(); return err },
	"SAMPLE":             func(sc *scanner, l *load, _ string) (err error) { l.prefix.sample, err = sc.expr(); return err },
	"BUFFER":             prefixBuffer,
	"ADD":                prefixPartial,
	"REPLACE":            prefixPartial,
	"MERGE":              prefixUnsupported,
	"SEMANTIC":           prefixUnsupported,
	"INFO":               prefixUnsupported,
	"BUNDLE":             prefixUnsupported,
}

func prefixConcatenate(sc *scanner, l *load, _ string) error {
	l.prefix.mode = storeConcatenate
	return prefixTable(sc, l)
}

func prefixNoConcatenate(_ *scanner, l *load, _ string) error {
	if l.prefix.mode == storeAuto {
		l.prefix.mode = storeSeparate
	}
	return nil
}

// prefixTable reads the optional (table) of a prefix.
func prefixTable(sc *scanner, l *load) error {
	if !sc.mark('(') {
		return nil
	}
	name, err := sc.name("a table")
	if err != nil {
		return err
	}
	l.prefix.table = name
	return sc.expect(')')
}

// prefixJoin reads [INNER|LEFT|RIGHT|OUTER] JOIN|KEEP [(table)].
func prefixJoin(sc *scanner, l *load, word string) error {
	kinds := map[string]joinKind{"INNER": joinInner, "LEFT": joinLeft, "RIGHT": joinRight, "OUTER": joinOuter}
	kind, ok := kinds[word]
	if ok {
		if word = sc.acceptAny("JOIN", "KEEP"); word == "" {
			return sc.want("JOIN or KEEP")
		}
	}
	l.prefix.mode, l.prefix.join = storeJoin, kind
	if word == "KEEP" {
		l.prefix.mode = storeKeep
		if kind == joinOuter {
			return syntaxf(sc.pos, "KEEP needs INNER, LEFT or RIGHT")
		}
	}
	return prefixTable(sc, l)
}

// prefixPartial reads ADD [ONLY] and REPLACE [ONLY], which count in partial
// reloads.
func prefixPartial(sc *scanner, l *load, word string) error {
	l.prefix.partial = map[string]partialMode{"ADD": partialAdd, "REPLACE": partialReplace}[word]
	l.prefix.only = sc.accept("ONLY")
	return nil
}

func prefixUnsupported(sc *scanner, _ *load, word string) error {
	return syntaxf(sc.pos, "the prefix %s is not supported", strings.ToUpper(word))
}

// A transform makes one reader of another: CROSSTABLE, HIERARCHY and the like.
type transform interface {
	apply(r *runner, in reader) (reader, error)
}
