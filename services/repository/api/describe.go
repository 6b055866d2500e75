package api

import (
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// aboutDefault answers entities with nothing but defaults, by type; with
// listentries lists have one item, which shows what is in them. type names one.
func (s *Server) aboutDefault(r *request) (answer, error) {
	entries, err := r.flag("listentries", true)
	if err != nil {
		return answer{}, err
	}
	if name := r.args["type"]; name != "" {
		t := s.schema.Type(name)
		if t == nil {
			return answer{}, badRequest("there is no type %q", name)
		}
		return ok(s.defaults(t, entries, 0))
	}
	out := map[string]any{}
	for _, t := range s.schema.Types() {
		if !t.Embedded {
			out[t.SchemaPath] = s.defaults(t, entries, 0)
		}
	}
	return ok(out)
}

// defaultsDepth bounds values in values.
const defaultsDepth = 6

func (s *Server) defaults(t *schema.Type, entries bool, depth int) map[string]any {
	out := map[string]any{schema.ID: noSelection, schema.CreatedDate: schema.NullDate, schema.ModifiedDate: schema.NullDate, schema.ModifiedByUserName: "", schema.SchemaPath: t.SchemaPath}
	if !t.Embedded {
		out[schema.Privileges] = nil
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		if !f.List {
			out[f.Name] = s.defaultOf(f, entries, depth)
			continue
		}
		list := []any{}
		if entries {
			list = append(list, s.defaultOf(f, entries, depth))
		}
		out[f.Name] = list
	}
	return out
}

func (s *Server) defaultOf(f *schema.Field, entries bool, depth int) any {
	switch f.Kind {
	case schema.Text, schema.Secret:
		return ""
	case schema.GUID:
		return noSelection
	case schema.Date:
		return schema.NullDate
	case schema.Int, schema.Float:
		if f.Default != nil {
			return *f.Default
		}
		return 0
	case schema.Bool:
		return false
	case schema.Embedded:
		if depth < defaultsDepth {
			return s.defaults(s.schema.Type(f.Of), entries, depth+1)
		}
	case schema.Reference:
		if f.List {
			return map[string]any{schema.ID: noSelection, schema.Privileges: nil}
		}
	}
	return nil
}

// openAPIName is the name of the one interface that is described.
const openAPIName = "qrs"

// openAPIList lists the interfaces that are described.
func (s *Server) openAPIList(*request) (answer, error) { return ok([]string{openAPIName}) }

// openAPI describes the operations that the server has, and the types, after
// OpenAPI 3.0.
func (s *Server) openAPI(r *request) (answer, error) {
	if !strings.EqualFold(r.args["interfacename"], openAPIName) {
		return answer{}, &statusError{404, fmt.Sprintf("there is no interface %q: there is %s", r.args["interfacename"], openAPIName)}
	}
	paths, schemas := map[string]map[string]any{}, map[string]any{}
	for _, operation := range s.Operations() {
		method, path, _ := strings.Cut(operation, " ")
		path = strings.TrimPrefix(path, Prefix)
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(method)] = describeOperation(method, path)
	}
	for _, t := range s.schema.Types() {
		schemas[t.Name] = s.describeType(t)
	}
	return ok(map[string]any{
		"openapi": "3.0.3", "info": map[string]any{"title": "Repository", "version": s.opt.About.BuildVersion},
		"servers": []any{map[string]any{"url": Prefix}}, "paths": paths, "components": map[string]any{"schemas": schemas},
	})
}

func describeOperation(method, path string) map[string]any {
	parameters := []any{
		map[string]any{"name": "Xrfkey", "in": "query", "required": true, "schema": map[string]any{"type": "string", "minLength": 16, "maxLength": 16}},
		map[string]any{"name": "X-Qlik-Xrfkey", "in": "header", "required": true, "schema": map[string]any{"type": "string", "minLength": 16, "maxLength": 16}},
	}
	for part := range strings.SplitSeq(path, "/") {
		if name, isParameter := strings.CutPrefix(part, "{"); isParameter {
			parameters = append(parameters, map[string]any{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
		}
	}
	return map[string]any{
		"operationId": method + path, "parameters": parameters,
		"responses": map[string]any{"default": map[string]any{"description": "the result, or a text that says what is wrong"}},
	}
}

func (s *Server) describeType(t *schema.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range schema.BaseFields() {
		properties[f.Name] = s.describeField(&f)
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		if properties[f.Name] = s.describeField(f); f.Required && f.OneOf == "" {
			required = append(required, f.Name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// jsonTypes are the types and formats of the kinds.
var jsonTypes = map[schema.Kind][2]string{
	schema.Text: {"string", ""}, schema.Secret: {"string", "password"}, schema.GUID: {"string", "uuid"}, schema.Date: {"string", "date-time"},
	schema.Int: {"integer", "int64"}, schema.Float: {"number", "double"}, schema.Bool: {"boolean", ""}, schema.Any: {"object", ""},
}

func (s *Server) describeField(f *schema.Field) map[string]any {
	out := map[string]any{}
	switch f.Kind {
	case schema.Reference, schema.Embedded:
		out["$ref"] = "#/components/schemas/" + f.Of
	default:
		kind := jsonTypes[f.Kind]
		if out["type"] = kind[0]; kind[1] != "" {
			out["format"] = kind[1]
		}
		if f.MaxLen > 0 {
			out["maxLength"] = f.MaxLen
		}
		if f.Min != nil {
			out["minimum"] = *f.Min
		}
		if f.Max != nil {
			out["maximum"] = *f.Max
		}
		if f.Enum != nil {
			values, names := []int64{}, []string{}
			for _, v := range f.Enum.Values {
				values, names = append(values, v.Value), append(names, v.Name)
			}
			out["enum"], out["x-enum-varnames"] = values, names
		}
		if f.Default != nil {
			out["default"] = *f.Default
		}
	}
	if f.List {
		return map[string]any{"type": "array", "items": out}
	}
	return out
}
