package store

import "github.com/cognate-bi/cognate/services/repository/schema"

// Condense returns the condensed form of an entity, as lists and references
// show it. Fields that are not there are nil, so are privileges; objects and
// lists are the entity's own.
func (s *Store) Condense(e *Entity) map[string]any {
	t := s.cfg.Schema.Type(e.Type)
	out := make(map[string]any, len(t.Condensed)+2)
	out[schema.ID], out[schema.Privileges] = e.ID, nil
	for _, name := range t.Condensed {
		out[name] = e.Doc[name]
	}
	return out
}

// Full returns the full form of an entity. Fields that are not there are nil,
// so are privileges; objects and lists are the entity's own.
func (s *Store) Full(e *Entity) map[string]any {
	t := s.cfg.Schema.Type(e.Type)
	out := make(map[string]any, len(t.Fields)+6)
	for i := range t.Fields {
		name := t.Fields[i].Name
		out[name] = e.Doc[name]
	}
	out[schema.ID] = e.ID
	out[schema.CreatedDate] = schema.FormatDate(e.Created)
	out[schema.ModifiedDate] = schema.FormatDate(e.Modified)
	out[schema.ModifiedByUserName] = e.ModifiedBy
	out[schema.SchemaPath] = t.SchemaPath
	out[schema.Privileges] = nil
	return out
}
