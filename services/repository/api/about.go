package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// About is what the server tells of itself.
type About struct {
	BuildVersion, BuildDate, DatabaseProvider string
	NodeType                                  int // 1 central, 2 rim
}

func (s *Server) about(*request) (answer, error) {
	a := s.opt.About
	return ok(map[string]any{
		"buildVersion": a.BuildVersion, "buildDate": a.BuildDate, "databaseProvider": a.DatabaseProvider, "nodeType": a.NodeType,
		"sharedPersistence": true, "requiresBootstrap": false, "singleNodeOnly": false, "schemaPath": "About",
	})
}

// ping tells that the server and its database are there.
func (s *Server) ping(r *request) (answer, error) {
	if err := s.repo.Ping(r); err != nil {
		return answer{}, err
	}
	return ok(value("pong"))
}

// dataCollection tells hubs, which ask when they open, that nothing about the use
// of the site is collected.
func (s *Server) dataCollection(*request) (answer, error) {
	return ok(map[string]any{"enabled": false})
}

// aboutEnums lists the enumerations with the fields that have them.
func (s *Server) aboutEnums(*request) (answer, error) {
	usages := map[string][]string{}
	enums := map[string]*schema.Enum{}
	s.eachField(func(t *schema.Type, f *schema.Field) {
		if f.Enum == nil {
			return
		}
		name := strings.ReplaceAll(f.Enum.Name, ".", "")
		enums[name] = f.Enum
		usages[name] = append(usages[name], t.SchemaPath+"."+f.Name)
	})
	out := map[string]any{}
	for name, e := range enums {
		values := make([]string, len(e.Values))
		for i, v := range e.Values {
			values[i] = fmt.Sprintf("%d: %s", v.Value, v.Name)
		}
		out[name] = map[string]any{"values": values, "usages": usages[name]}
	}
	return ok(out)
}

// aboutRelations lists which field refers to which type.
func (s *Server) aboutRelations(*request) (answer, error) {
	out := []string{}
	s.eachField(func(t *schema.Type, f *schema.Field) {
		if f.Kind != schema.Reference {
			return
		}
		arrow := " > "
		if f.List {
			arrow = " - "
		}
		out = append(out, t.SchemaPath+"."+f.Name+arrow+s.schema.Type(f.Of).SchemaPath)
	})
	return ok(out)
}

func (s *Server) eachField(f func(*schema.Type, *schema.Field)) {
	for _, t := range s.schema.Types() {
		for i := range t.Fields {
			f(t, &t.Fields[i])
		}
	}
}

// aboutDescription lists the operations that the server has, those of a method
// if one is named.
func (s *Server) aboutDescription(r *request) (answer, error) {
	out := []string{}
	for _, o := range s.Operations() {
		method, _, _ := strings.Cut(o, " ")
		if want := r.query["method"]; want == "" || strings.EqualFold(method, want) {
			out = append(out, o)
		}
	}
	return ok(out)
}

// Operations returns the operations that the server has, as "GET /qrs/app".
func (s *Server) Operations() []string {
	var out []string
	for _, o := range s.routes {
		out = append(out, o.method+" "+Prefix+"/"+strings.Join(o.pattern, "/"))
	}
	special := len(out) // some stand for what a type has anyway
	for _, t := range s.schema.Types() {
		for _, call := range t.Operations.Calls() {
			method, rest, _ := strings.Cut(call, " ")
			if o := method + " " + Prefix + "/" + t.Path + rest; !slices.Contains(out[:special], o) {
				out = append(out, o)
			}
		}
	}
	return out
}
