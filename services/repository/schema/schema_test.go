package schema

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T) *Schema {
	t.Helper()
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTypes(t *testing.T) {
	s := load(t)
	for _, tt := range []struct {
		name, path, schemaPath string
		has, hasNot            Operations
	}{
		{"app", "app", "App", List | Full | Count | Get | Update | Delete | Table | PreviewCreatePrivilege | PreviewPrivileges, Create | Many},
		{"App.Object", "app/object", "App.Object", List | Full | Count | Get | Update | Delete | Table | PreviewPrivileges, Create | Many | PreviewCreatePrivilege},
		{"RELOADTASK", "reloadtask", "ReloadTask", List | Full | Count | Get | Create | Many | Update | Delete | Table | PreviewCreatePrivilege | PreviewPrivileges, 0},
		{"Task", "task", "Task", List | Full | Table, Count | Get | Create | Update | Delete},
		{"LicenseProfessionalAccessType", "license/professionalaccesstype", "License.ProfessionalAccessType", Create | Many, 0},
		{"ExecutionResultDetail", "executionresult/detail", "ExecutionResult.Detail", Get | Create, 0},
		{"License", "license", "License", List | Create | Update | Delete, Full | Count},
		{"Lock", "lock", "Lock", List | Full | Count | Get | Table | PreviewPrivileges, Create | Update | Delete},
		{"FileExtension", "fileextension", "FileExtension", Create | Many | Delete, Update},
	} {
		typ := s.Type(tt.name)
		if typ == nil {
			t.Errorf("no type %s", tt.name)
			continue
		}
		if typ.Path != tt.path || typ.SchemaPath != tt.schemaPath || s.ByPath("/"+strings.ToUpper(tt.path)+"/") != typ {
			t.Errorf("%s: path %q, schemaPath %q; want %q, %q", tt.name, typ.Path, typ.SchemaPath, tt.path, tt.schemaPath)
		}
		if !typ.Operations.Has(tt.has) || typ.Operations&tt.hasNot != 0 {
			t.Errorf("%s: operations %b, want %b without %b", tt.name, typ.Operations, tt.has, tt.hasNot)
		}
	}
}

func TestEmbeddedAndAbstract(t *testing.T) {
	s := load(t)
	for _, name := range []string{"CustomPropertyValue", "CompositeEventRule", "EngineServiceSettings", "UserAttribute", "UserDirectorySettings"} {
		if typ := s.Type(name); typ == nil || !typ.Embedded {
			t.Errorf("%s is not embedded", name)
		}
	}
	for _, typ := range s.Types() {
		if typ.Parent != "" && !slices.Contains(s.Type(typ.Parent).Children, typ.Name) {
			t.Errorf("%s is no child of its parent %s", typ.Name, typ.Parent)
		}
		for _, f := range typ.Fields {
			if f.Kind == Embedded && !s.Type(f.Of).Embedded || f.Kind == Reference && s.Type(f.Of).Embedded {
				t.Errorf("%s.%s: %v of %s", typ.Name, f.Name, f.Kind, f.Of)
			}
			if typ.Parent != "" && s.Type(typ.Parent).Field(f.Name) != nil && s.Type(typ.Parent).Field(f.Name).Kind != f.Kind {
				t.Errorf("%s.%s has another kind in %s", typ.Name, f.Name, typ.Parent)
			}
		}
	}
	if got := s.Concrete(s.Type("Event")); !slices.Equal(got, []string{"CompositeEvent", "SchemaEvent"}) {
		t.Errorf("events are %v", got)
	}
}

func TestFields(t *testing.T) {
	s := load(t)
	app := s.Type("App")
	names := make([]string, len(app.Fields))
	for i, f := range app.Fields {
		names[i] = f.Name
	}
	if !slices.Equal(names[:4], []string{"customProperties", "owner", "name", "appId"}) {
		t.Errorf("fields %v are not in the order of the description", names)
	}
	if !slices.Equal(app.Condensed, []string{"name", "appId", "publishTime", "published", "stream", "savedInProductVersion", "migrationHash", "availabilityStatus"}) {
		t.Errorf("condensed: %v", app.Condensed)
	}
	if f := app.Field("STREAM"); f == nil || f.Kind != Reference || f.Of != "Stream" || !f.Rule || f.List {
		t.Errorf("stream: %+v", f)
	}
	if f := app.Field("tags"); f.Kind != Reference || !f.List {
		t.Errorf("tags: %+v", f)
	}
	status := s.Type("ExecutionResult").Field("status").Enum
	if n, ok := status.Lookup("finishedfail"); !ok || n != 8 {
		t.Errorf("FinishedFail is %d, %v", n, ok)
	}
	if !s.HasSecrets(s.Type("UserDirectory")) || s.HasSecrets(app) {
		t.Error("a user directory has secrets, an app none")
	}
}

const someID = "5b0f1f1e-7a52-4c3c-9c92-d1cfd9a3a001"

func TestValidate(t *testing.T) {
	s := load(t)
	ref := `{"id":"` + someID + `"}`
	task := `"reloadTask":` + ref
	for _, tt := range []struct {
		typ, doc, field string // field empty: valid
		why             string
	}{
		{"Stream", `{"name":"a","owner":` + ref + `}`, "", ""},
		{"Stream", `{"NAME":"a","Owner":{"ID":"` + strings.ToUpper(someID) + `","name":"x"},"nonsense":1,"id":7}`, "", "any case, unknown dropped"},
		{"Stream", `{"name":"a"}`, "owner", "required"},
		{"Stream", `{"name":" ","owner":` + ref + `}`, "name", "empty"},
		{"Stream", `{"name":"` + strings.Repeat("ä", 201) + `","owner":` + ref + `}`, "name", "length in characters"},
		{"Stream", `{"name":"` + strings.Repeat("ä", 200) + `","owner":` + ref + `}`, "", ""},
		{"Stream", `{"name":7,"owner":` + ref + `}`, "name", "type"},
		{"Stream", `{"name":"a\u0000","owner":` + ref + `}`, "name", "PostgreSQL has no NUL"},
		{"Stream", `{"name":"a","owner":{}}`, "owner", "a reference has an id"},
		{"Stream", `{"name":"a","owner":{"id":"` + someID + `","ID":"aaec8d41-5201-43ab-809f-3063750dfafd"}}`, "owner", "two ids, of which one could be looked at and the other taken"},
		{"Stream", `{"name":"a","owner":{"id":"` + someID + `","ID":"` + strings.ToUpper(someID) + `","Id":null}}`, "", "the same id twice"},
		{"Stream", `{"name":"a","owner":` + ref + `,"customProperties":[{"value":"v","Value":"w","definition":` + ref + `}]}`, "customProperties[0].value", "a field twice"},
		{"Stream", `{"name":"a","owner":{"id":"x"}}`, "owner.id", "GUID"},
		{"Stream", `{"name":"a","owner":` + ref + `,"tags":{}}`, "tags", "list"},
		{"Stream", `{"name":"a","owner":` + ref + `,"tags":[` + ref + `,7]}`, "tags[1]", "list"},
		{"Stream", `{"name":"a","owner":` + ref + `,"customProperties":[{"value":"v"}]}`, "customProperties[0].definition", "embedded values are checked"},
		{"AnalyticConnection", `{"name":"a","host":"h","port":0}`, "port", "less than the least"},
		{"AnalyticConnection", `{"name":"a","host":"h","port":65536}`, "port", "more than the most"},
		{"AnalyticConnection", `{"name":"a","host":"h","port":1.5}`, "port", "whole"},
		{"AnalyticConnection", `{"name":"a","host":"h","port":5e1}`, "", ""},
		{"App", `{"name":"a","owner":` + ref + `,"availabilityStatus":9}`, "availabilityStatus", "enum"},
		{"App", `{"name":"a","owner":` + ref + `,"availabilityStatus":"notsynced"}`, "", "enum by name"},
		{"App", `{"name":"a","owner":` + ref + `,"publishTime":"yesterday"}`, "publishTime", "date"},
		{"App", `{"name":"a","owner":` + ref + `,"published":"True"}`, "", "bool as text"},
		{"App", `{"name":"a","owner":` + ref + `,"published":3}`, "published", "bool"},
		{"SchemaEvent", `{"name":"a","timeZone":"UTC","startDate":"2026-01-01","expirationDate":"2027-01-01","incrementDescription":"0 0 0 0",` + task + `}`, "", "one of three tasks"},
		{"SchemaEvent", `{"name":"a","timeZone":"UTC","startDate":"2026-01-01","expirationDate":"2027-01-01","incrementDescription":"0 0 0 0","userSyncTask":` + ref + `,` + task + `}`, "task", "two tasks"},
		{"SchemaEvent", `{"name":"a","timeZone":"UTC","startDate":"2026-01-01","expirationDate":"2027-01-01","incrementDescription":"0 0 0 0"}`, "task", "no task"},
		{"Task", `{"name":"a"}`, "Task", "abstract"},
		{"EngineService", `{"serverNodeConfiguration":` + ref + `,"settings":{"documentDirectory":"d","globalLogMinuteInterval":0}}`, "settings.globalLogMinuteInterval", "embedded object"},
	} {
		got, err := s.Validate(s.Type(tt.typ), decode(t, tt.doc), true)
		var e *Error
		if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &e) || e.Field != tt.field || got != nil) {
			t.Errorf("%s %s: %v, %v; want an error of %q: %s", tt.typ, tt.doc, got, err, tt.field, tt.why)
		}
	}
}

