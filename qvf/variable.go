package qvf

import "encoding/json"

// A Variable is an entry of one of the two lists of variables.
type Variable struct {
	Name          string
	Definition    string
	HasDefinition bool // some have none at all
	Script        bool // made by the script
	User          bool // of the list of those made in a client
	Comment       string
	Value         json.RawMessage // when the file was saved: number or text
	Properties    json.RawMessage // what GetProperties returns
}

// A variableList is a stream of GenericVariableEntryList.
type variableList struct {
	ID      string          `json:"qId"`
	Entries []variableEntry `json:"qEntryList"`
}

type variableEntry struct {
	Value      json.RawMessage `json:"qValue,omitempty"`
	Script     bool            `json:"qIsScriptCreated,omitempty"`
	Properties json.RawMessage `json:"qProperties"`
}

type variableProperties struct {
	Name       string  `json:"qName"`
	Definition *string `json:"qDefinition"`
	Comment    string  `json:"qComment"`
}

func (r *reader) variables() {
	for _, stream := range []string{streamVariables, streamUserVars} {
		if err := r.variableList(stream); err != nil {
			r.problem(stream, r.errorf(stream, "%w", err))
		}
	}
}

func (r *reader) variableList(stream string) error {
	raw := r.optionalJSON(stream)
	if raw == nil {
		return nil
	}
	var list variableList
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	for _, e := range list.Entries {
		var p variableProperties
		if len(e.Properties) > 0 {
			if err := json.Unmarshal(e.Properties, &p); err != nil {
				return err
			}
		}
		v := Variable{
			Name: p.Name, Comment: p.Comment, Script: e.Script, User: stream == streamUserVars,
			Value: e.Value, Properties: e.Properties,
		}
		if v.HasDefinition = p.Definition != nil; v.HasDefinition {
			v.Definition = *p.Definition
		}
		r.app.Variables = append(r.app.Variables, v)
	}
	return nil
}
