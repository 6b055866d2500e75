package rules

import "strings"

// An Entity is what a condition reads: a user, a resource, a node.
//
// Names are passed in lower case, custom properties as "@name". What is not
// there is nil without an error: a missing attribute is a fact that rules may
// rely on. An error ends the decision with nothing granted.
//
// Type is the name as filters spell it ("App.Object"), always in the same
// case, ID the GUID; an entity that is not stored yet has none. A repository
// can fetch what RuleSet.Reads names together with the rows.
type Entity interface {
	Type() string
	ID() string
	// Attr returns the values of an attribute or custom property.
	Attr(name string) ([]Value, error)
	// Related returns the entities behind a relation or back reference.
	Related(name string) ([]Entity, error)
	// Back reports whether a name is a back reference: who is behind it may
	// change without this entity, see [Guard.ReferrersChanged].
	Back(name string) bool
}

// Attributes are values by name in lower case: of a session or of what surrounds it.
type Attributes map[string][]Value

const (
	typeUser      = "User"
	typeTransient = "TransientObject"
)

// A Section is a transient resource: a part of the console or of the hub, such
// as QmcSection_App. Filters see its name.
type Section string

var _ Entity = Section("")

// Type returns TransientObject.
func (s Section) Type() string { return typeTransient }

// ID returns the name; sections are not stored.
func (s Section) ID() string { return string(s) }

// Attr knows the name.
func (s Section) Attr(name string) ([]Value, error) {
	if name == "name" {
		return Texts(string(s)), nil
	}
	return nil, nil
}

// Related returns nothing.
func (s Section) Related(string) ([]Entity, error) { return nil, nil }

// Back reports false.
func (s Section) Back(string) bool { return false }

// A Request is who asks and from where: the same for all resources of a call.
type Request struct {
	User Entity // as stored; of type User
	// Session are attributes from a ticket, SAML, JWT or OIDC. They add to
	// those of User, but never to what decides who the user is, see reserved.
	Session     Attributes
	Environment Attributes // browser, context, device, ip, os, securerequest ...
	Context     Context
	Node        Entity // of load balancing rules
}

// reserved says which attributes a session cannot add to: an identity provider
// that sends "roles" must not make administrators.
func reserved(name string) bool {
	switch name {
	case "id", "userid", "userdirectory", "name", "roles", "resourcetype":
		return true
	}
	return strings.HasPrefix(name, "@")
}

// A Context is where a rule counts, or where a request comes from. A request
// of ContextBoth, as of service accounts, meets the rules of every context.
type Context int

// The contexts, with the numbers that stored rules have.
const (
	ContextBoth    Context = 0
	ContextHub     Context = 1
	ContextConsole Context = 2
)

func (c Context) fits(request Context) bool {
	return c == ContextBoth || request == ContextBoth || c == request
}

func (c Context) String() string {
	switch c {
	case ContextHub:
		return "hub"
	case ContextConsole:
		return "console"
	}
	return "hub and console"
}
