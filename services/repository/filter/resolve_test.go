package filter

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

func loadSchema(t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestResolveClients: filters that clients were seen to send.
func TestResolveClients(t *testing.T) {
	s := loadSchema(t)
	const id = "5b0f1f1e-7a52-4c3c-9c92-d1cfd9a3a001"
	for _, tt := range []struct{ typ, text string }{
		{"App", "name eq 'x'"},
		{"App", "id eq " + id},
		{"App", "stream.name eq 'Everyone'"},
		{"App", "published eq true"},
		{"App", "tags.name eq 'a' or tags.name eq 'b'"},
		{"App", "customProperties.definition.name eq 'g' and customProperties.value eq 'v'"},
		{"App", "@Department eq 'x'"},
		{"App", "stream eq null"},
		{"CustomPropertyDefinition", "objectTypes eq 'ReloadTask'"},
		{"User", "userDirectory eq 'X' and userId eq 'y'"},
		{"ExecutionResult", "ExecutionId eq " + id},
		{"App.Object", "app.id eq " + id},
		{"AppObject", "objectType eq 'sheet' and published eq true and approved eq false and tags.name eq 't'"},
		{"LicenseProfessionalAccessType", "lastUsed le '2026-01-01T00:00:00.000Z'"},
		{"App", "(createdDate ge '2026/01/01' or modifiedDate ge '2026/01/01')"},
		{"FileExtensionWhiteList", "libraryType eq 1"},
		{"ServiceStatus", "serviceType eq 0 and serviceState eq 2 and serverNodeConfiguration.id eq " + id},
		{"UserDirectory", "settings.value eq 'x'"},
		{"SystemRule", "resourceFilter so 'App' or category eq 'license'"},
		{"SchemaEvent", "reloadTask.app.id eq '" + id + "'"},
		{"ReloadTask", "operational.lastExecutionResult.status eq FinishedFail"},
		{"Task", "app.name eq 'x' and taskType eq Reload and customProperties.value eq 'v'"},
		{"ServerNodeConfiguration", "(isCentral eq false) and (engineEnabled eq true)"},
	} {
		n, err := Parse(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if _, err := Resolve(n, s, s.Type(tt.typ)); err != nil {
			t.Errorf("%s of %s: %v", tt.text, tt.typ, err)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	s := loadSchema(t)
	for _, tt := range []struct{ typ, text, reason string }{
		{"App", "nonsense eq 1", `App has no property "nonsense"`},
		{"App", "stream.nonsense eq 1", `Stream has no property "nonsense"`},
		{"App", "name.x eq 1", `"name" has no properties`},
		{"App", "privileges eq 1", `no property`},
		{"App", "name gt 'a'", "cannot be compared by gt"},
		{"App", "published so 'a'", "cannot be compared by so"},
		{"App", "id eq 'x'", "no value for id"},
		{"App", "published eq 2", "no value for published"},
		{"App", "fileSize eq 0x1p3", "no value for fileSize"},
		{"App", "fileSize eq inf", "no value for fileSize"},
		{"App", "publishTime gt null", "cannot be compared with null by gt"},
		{"App", "customProperties eq 'x'", "only be compared with null"},
		{"App", "availabilityStatus eq Nonsense", "no value for availabilityStatus"},
		{"Tag", "@Department eq 'x'", `no property "@Department"`},
		{"DataConnection", "password eq 'x'", "cannot be compared"},
		{"App", "customProperties.modifiedDate ge '2026-01-01'", "no property"},
	} {
		n, err := Parse(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		p, err := Resolve(n, s, s.Type(tt.typ))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Reason, tt.reason) || p != nil {
			t.Errorf("%s: %v, want %q", tt.text, err, tt.reason)
		}
	}
}

func TestMatches(t *testing.T) {
	s := loadSchema(t)
	entities := map[string]map[string]any{
		"t1": {"id": "t1", "name": "Alpha"},
		"t2": {"id": "t2", "name": "beta"},
		"d1": {"id": "d1", "name": "Dept"},
		"s1": {"id": "s1", "name": "Everyone"},
	}
	ref := func(id string) map[string]any { return map[string]any{"id": id} }
	app := map[string]any{
		"name": "Straße 50%_a", "published": true, "fileSize": json.Number("9007199254740993"), "publishTime": schema.NullDate,
		"createdDate": "2026-05-01T00:00:00.000Z", "availabilityStatus": json.Number("4"),
		"tags": []any{ref("t1"), ref("t2")}, "customProperties": []any{map[string]any{"value": "HR", "definition": ref("d1")}},
		"stream": ref("s1"),
	}
	for _, tt := range []struct {
		text string
		want bool
	}{
		{"name eq 'STRASSE 50%_A'", false},
		{"name eq 'STRAßE 50%_A'", true},
		{"name so '0%_'", true},
		{"name so '0__'", false},
		{"name sw 'str' and name ew '_A'", true},
		{"description ne 'x'", true},
		{"description eq null", true},
		{"description sw ''", false},
		{"name ne null", true},
		{"fileSize eq 9007199254740993", true},
		{"fileSize eq 9007199254740992", false},
		{"fileSize gt 1.5", true},
		{"publishTime eq null", true},
		{"publishTime ne null", false},
		{"publishTime le '2026-01-01'", true},
		{"createdDate ge '2026/05/01'", true},
		{"createdDate gt '2026/05/01'", false},
		{"availabilityStatus eq NotSynced", true},
		{"availabilityStatus lt 4", false},
		{"tags.name eq 'ALPHA' and tags.name eq 'beta'", true},
		{"tags.name ne 'alpha'", true},
		{"tags.name eq null", false},
		{"stream.name eq 'everyone'", true},
		{"stream eq null", false},
		{"owner.name ne 'x'", true},
		{"owner.name eq 'x'", false},
		{"owner eq null", true},
		{"customProperties.value eq 'hr' and customProperties.definition.name eq 'dept'", true},
		{"@dept eq 'hr'", true},
		{"@dept ne 'hr'", false},
		{"@other ne 'hr'", false},
		{"published eq false or published eq TRUE", true},
	} {
		n, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Resolve(n, s, s.Type("App"))
		if err != nil {
			t.Fatalf("%s: %v", tt.text, err)
		}
		if got := p.Matches(app, func(id string) map[string]any { return entities[id] }); got != tt.want {
			t.Errorf("%s: got %v", tt.text, got)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	const query = "a = ? AND b = '?' AND c LIKE ? ESCAPE '\\'"
	if got := SQLite().Placeholders(query); got != query {
		t.Errorf("SQLite: %s", got)
	}
	if got, want := Postgres().Placeholders(query), "a = $1 AND b = '?' AND c LIKE $2 ESCAPE '\\'"; got != want {
		t.Errorf("PostgreSQL: %s", got)
	}
}
