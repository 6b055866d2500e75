package ldap_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/directory"
	"github.com/cognate-bi/cognate/services/directory/ldap"
	"github.com/cognate-bi/cognate/services/directory/ldap/ldaptest"
)

const top = `dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

`

// people is a directory with all ways to be in a group: ann by name of her
// entry, bob by groups in groups that form a circle, eve by her account name,
// and names that filters and distinguished names have a meaning for.
var people = top + `dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=others,dc=example,dc=com
objectClass: organizationalUnit
ou: others

dn: uid=ann,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: A
displayName: Ann Able
mail: ann@example.com
mail: a.able@example.com
jpegPhoto:: ` + base64.StdEncoding.EncodeToString([]byte{0xff, 0xd8, 0, 1}) + `
departmentNumber: 7
userPassword: secret

dn: uid=ANN,ou=others,dc=example,dc=com
objectClass: inetOrgPerson
uid: ANN
cn: Another Ann
sn: A

dn: uid=bob,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: B

dn: uid=eve*(x),ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: eve*(x)
cn:: ` + base64.StdEncoding.EncodeToString([]byte("Ève")) + `
sn: E

dn: uid=dom\5Cdan,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: dom\dan
cn: Dan
sn: D

dn: cn=inner,dc=example,dc=com
objectClass: groupOfUniqueNames
cn: inner
uniqueMember: UID=bob, OU=people,DC=example,DC=com
uniqueMember: cn=outer,dc=example,dc=com

dn: cn=outer,dc=example,dc=com
objectClass: groupOfNames
cn: outer
member: cn=inner,dc=example,dc=com

dn: cn=posix,dc=example,dc=com
objectClass: posixGroup
cn: posix
gidNumber: 1
memberUid: eve*(x)
memberUid: nobody
`

// startPeople runs a server with the people. Groups that are added to a running
// one are known from both sides.
func startPeople(t *testing.T) *ldaptest.Server {
	t.Helper()
	s := ldaptest.Start(t, people)
	s.Add(t, `cn=Sales\, EMEA,dc=example,dc=com`, map[string][]string{
		"objectClass": {"groupOfNames"}, "cn": {"Sales, EMEA"}, "member": {"uid=ann,ou=people,dc=example,dc=com", "uid=gone,ou=people,dc=example,dc=com"},
	})
	s.Add(t, "cn=everyone,ou=others,dc=example,dc=com", map[string][]string{
		"objectClass": {"groupOfNames"}, "cn": {"everyone"}, "member": {"cn=posix,dc=example,dc=com", `cn=Sales\, EMEA,dc=example,dc=com`},
	})
	return s
}

// generic is the type of most tests.
const generic = "Repository.UserDirectoryConnectors.LDAP.GenericLDAP"

// settings of a server, with others over them.
func settings(s *ldaptest.Server, more map[string]string) map[string]string {
	all := map[string]string{
		"User directory name": "EXAMPLE", "path": s.URL, "User name": ldaptest.Admin, "Password": ldaptest.Password, "Base DN": ldaptest.Base, "Account name": "uid", "Display name": "displayName",
	}
	maps.Copy(all, more)
	return all
}

func kind(t testing.TB, id string) *directory.Type {
	t.Helper()
	for _, k := range ldap.Types() {
		if k.ID == id {
			return k
		}
	}
	t.Fatalf("no type %s", id)
	return nil
}

func values(k *directory.Type, by map[string]string) directory.Values {
	return k.Values(func(set func(name, value string)) {
		for name, value := range by {
			set(name, value)
		}
	})
}

// ask reads a directory.
func ask(t testing.TB, by map[string]string, ids []string) (*directory.People, error) {
	t.Helper()
	k := kind(t, generic)
	return k.Read(t.Context(), values(k, by), directory.Query{IDs: ids})
}

// told is what a directory has told, a line per person.
func told(p *directory.People) []string {
	lines := []string{}
	for i := range p.List {
		lines = append(lines, line(&p.List[i]))
	}
	slices.Sort(lines)
	return lines
}

func line(p *directory.Person) string {
	var all []string
	for _, a := range p.Attributes {
		all = append(all, a.Type+"="+a.Value)
	}
	slices.Sort(all)
	return p.ID + " (" + p.Name + ") " + strings.Join(all, " ")
}

