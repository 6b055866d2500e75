package session

import "strings"

// A User is who a session belongs to, as the login said.
type User struct {
	Directory  string
	ID         string
	Name       string      // to show; may be empty
	Attributes []Attribute // groups and others, in the order of the login; names may repeat
	Entity     string      // id in the repository; "" = not known
}

// An Attribute is one fact about a user that rules and section access can see.
type Attribute struct{ Name, Value string }

// AnonymousDirectory is the directory of people who did not say who they are.
const AnonymousDirectory = "NONE"

// Anonymous reports whether nobody vouches for the user.
func (u User) Anonymous() bool { return strings.EqualFold(u.Directory, AnonymousDirectory) }

// Is reports whether the user has this directory and id. Case does not matter,
// as in the repository.
func (u User) Is(directory, id string) bool {
	return strings.EqualFold(u.Directory, directory) && strings.EqualFold(u.ID, id)
}
