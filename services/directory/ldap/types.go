// Package ldap reads people and their groups from LDAP directories.
//
// Who is read is chosen by object classes and a filter below a base. Groups are
// found from both sides: people and groups name the groups that they are in
// (memberOf), and groups name their members, by distinguished names or by
// account names (memberUid). Groups in groups count, in any depth, and may form
// circles.
//
// A server is believed what it says of people, and nothing else: entries, values
// and time are bounded, referrals to other servers are not followed.
package ldap

import "github.com/cognate-bi/cognate/services/directory"

// Names of settings.
const (
	path        = "Path"
	host        = "Host"
	useSSL      = "Use SSL"
	userName    = "User name"
	password    = "Password"
	base        = "Base DN"
	startTLS    = "Start TLS"
	authority   = "CA certificate"
	userFilter  = "LDAP Filter"
	groupFilter = "Group filter"
	pageSize    = "Page size"
	class       = "Type"
	userClass   = "User identification"
	groupClass  = "Group identification"
	account     = "Account name"
	email       = "Email"
	display     = "Display name"
	memberOf    = "Group membership"
	members     = "Members of directory entry"
	groupName   = "Group name"
	others      = "Other attributes"
)

// Categories of settings.
const (
	connection = "Connection"
	entry      = "Directory entry attributes"
	advanced   = "Advanced"
)

const (
	prefix          = "Repository.UserDirectoryConnectors.LDAP."
	activeDirectory = prefix + "ActiveDirectory"
)

// defaults are those of the attributes of a kind of server.
type defaults struct {
	users, groups, account, display, memberOf, members string
}

// Types returns the kinds of LDAP directories.
func Types() []*directory.Type {
	generic := defaults{
		users: "inetOrgPerson", groups: "group,groupOfNames,groupOfUniqueNames,posixGroup", account: "sAMAccountName", display: "name",
		memberOf: "memberOf", members: "member,uniqueMember,memberUid",
	}
	// Groups of Active Directory give 1500 members at a time: there people say
	// which groups they are in.
	active := defaults{users: "user", groups: "group", account: "sAMAccountName", display: "displayName", memberOf: "memberOf"}
	apache := defaults{users: "inetOrgPerson", groups: "groupOfUniqueNames,groupOfNames", account: "uid", display: "cn", members: "uniqueMember,member"}
	at := directory.Setting{Name: path, Category: connection, Leads: true, Example: "ldap://company.domain.com"}
	return []*directory.Type{
		newType(prefix+"GenericLDAP", "Generic LDAP", generic, at),
		newType(prefix+"AdvancedLDAP", "Advanced LDAP", generic,
			directory.Setting{Name: host, Also: []string{path}, Category: connection, Leads: true, Example: "company.domain.com:389"},
			directory.Setting{Name: useSSL, Category: connection, Kind: directory.Truth, Leads: true, Default: "false"}),
		newType(activeDirectory, "Active Directory", active, at),
		newType(prefix+"ApacheDS", "ApacheDS", apache, at),
	}
}

func newType(id, name string, d defaults, where ...directory.Setting) *directory.Type {
	t := &directory.Type{ID: id, Name: name}
	t.Settings = append([]directory.Setting{{Name: directory.DirectoryName, Category: connection}}, where...)
	t.Settings = append(t.Settings,
		directory.Setting{Name: userName, Category: connection},
		directory.Setting{Name: password, Category: connection, Secret: true},
		directory.Setting{Name: base, Category: connection, Example: "dc=company,dc=domain,dc=com"},
		directory.Setting{Name: startTLS, Category: connection, Kind: directory.Truth, Leads: true, Default: "false"},
		directory.Setting{Name: authority, Category: connection, Kind: directory.LargeText, Leads: true},
		directory.Setting{Name: userFilter, Also: []string{"Additional LDAP filter"}, Category: advanced},
		directory.Setting{Name: groupFilter, Category: advanced},
		directory.Setting{Name: directory.Timeout, Also: []string{"Timeout", "Timeout (seconds)", "Synchronization timeout (seconds)"}, Category: advanced, Kind: directory.Whole, Default: "240"},
		directory.Setting{Name: pageSize, Also: []string{"Page size for search", "Page size of search"}, Category: advanced, Kind: directory.Whole, Default: "2000"},
		directory.Setting{Name: class, Category: entry, Default: "objectClass"},
		directory.Setting{Name: userClass, Category: entry, Default: d.users},
		directory.Setting{Name: groupClass, Category: entry, Default: d.groups},
		directory.Setting{Name: account, Category: entry, Default: d.account},
		directory.Setting{Name: email, Category: entry, Default: "mail"},
		directory.Setting{Name: display, Category: entry, Default: d.display},
		directory.Setting{Name: memberOf, Category: entry, Default: d.memberOf},
		directory.Setting{Name: members, Category: entry, Default: d.members},
		directory.Setting{Name: groupName, Category: entry, Default: "cn"},
		directory.Setting{Name: others, Category: entry},
	)
	t.Check = func(v directory.Values) (string, error) {
		c, err := read(v)
		if err != nil {
			return "", err
		}
		return c.name, nil
	}
	t.Read = readPeople
	return t
}
