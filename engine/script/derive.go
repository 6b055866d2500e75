package script

import (
	"strings"
)

// A Derived is a DECLARE or DERIVE statement. Derived fields are computed by
// the engine when they are asked for, so that the script only keeps them.
type Derived struct {
	Definition string   // name of the DECLARE
	Fields     []string // of DERIVE FROM FIELDS; nil for DECLARE and for tags
	Tags       []string // of DERIVE FROM EXPLICIT TAGS
	Source     string   // text of the DECLARE behind DEFINITION
}

type derivations struct{ list []Derived }

// runDeclare is name: DECLARE [FIELD[S]] DEFINITION ...
func (r *runner) runDeclare(name string, sc *scanner) error {
	sc.acceptAny("FIELDS", "FIELD")
	if err := sc.expectWord("DEFINITION"); err != nil {
		return err
	}
	r.derive.list = append(r.derive.list, Derived{Definition: name, Source: sc.rest()})
	return nil
}

// runDerive is DERIVE [FIELD[S]] FROM ([FIELD[S]] names | EXPLICIT [TAG[S]]
// names | IMPLICIT [TAG[S]]) USING definition.
func (r *runner) runDerive(sc *scanner) error {
	sc.acceptAny("FIELDS", "FIELD")
	if err := sc.expectWord("FROM"); err != nil {
		return err
	}
	d := Derived{}
	var err error
	switch sc.acceptAny("EXPLICIT", "IMPLICIT", "FIELDS", "FIELD") {
	case "EXPLICIT":
		sc.acceptAny("TAGS", "TAG")
		d.Tags, err = sc.names("a tag")
	case "IMPLICIT":
		sc.acceptAny("TAGS", "TAG")
	default:
		d.Fields, err = sc.names("a field")
	}
	if err != nil {
		return err
	}
	if err := sc.expectWord("USING"); err != nil {
		return err
	}
	if d.Definition, err = sc.name("a definition"); err != nil {
		return err
	}
	d.Definition = strings.TrimSpace(d.Definition)
	r.derive.list = append(r.derive.list, d)
	return sc.finish()
}
