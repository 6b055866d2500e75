package rules

import (
	"strings"
	"testing"
)

func TestFilterMatches(t *testing.T) {
	const guid = "aaec8d41-5201-43ab-809f-3063750dfafd"
	for _, tt := range []struct {
		filter, typeName, id string
		want                 bool
		why                  string
	}{
		{"*", "Stream", "1", true, "everything"},
		{"App*", "App", "1", true, "a stem fits the type itself"},
		{"App*", "App.Object", "1", true, "and what begins with it"},
		{"App*", "Stream", "1", false, ""},
		{"app_*", "App", "1", true, "case does not matter"},
		{"App_*", "App.Object", "1", false, "exactly apps"},
		{"App", "App", "1", true, "a bare type is the whole type"},
		{"App", "AppContentQuota", "1", false, ""},
		{"Stream_" + guid, "Stream", strings.ToUpper(guid), true, "ids compare without case"},
		{"Stream_" + guid, "Stream", "2", false, ""},
		{"Stream_" + guid + ", Stream_2", "Stream", "2", true, "any item is enough; blanks are allowed"},
		{"QmcSection_App.Object", "QmcSection", "App.Object", true, "sections have names"},
		{"License.LoginAccessType_" + guid, "License.LoginAccessType", guid, true, "types have dots"},
		{"License_*", "License.LoginAccessType", guid, false, ""},
		{"App_*", "Appé", "1", false, ""},
	} {
		f, err := ParseFilter(tt.filter)
		if err != nil {
			t.Fatalf("%s: %v", tt.filter, err)
		}
		if got := f.Matches(tt.typeName, tt.id); got != tt.want {
			t.Errorf("%s on %s %s: %v: %s", tt.filter, tt.typeName, tt.id, got, tt.why)
		}
		again, err := ParseFilter(f.String())
		if err != nil || again.String() != f.String() {
			t.Errorf("%q comes back as %q, %v", f, again, err)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for _, s := range []string{
		"", " ", ",", "App,", "**", "*App", "A*p", "App_", "App_1*", "App Object", "_*", "App_a\nb", "1App", strings.Repeat("App,", 300) + "App",
	} {
		if f, err := ParseFilter(s); err == nil || f != nil {
			t.Errorf("%q: %v, %v", s, f, err)
		}
	}
}

func TestFilterCover(t *testing.T) {
	f, err := ParseFilter("*,App*,App_*,App_1")
	if err != nil {
		t.Fatal(err)
	}
	for typeName, want := range map[string]breadth{"App": oneID, "App.Object": typeStem, "Stream": anyType} {
		if got := f.cover(typeName); got.breadth != want {
			t.Errorf("%s: breadth %d, want %d", typeName, got.breadth, want)
		}
	}
}
