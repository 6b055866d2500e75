package api

import (
	"strings"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// A tableDef is a TableDefinition.
type tableDef struct {
	Type    string
	Columns []tableColumn
}

type tableColumn struct {
	Name, Definition string
	ColumnType       any // Property, Function, List or Privileges, or its number
	List             []tableColumn
}

// table answers a table: a row per entity of a list, with the columns that the
// body asks for.
func (s *Server) table(r *request, t *schema.Type) (answer, error) {
	q, err := r.list()
	if err != nil {
		return answer{}, err
	}
	return s.tableOf(r, t, q)
}

func (s *Server) tableOf(r *request, t *schema.Type, q repository.Query) (answer, error) {
	var def tableDef
	if err := r.json(&def); err != nil {
		return answer{}, err
	}
	if column := r.query["sortcolumn"]; column != "" && q.OrderBy == "" {
		q.OrderBy = def.definitionOf(column)
		if ascending, err := r.flag("orderascending", true); err != nil {
			return answer{}, err
		} else if !ascending {
			q.OrderBy += " desc"
		}
	}
	for i := range def.Columns {
		def.Columns[i].resolve(t)
		q.Privileges = q.Privileges || def.Columns[i].kind() == "privileges"
	}
	found, err := s.repo.List(r, r.caller, t, q)
	if err != nil {
		return answer{}, err
	}
	names, rows := []string{}, make([][]any, len(found))
	for _, c := range def.Columns {
		names = append(names, c.Name)
	}
	for i, e := range found {
		rows[i] = append([]any{}, def.row(e)...)
	}
	return created(map[string]any{"columnNames": names, "rows": rows, "schemaPath": "Table"})
}

func (d *tableDef) definitionOf(column string) string {
	for _, c := range d.Columns {
		if strings.EqualFold(c.Name, column) && c.Definition != "" {
			return c.Definition
		}
	}
	return column
}

func (d *tableDef) row(e map[string]any) (row []any) {
	for _, c := range d.Columns {
		row = append(row, c.cell(e))
	}
	return row
}

func (c *tableColumn) kind() string {
	switch v := c.ColumnType.(type) {
	case string:
		return strings.ToLower(v)
	case interface{ String() string }:
		return map[string]string{"1": "property", "2": "function", "3": "list", "4": "privileges"}[v.String()]
	}
	return ""
}

// resolve makes of a list that is named by the type of its items, as consoles do
// ("tag" for tags), the field that has them.
func (c *tableColumn) resolve(t *schema.Type) {
	if c.kind() != "list" || t.Field(c.Definition) != nil {
		return
	}
	for i := range t.Fields {
		if f := &t.Fields[i]; f.List && strings.EqualFold(f.Of, c.Definition) {
			c.Definition = f.Name
			return
		}
	}
}

// cell returns the value of a column.
func (c *tableColumn) cell(e map[string]any) any {
	switch c.kind() {
	case "privileges":
		return e[schema.Privileges]
	case "function":
		if path, isCount := strings.CutPrefix(c.Definition, "Count("); isCount {
			list, _ := along(e, strings.TrimSuffix(path, ")")).([]any)
			return len(list)
		}
		return nil
	case "list":
		items, _ := along(e, c.Definition).([]any)
		inner := tableDef{Columns: c.List}
		names, rows := []string{}, [][]any{}
		for _, column := range c.List {
			names = append(names, column.Name)
		}
		for _, item := range items {
			if o, ok := item.(map[string]any); ok {
				rows = append(rows, inner.row(o))
			}
		}
		return map[string]any{"columnNames": names, "rows": rows}
	}
	return along(e, c.Definition)
}

// along follows a path of names into a document.
func along(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		o, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = member(o, name)
	}
	return v
}

// member returns the member of a name in any case.
func member(o map[string]any, name string) any {
	if v, ok := o[name]; ok {
		return v
	}
	for k, v := range o {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}