func TestValidateStoredForm(t *testing.T) {
	s := load(t)
	doc := decode(t, `{"Name":"a","owner":{"id":"`+strings.ToUpper(someID)+`","userId":"u"},"publishTime":"2026/01/02 03:04:05.6789+01:00","description":null,"FILESIZE":1e3,"published":null}`)
	got, err := s.Validate(s.Type("App"), doc, true)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"name": "a", "owner": map[string]any{"id": someID}, "publishTime": "2026-01-02T02:04:05.678Z", "fileSize": json.Number("1000"),
		"published": false, "tags": []any{}, "customProperties": []any{}, "availabilityStatus": json.Number("0"),
		"lastReloadTime": NullDate, "lastDataDistribution": NullDate,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	again, err := s.Validate(s.Type("App"), got, true)
	if d := cmp.Diff(got, again); d != "" || err != nil {
		t.Errorf("the stored form is not stable: %v\n%s", err, d)
	}
}

// Clients leave out what has had a default ever since.
func TestDefaultsOfRequiredFields(t *testing.T) {
	s := load(t)
	for _, tt := range []struct {
		typ, doc string
		want     map[string]string
	}{
		{"ReloadTask", `{"name":"a","app":{"id":"` + someID + `"}}`, map[string]string{"taskSessionTimeout": "1440", "maxRetries": "0"}},
		{"ReloadTask", `{"name":"a","app":{"id":"` + someID + `"},"taskSessionTimeout":5,"maxRetries":2}`, map[string]string{"taskSessionTimeout": "5", "maxRetries": "2"}},
		{"ExternalProgramTask", `{"name":"a","path":"p"}`, map[string]string{"taskSessionTimeout": "1440", "maxRetries": "0"}},
		{"VirtualProxyConfig", `{"prefix":"a","sessionCookieHeaderName":"X-a","defaultVirtualProxy":false}`, map[string]string{"sessionInactivityTimeout": "30"}},
	} {
		got, err := s.Validate(s.Type(tt.typ), decode(t, tt.doc), true)
		if err != nil {
			t.Errorf("%s %s: %v", tt.typ, tt.doc, err)
		}
		for field, want := range tt.want {
			if n, _ := got[field].(json.Number); n.String() != want {
				t.Errorf("%s %s: %s is %v, want %s", tt.typ, tt.doc, field, got[field], want)
			}
		}
	}
}

