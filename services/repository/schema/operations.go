package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Operations is the set of standard operations that a type has.
type Operations uint16

const (
	List Operations = 1 << iota
	Full
	Count
	Get
	Create
	Many
	Update
	Delete
	Table
	PreviewCreatePrivilege
	PreviewPrivileges
)

// Has reports whether all of o are in the set.
func (ops Operations) Has(o Operations) bool { return ops&o == o }

// standardOperations says how a standard operation is called, below the path
// of its type.
var standardOperations = map[string]Operations{
	"GET ":                         List,
	"GET /full":                    Full,
	"GET /count":                   Count,
	"GET /{id}":                    Get,
	"POST ":                        Create,
	"POST /many":                   Many,
	"PUT /{id}":                    Update,
	"DELETE /{id}":                 Delete,
	"POST /table":                  Table,
	"POST /previewcreateprivilege": PreviewCreatePrivilege,
	"POST /previewprivileges":      PreviewPrivileges,
}

// operation is one line of operations.tsv.
type operation struct{ method, path, body, result string }

func parseOperations(tsv string) ([]operation, error) {
	var list []operation
	for i, line := range strings.Split(strings.TrimSpace(tsv), "\n") {
		if i == 0 {
			continue // names of the columns
		}
		c := strings.Split(strings.TrimRight(line, "\r"), "\t")
		if len(c) < 5 {
			return nil, fmt.Errorf("line %d: %d columns, want at least 5", i+1, len(c))
		}
		list = append(list, operation{method: c[0], path: c[1], body: c[3], result: c[4]})
	}
	return list, nil
}

// addOperations gives the types their paths and operations. A type that no
// path lists or creates is embedded.
func (s *Schema) addOperations(tsv string) error {
	list, err := parseOperations(tsv)
	if err != nil {
		return err
	}
	s.operations = list
	for _, op := range list {
		s.addPath(op)
	}
	for _, op := range list {
		s.addOperation(op)
	}
	for _, t := range s.types {
		t.Embedded = t.Path == ""
	}
	return nil
}

// addPath finds the path of a type: where its full list is, or where one is
// created. The hub's list of apps is a second list of a type.
func (s *Schema) addPath(op operation) {
	path, isList := strings.CutSuffix(op.path, "/full")
	var name string
	switch {
	case op.method == "GET" && isList && !strings.HasSuffix(path, "/hublist"):
		name = strings.TrimSuffix(strings.TrimPrefix(op.result, "200:["), "]")
	case op.method == "POST" && op.result == "201:"+op.body:
		name = op.body
	}
	t := s.Type(name)
	if t == nil || t.Path != "" || strings.Contains(path, "{") {
		return
	}
	t.Path = strings.TrimPrefix(path, "/")
	s.byPath[t.Path] = t
}

func (s *Schema) addOperation(op operation) {
	path := strings.TrimPrefix(op.path, "/")
	if t := s.byPath[path]; t != nil {
		t.Operations |= standardOperations[op.method+" "]
	}
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		if t := s.byPath[path[:i]]; t != nil {
			t.Operations |= standardOperations[op.method+" "+path[i:]]
		}
	}
}

// Operation returns the operation of the interface that a method and a path
// below its root mean, as "GET /app/{id}"; "" if there is none. The operations
// of selections are left out of the description, being of one pattern.
func (s *Schema) Operation(method, path string) string {
	parts := strings.Split(path, "/")
	for i := range s.operations {
		if op := &s.operations[i]; op.method == method && op.fits(parts) {
			return op.method + " " + op.path
		}
	}
	return ""
}

// fits reports whether the parts of a path, in lower case, are those of the
// operation.
func (o *operation) fits(parts []string) bool {
	pattern := strings.Split(strings.Trim(o.path, "/"), "/")
	if len(pattern) != len(parts) {
		return false
	}
	for i, p := range pattern {
		if !strings.HasPrefix(p, "{") && strings.ToLower(p) != parts[i] {
			return false
		}
	}
	return true
}

// AllOperations returns all operations of the interface, as "GET /app/{id}".
func (s *Schema) AllOperations() []string {
	out := make([]string, len(s.operations))
	for i, o := range s.operations {
		out[i] = o.method + " " + o.path
	}
	return out
}

// Calls returns how the operations in the set are called, as "GET /{id}",
// below the path of a type.
func (ops Operations) Calls() []string {
	var out []string
	for call, op := range standardOperations {
		if ops.Has(op) {
			out = append(out, strings.TrimSuffix(call, " "))
		}
	}
	slices.Sort(out)
	return out
}