func TestRead(t *testing.T) {
	s := startPeople(t)
	everybody := []string{
		"ann (Ann Able) email=a.able@example.com email=ann@example.com group=Sales, EMEA group=everyone",
		"bob (bob) group=inner group=outer",
		"eve*(x) (eve*(x)) group=everyone group=posix",
	}
	for why, tt := range map[string]struct {
		change map[string]string
		ids    []string
		want   []string
	}{
		"everybody":                 {nil, nil, everybody},
		"pages of two":              {map[string]string{"Page size": "2"}, nil, everybody},
		"those who are asked for":   {nil, []string{"ANN", "Bob", "eve*(x)", "nobody"}, everybody},
		"one whose name is special": {nil, []string{"EVE*(x)"}, everybody[2:]},
		"a name is no pattern":      {nil, []string{"b*"}, []string{}},
		"by members alone":          {map[string]string{"Group membership": ""}, nil, everybody},
		"by memberOf alone": {map[string]string{"Members of directory entry": ""}, nil, []string{
			"ann (Ann Able) email=a.able@example.com email=ann@example.com group=Sales, EMEA group=everyone", "bob (bob) ", "eve*(x) (eve*(x)) ",
		}},
		"no groups":              {map[string]string{"Group membership": "", "Group identification": ""}, []string{"bob"}, []string{"bob (bob) "}},
		"a filter":               {map[string]string{"LDAP Filter": "uid=a*"}, nil, everybody[:1]},
		"its other name":         {map[string]string{"Additional LDAP filter": "(|(uid=a*)(uid=b*))"}, nil, everybody[:2]},
		"a filter of groups":     {map[string]string{"Group filter": "(!(cn=everyone))"}, []string{"eve*(x)"}, []string{"eve*(x) (eve*(x)) group=posix"}},
		"a filter and memberOf":  {map[string]string{"Group filter": "(!(cn=Sales*))", "Email": ""}, nil, []string{"ann (Ann Able) group=everyone", "bob (bob) group=inner group=outer", "eve*(x) (eve*(x)) group=everyone group=posix"}},
		"base in the path":       {map[string]string{"path": s.URL + "/ou=people,dc=example,dc=com", "Base DN": ""}, []string{"eve*(x)"}, []string{"eve*(x) (eve*(x)) "}},
		"base of the server":     {map[string]string{"Base DN": ""}, nil, everybody},
		"binary and numbers":     {map[string]string{"Other attributes": "jpegPhoto, departmentNumber", "Email": "", "Group identification": "", "Group membership": ""}, []string{"ann"}, []string{"ann (Ann Able) departmentNumber=7"}},
		"TLS":                    {map[string]string{"path": s.SecureURL, "CA certificate": s.CA}, nil, everybody},
		"TLS that starts later":  {map[string]string{"Start TLS": "true", "CA certificate": s.CA}, nil, everybody},
		"people of another kind": {map[string]string{"User identification": "person,organizationalPerson"}, nil, everybody},
	} {
		t.Run(why, func(t *testing.T) {
			got, err := ask(t, settings(s, tt.change), tt.ids)
			if err != nil {
				t.Fatal(err)
			}
			if have := told(got); !slices.Equal(have, tt.want) {
				t.Errorf("got\n%q, want\n%q\nwarnings %q", have, tt.want, got.Warnings)
			}
			if got.Nobody {
				t.Error("the directory is said to have nobody")
			}
		})
	}
	t.Run("what is left out is told", func(t *testing.T) {
		got, err := ask(t, settings(s, map[string]string{"Other attributes": "jpegPhoto"}), nil)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(got.Warnings, "\n")
		for _, want := range []string{`has the account name "ANN", too`, `has a \`, `"jpegPhoto" of uid=ann`} {
			if !strings.Contains(all, want) {
				t.Errorf("the warnings do not say %s: %s", want, all)
			}
		}
		if got.LeftOut != 3 {
			t.Errorf("%d warnings: %s", got.LeftOut, all)
		}
	})
}

// Whoever is asked for alone is told as among all.
func TestFewAsAll(t *testing.T) {
	s := startPeople(t)
	for _, change := range []map[string]string{nil, {"Group membership": ""}, {"Members of directory entry": "member"}, {"Group filter": "(cn=*e*)"}} {
		all, err := ask(t, settings(s, change), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range all.List {
			one, err := ask(t, settings(s, change), []string{all.List[i].ID})
			if err != nil {
				t.Fatal(err)
			}
			if len(one.List) != 1 || line(&one.List[0]) != line(&all.List[i]) {
				t.Errorf("with %v alone %q, among all %q", change, told(one), line(&all.List[i]))
			}
		}
	}
}

func TestNobody(t *testing.T) {
	s := ldaptest.Start(t, top)
	for _, ids := range [][]string{nil, {"ann"}, {}} {
		got, err := ask(t, settings(s, nil), ids)
		if err != nil || !got.Nobody || len(got.List) != 0 {
			t.Errorf("asked for %q: %+v, %v", ids, got, err)
		}
	}
	s.Add(t, "uid=ann,"+ldaptest.Base, map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {"ann"}, "cn": {"Ann"}, "sn": {"A"}})
	for _, ids := range [][]string{{"bob"}, {}} {
		got, err := ask(t, settings(s, nil), ids)
		if err != nil || got.Nobody || len(got.List) != 0 {
			t.Errorf("asked for %q beside ann: %+v, %v", ids, got, err)
		}
	}
}

func TestReadErrors(t *testing.T) {
	many := people
	for i := range 30 {
		many += fmt.Sprintf("\ndn: uid=u%d,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: u%[1]d\ncn: u\nsn: u\n", i)
	}
	s := ldaptest.Start(t, many)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for why, tt := range map[string]struct {
		change map[string]string
		want   string
	}{
		"a wrong password":           {map[string]string{"Password": "wrong"}, "Invalid Credentials"},
		"a limit of the server":      {map[string]string{"User name": "uid=ann,ou=people,dc=example,dc=com", "Password": "secret", "Page size": "1000"}, "Size Limit Exceeded"},
		"nobody there":               {map[string]string{"path": "ldap://127.0.0.1:1"}, "connect to 127.0.0.1:1"},
		"no such base":               {map[string]string{"Base DN": "dc=elsewhere"}, "No Such Object"},
		"a certificate of strangers": {map[string]string{"path": s.SecureURL}, "certificate"},
		"that, later":                {map[string]string{"Start TLS": "true"}, "certificate"},
		"silence":                    {map[string]string{"path": "ldap://" + silent.Addr().String(), "Synchronization timeout in seconds": "1"}, directory.ErrTimeout.Error()},
	} {
		t.Run(why, func(t *testing.T) {
			got, err := ask(t, settings(s, tt.change), nil)
			if got != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v, %v, want %s", got, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), ldaptest.Password) {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
	t.Run("stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		k := kind(t, generic)
		if _, err := k.Read(ctx, values(k, settings(s, nil)), directory.Query{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// A server that says anything else than the protocol has it is no danger.
func TestStrangeServers(t *testing.T) {
	bind := []byte{0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, 0, 4, 0, 4, 0}
	for why, tt := range map[string]struct {
		say  func(net.Conn) error
		want string
	}{
		"hangs up":           {func(net.Conn) error { return nil }, ""},
		"nonsense":           {func(c net.Conn) error { _, err := c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")); return err }, ""},
		"hangs up amid":      {func(c net.Conn) error { _, err := c.Write(append(bind, 0x30, 50, 2, 1, 2, 0x64, 40)); return err }, ""},
		"an endless message": {endless(bind), "without an entry"},
	} {
		t.Run(why, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				_, _ = c.Read(make([]byte, 1000))
				_ = tt.say(c)
			}()
			begun := time.Now()
			got, err := ask(t, map[string]string{"User directory name": "X", "Path": "ldap://" + l.Addr().String(), "User name": "cn=x", "Password": "y", "Base DN": "dc=x", "Account name": "uid"}, nil)
			if err == nil || got != nil {
				t.Errorf("%+v, %v", got, err)
			}
			if time.Since(begun) > 20*time.Second {
				t.Errorf("it took %v", time.Since(begun))
			}
		})
	}
}

// endless says a message of two gigabytes.
func endless(first []byte) func(net.Conn) error {
	return func(c net.Conn) error {
		if _, err := c.Write(append(first, 0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 4, 0x84, 0x7f, 0xff, 0xff, 0xf0)); err != nil {
			return err
		}
		for block := make([]byte, 1<<20); ; {
			if _, err := c.Write(block); err != nil {
				return err
			}
		}
	}
}

func TestCheck(t *testing.T) {
	good := map[string]string{"User directory name": "EXAMPLE", "Path": "ldap://ldap.example.com"}
	for why, tt := range map[string]struct {
		id     string
		change map[string]string
		name   string
		want   string // in the error
	}{
		"good":              {"GenericLDAP", nil, "EXAMPLE", ""},
		"another port":      {"GenericLDAP", map[string]string{"Path": "LDAPS://ldap.example.com:1636"}, "EXAMPLE", ""},
		"no path":           {"GenericLDAP", map[string]string{"Path": " "}, "", "Path: is empty"},
		"no name":           {"GenericLDAP", map[string]string{"User directory name": ""}, "", "User directory name: is empty"},
		"a name with blank": {"GenericLDAP", map[string]string{"User directory name": "A B"}, "", "blanks"},
		"another scheme":    {"GenericLDAP", map[string]string{"Path": "http://x"}, "", "neither ldap nor ldaps"},
		"a password in it":  {"GenericLDAP", map[string]string{"Path": "ldap://u:p@x"}, "", "want ldap://"},
		"no password":       {"GenericLDAP", map[string]string{"User name": "cn=x"}, "", "Password: is empty"},
		"a bad filter":      {"GenericLDAP", map[string]string{"LDAP Filter": "(uid=a"}, "", "LDAP Filter"},
		"a bad attribute":   {"GenericLDAP", map[string]string{"Account name": "uid)(x=*"}, "", "no name of an attribute"},
		"passwords":         {"GenericLDAP", map[string]string{"Other attributes": "cn,USERPASSWORD"}, "", "not for rules"},
		"a bad base":        {"GenericLDAP", map[string]string{"Base DN": "nonsense"}, "", "Base DN"},
		"a bad time":        {"GenericLDAP", map[string]string{"Synchronization timeout in seconds": "-1"}, "", "from 1 to 3600"},
		"a bad page":        {"GenericLDAP", map[string]string{"Page size": "x"}, "", "Page size"},
		"an empty page":     {"GenericLDAP", map[string]string{"Page size": ""}, "EXAMPLE", ""},
		"no users":          {"GenericLDAP", map[string]string{"User identification": ""}, "", "User identification: is empty"},
		"TLS twice":         {"GenericLDAP", map[string]string{"Path": "ldaps://x", "Start TLS": "true"}, "", "Start TLS"},
		"a bad certificate": {"GenericLDAP", map[string]string{"CA certificate": "x"}, "", "CA certificate"},
		"AD by its base":    {"ActiveDirectory", map[string]string{"User directory name": "", "Path": "LDAP://10.0.0.1/OU=x,DC=corp,DC=example"}, "CORP", ""},
		"AD by its host":    {"ActiveDirectory", map[string]string{"User directory name": "", "Path": "ldap://corp.example.com"}, "CORP", ""},
		"AD by number":      {"ActiveDirectory", map[string]string{"User directory name": "", "Path": "ldap://10.0.0.1"}, "", "is empty"},
		"a host":            {"AdvancedLDAP", map[string]string{"Path": "", "Host": "ldap.example.com:636"}, "EXAMPLE", ""},
		"a host by path":    {"AdvancedLDAP", nil, "EXAMPLE", ""},
		"no host":           {"AdvancedLDAP", map[string]string{"Path": ""}, "", "Host: is empty"},
		"Apache":            {"ApacheDS", nil, "EXAMPLE", ""},
	} {
		t.Run(why, func(t *testing.T) {
			all := maps.Clone(good)
			maps.Copy(all, tt.change)
			if tt.change["Host"] != "" {
				delete(all, "Path")
			}
			k := kind(t, "Repository.UserDirectoryConnectors.LDAP."+tt.id)
			name, err := k.Check(values(k, all))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if name != tt.name {
				t.Errorf("the name is %q, want %q", name, tt.name)
			}
		})
	}
}
