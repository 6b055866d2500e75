package rules

import (
	"strings"
	"testing"
)

func TestDefaultsAreSound(t *testing.T) {
	stored := Defaults()
	compileOK(t, stored...)
	seen := map[string]bool{}
	security := 0
	for _, r := range stored {
		if seen[r.ID] || seen[r.Name] {
			t.Errorf("%s is there twice", r.Name)
		}
		seen[r.ID], seen[r.Name] = true, true
		if r.Category == Security {
			security++
		}
	}
	if security != 76 {
		t.Errorf("%d default security rules: say so where they are counted", security)
	}
	if got := seedID("Owner"); got != stored[2].SeedID || len(got) != 36 {
		t.Errorf("the seed id of Owner is %s", got)
	}
}

// adminRights is the public table of rights by role: Audit, Content,
// Deployment, Hub, Security. What is in no cell of a row has no meaning there
// and is not compared. Two cells differ from it, because the text of the rule
// AuditAdmin is known better: it may read a ContentCacheControl, and nothing
// but read apps.
const adminRights = `
Stream                   R CRUDPO - - CRUDPO
App                      R CRUDEPAO RUA - CRUDEPAO
App.Object               R CRUDPO R - CRUDPO
DataConnection           R CRUDO - - CRUDO
Extension                R CRUDO R - R
ContentLibrary           R CRUDO R - CRUDO
ContentCacheControl      R R - - R
UserDirectory            R CRUD CRUD - CRUD
ServerNodeConfiguration  R - CRUD - R
EngineService            R - CRUD - -
ProxyService             R - CRUD - CRUD
VirtualProxyConfig       R - CRUD - CRUD
RepositoryService        R - CRUD - -
SchedulerService         R - CRUD - -
ReloadTask               R CRUD CRUD CRU -
SchemaEvent              R CRUD CRUD CRU -
UserSyncTask             R CRUD CRUD - CRUD
CompositeEvent           R CRUD CRUD - -
User                     R CRUD CRUD - CRUD
SystemRule               R CRUD CRUD - CRUD
CustomPropertyDefinition R CRUD CRUD - CRUD
Tag                      R CRUD CRUD - CRUD
License                  R R CRUD - R
TermsAcceptance          R R CRUD - R
FileExtension            R CRD - - CRD
FileExtensionWhiteList   R RU - - RU
AnalyticConnection       R CRUD R - CRUD
ServiceStatus            R - CRUD - R
ServiceCluster           R - CRUD - -`

var rightLetters = map[rune]Action{'C': Create, 'R': Read, 'U': Update, 'D': Delete, 'P': Publish, 'O': ChangeOwner, 'E': Export, 'A': Approve, '-': None}

func rightsOf(cell string) (a Action) {
	for _, letter := range cell {
		a |= rightLetters[letter]
	}
	return a
}

func TestAdminRights(t *testing.T) {
	s := compileOK(t, Defaults()...)
	for _, line := range strings.Split(strings.TrimSpace(adminRights), "\n") {
		cells := strings.Fields(line)
		meaningful := rightsOf(strings.Join(cells[1:], ""))
		for i, name := range []string{AuditAdmin, ContentAdmin, DeploymentAdmin, HubAdmin, SecurityAdmin} {
			user, context := newUser("ann", name), ContextConsole
			app := newThing("App", "a1")
			if name == HubAdmin {
				context, app = ContextHub, newThing("App", "a1", "owner", user) // his own app
			}
			e := newThing(cells[0], "x", "app", app, "reloadtask", newThing("ReloadTask", "t", "app", app))
			switch {
			case cells[0] == "App.Object":
				e.put("published", "true")
				e.put("app", newThing("App", "a1", "stream", newThing("Stream", "s1")))
			case cells[0] == "SystemRule" && name == ContentAdmin:
				e.put("category", "Security")
				e.put("resourcefilter", "Stream_"+EveryoneStreamID)
			case cells[0] == "SystemRule":
				e.put("category", "License")
			}
			everyone := allowed(t, s, Request{User: newUser("bob"), Context: context}, e, meaningful)
			got := allowed(t, s, Request{User: user, Context: context}, e, meaningful)
			if want := rightsOf(cells[i+1]) | everyone; got != want {
				t.Errorf("%s on %s: %s, want %s", name, cells[0], got, want)
			}
		}
	}
}

func TestContextsOfAdmins(t *testing.T) {
	s := compileOK(t, Defaults()...)
	published := newThing("App", "p", "stream", newThing("Stream", EveryoneStreamID))
	private := newThing("App", "q", "owner", newUser("bob"))
	for _, tt := range []struct {
		role    string
		context Context
		app     *thing
		want    Action
	}{
		{ContentAdmin, ContextConsole, private, Read | Update},
		{ContentAdmin, ContextHub, private, None},
		{ContentAdmin, ContextHub, published, Read},
		{RootAdmin, ContextConsole, private, Read | Update},
		{RootAdmin, ContextHub, private, None},
		{"", ContextHub, published, Read},
		{"", ContextConsole, private, None},
	} {
		if got := allowed(t, s, Request{User: newUser("ann", tt.role), Context: tt.context}, tt.app, Read|Update); got != tt.want {
			t.Errorf("%s in the %s on %s: %s, want %s", tt.role, tt.context, tt.app.id, got, tt.want)
		}
	}
}

func TestOwners(t *testing.T) {
	s := compileOK(t, Defaults()...)
	ann := newUser("ann")
	request := Request{User: ann, Context: ContextHub}
	published := newThing("App", "p", "owner", ann, "stream", newThing("Stream", "s1"))
	for _, tt := range []struct {
		e    *thing
		want Action
		why  string
	}{
		{newThing("App", "a", "owner", ann), Create | Read | Update | Delete, "his own; CreateApp lets him create"},
		{published, Create | Read, "published: neither changed nor deleted"},
		{newThing("App.Object", "o", "owner", ann, "published", "true", "app", published), Read, "nobody updates base objects in place"},
		{newThing("App.Object", "o", "owner", ann, "published", "false", "objecttype", "sheet", "app", published), Create | Read | Update | Delete, "private objects are his"},
		{newThing("Stream", "s", "owner", ann), Read | Update | Delete, "an owner-to-be cannot create streams"},
	} {
		if got := allowed(t, s, request, tt.e, crud); got != tt.want {
			t.Errorf("%s %s: %s, want %s: %s", tt.e.typeName, tt.e.id, got, tt.want, tt.why)
		}
	}
}