func TestMerge(t *testing.T) {
	s := load(t)
	typ := s.Type("ServiceCluster")
	old := map[string]any{"name": "a", "settings": map[string]any{"encryption": map[string]any{"enableEncryptQvf": true, "enableEncryptQvd": true}}}
	change, err := s.Validate(typ, decode(t, `{"settings":{"encryption":{"enableencryptqvd":false,"encryptionKeyThumbprint":null}},"name":null}`), false)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"settings": map[string]any{"encryption": map[string]any{"enableEncryptQvf": true, "enableEncryptQvd": false}}}
	if d := cmp.Diff(want, s.Merge(typ, old, change)); d != "" {
		t.Error(d)
	}
}

func TestParseDate(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"2026-11-21T23:06:00.123Z", "2026-11-21T23:06:00.123Z"},
		{"2026/01/01", "2026-01-01T00:00:00.000Z"},
		{"2026-01-01 10:11", "2026-01-01T10:11:00.000Z"},
		{"2026-01-01T00:30:00+02:00", "2025-12-31T22:30:00.000Z"},
		{NullDate, NullDate},
		{Never, Never},
		{"0001-01-01T00:00:00+01:00", ""},
		{"9999-12-31T23:59:59-01:00", ""},
		{"2026-13-01", ""},
		{"", ""},
	} {
		got, err := ParseDate(tt.text)
		if (err == nil) != (tt.want != "") || err == nil && FormatDate(got) != tt.want {
			t.Errorf("%q: %v, %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var doc map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc
}
