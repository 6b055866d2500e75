package filter

import (
	"strconv"
	"strings"
)

// A Dialect is how a database writes what is not the same in all.
//
// It stands on these tables, in which folded is the document as JSON with its
// texts folded, modifiedByUserName and schemaPath added:
//
//	entity(id, type, name (folded), created, modified (UTC, milliseconds), folded, …)
//	reference(source, field (path without positions), position, target)
type Dialect struct {
	Name string

	// numbered says that the placeholders are $1, $2, … instead of ?.
	numbered bool
	// member is the value at path inside a JSON expression, NULL if there is
	// none; texts without quotes.
	member func(json string, path []string) string
	// elements are the rows of the list at path, each with a column value.
	elements func(json string, path []string) string
	// element is such a value as member gives it.
	element func(value string) string
	// number makes a value of member a number, and a placeholder, too.
	number func(value string) string
	// numberArg and boolArg are arguments that such values compare with.
	numberArg func(lit *literal) any
	boolArg   func(b bool) any
	// bytewise makes a text sort by its bytes.
	bytewise func(value string) string
	// onceOpen and onceEnd are around a query that does not depend on rows
	// around it: a value is one of its rows.
	onceOpen, onceEnd string
	// strings are the rows of a list of texts that is one argument, and
	// stringsArg that argument.
	strings    string
	stringsArg func(list []string) any
}

// Placeholders turns each ? of a statement outside quotes into what the
// database wants.
func (d *Dialect) Placeholders(query string) string {
	if !d.numbered {
		return query
	}
	out := make([]byte, 0, len(query)+16)
	quoted, n := false, 0
	for i := range len(query) {
		c := query[i]
		if c == '\'' {
			quoted = !quoted
		}
		if c != '?' || quoted {
			out = append(out, c)
			continue
		}
		n++
		out = strconv.AppendInt(append(out, '$'), int64(n), 10)
	}
	return string(out)
}

// In is the condition that a text is one of a list, with the list as one
// argument: lists of any length make the same statement.
func (d *Dialect) In(expr string, list []string) (condition string, arg any) {
	return expr + " IN (" + d.strings + ")", d.stringsArg(list)
}

// Member is the value at path inside a JSON expression. The names of path
// must come from a schema, never from a request.
func (d *Dialect) Member(json string, path ...string) string { return d.member(json, path) }

func same(value string) string { return value }

// jsonPath is $.a.b. Names of fields are letters and digits.
func jsonPath(path []string) string { return "'$." + strings.Join(path, ".") + "'" }

// arrayPath is {a,b}.
func arrayPath(path []string) string { return "'{" + strings.Join(path, ",") + "}'" }
