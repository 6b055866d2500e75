package schema

import (
	"fmt"
	"slices"
)

// children lists the types that each abstract type stands for. The description
// does not say so; it follows from the fields they share.
var children = map[string][]string{
	"AppComponent":               {"AppDataSegment", "AppInternal", "AppObject"},
	"Event":                      {"CompositeEvent", "SchemaEvent"},
	"EventOperational":           {"CompositeEventOperational", "SchemaEventOperational"},
	"LicenseAccessUsage":         {"LicenseAnalyzerAccessUsage", "LicenseAnalyzerTimeAccessUsage", "LicenseLoginAccessUsage", "LicenseProfessionalAccessUsage", "LicenseUserAccessUsage"},
	"StaticContentReferenceBase": {"StaticContentReference", "TempContent"},
	"Task":                       {"ExternalProgramTask", "ReloadTask", "UserSyncTask"},
	"TaskOperational":            {"ExternalProgramTaskOperational", "ReloadTaskOperational", "UserSyncTaskOperational"},
}

// taskFields are marked as required in the description, each of them, though a
// trigger starts one task, a rule watches one and an execution is of one.
var taskFields = []string{"reloadTask", "userSyncTask", "externalProgramTask"}

// A given is the default of a field that the description does not have.
type given struct {
	typ, field string
	value      int64
}

// kindOfType is the value of a parent's field that tells its children apart.
var kindOfType = []given{
	{"ReloadTask", "taskType", 0},
	{"ExternalProgramTask", "taskType", 1},
	{"UserSyncTask", "taskType", 2},
	{"SchemaEvent", "eventType", 0},
	{"CompositeEvent", "eventType", 1},
}

// undescribed are of fields that the description only says to be required.
// Clients leave them out.
var undescribed = []given{
	{"ReloadTask", "taskSessionTimeout", 1440},
	{"ReloadTask", "maxRetries", 0},
	{"ExternalProgramTask", "taskSessionTimeout", 1440},
	{"ExternalProgramTask", "maxRetries", 0},
	{"UserSyncTask", "taskSessionTimeout", 1440},
	{"UserSyncTask", "maxRetries", 0},
	{"VirtualProxyConfig", "sessionInactivityTimeout", 30},
}

func (s *Schema) inherit() error {
	for _, k := range slices.Concat(kindOfType, undescribed) {
		f := s.Type(k.typ).Field(k.field)
		if f == nil {
			return fmt.Errorf("no field %s in %s", k.field, k.typ)
		}
		f.Default = &k.value
	}
	for parent, names := range children {
		p := s.Type(parent)
		if p == nil {
			return fmt.Errorf("no type %s", parent)
		}
		p.Abstract, p.Children = true, names
		for _, name := range names {
			t := s.Type(name)
			if t == nil {
				return fmt.Errorf("no type %s", name)
			}
			t.Parent = parent
		}
	}
	for _, name := range []string{"Event", "CompositeEvent", "SchemaEvent", "CompositeEventRule", "ExecutionSession"} {
		t := s.Type(name)
		for _, field := range taskFields {
			f := t.Field(field)
			if f == nil {
				return fmt.Errorf("no field %s in %s", field, name)
			}
			f.Required, f.OneOf = false, "task"
		}
	}
	return nil
}
