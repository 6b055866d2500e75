package ldap

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/cognate-bi/cognate/services/directory"
)

// groups is the graph of groups, by what they are in. Groups are numbered in the
// order in which they were heard of.
type groups struct {
	number map[string]int32 // by distinguished name
	list   []group
	links  int
}

// A group is one of a directory.
type group struct {
	dn, name string
	in       []int32
	known    bool // its entry was read
}

func newGroups() *groups { return &groups{number: map[string]int32{}} }

// of returns the number of the group with a distinguished name. As long as its
// entry was not read, it is called by the first part of that.
func (g *groups) of(dn string) (int32, error) {
	key := normal(dn)
	if n, ok := g.number[key]; ok {
		return n, nil
	}
	if len(g.list) >= directory.GroupsMax {
		return 0, fmt.Errorf("%d groups: %w", directory.GroupsMax, directory.ErrTooMany)
	}
	n := int32(len(g.list))
	g.number[key] = n
	g.list = append(g.list, group{dn: dn, name: firstName(dn)})
	return n, nil
}

// link notes a membership.
func (g *groups) link() error {
	if g.links++; g.links > directory.MembersMax {
		return fmt.Errorf("%d members of groups: %w", directory.MembersMax, directory.ErrTooMany)
	}
	return nil
}

// around calls f once with each group that the given ones are in, and with
// themselves, in whatever depth and circles.
func (g *groups) around(start []int32, f func(*group)) {
	seen := make(map[int32]bool, len(start))
	queue := start
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		if seen[n] {
			continue
		}
		seen[n] = true
		f(&g.list[n])
		queue = append(queue[:len(queue):len(queue)], g.list[n].in...)
	}
}

// memberships finds the groups of people: of few by asking for theirs, level by
// level; of many by reading all groups.
func (r *reader) memberships(ctx context.Context, few bool) error {
	if r.config.groups != "" {
		read := r.allGroups
		if few {
			read = r.groupsOf
		}
		if err := read(ctx); err != nil {
			return err
		}
	}
	for person, direct := range r.direct {
		r.groups.around(direct, func(g *group) {
			if g.known || !r.config.chosen { // of those that cannot be read nobody knows whether they are among the chosen ones
				r.Give(person, directory.Attribute{Type: directory.Group, Value: g.name, Source: g.dn})
			}
		})
	}
	return nil
}

// groupAttributes are those of groups that are read, beside their members.
func (r *reader) groupAttributes() []string {
	if r.config.memberOf == "" {
		return []string{r.config.groupName}
	}
	return []string{r.config.groupName, r.config.memberOf}
}

// allGroups reads all groups, and then their members: once it is known which of
// those are groups, the others need not be kept.
func (r *reader) allGroups(ctx context.Context) error {
	err := r.search(ctx, r.config.groups, r.groupAttributes(), 0, func(e *ldap.Entry) error {
		_, err := r.group(e)
		return err
	})
	if err != nil {
		return err
	}
	for lo := 0; lo < len(r.groups.list); lo++ { // grows
		if err := r.entryOf(ctx, lo); err != nil {
			return err
		}
	}
	if len(r.config.members) == 0 {
		return nil
	}
	return r.search(ctx, r.config.groups, r.config.members, 0, func(e *ldap.Entry) error {
		n, err := r.groups.of(e.DN)
		if err != nil {
			return err
		}
		return r.takeMembers(e, n)
	})
}

// group takes the entry of a group over, and what it is in itself.
func (r *reader) group(e *ldap.Entry) (int32, error) {
	n, err := r.groups.of(e.DN)
	if err != nil {
		return 0, err
	}
	r.groups.list[n].known = true
	if name := e.GetEqualFoldAttributeValue(r.config.groupName); name != "" {
		r.groups.list[n].name = name
	}
	if r.config.memberOf == "" {
		return n, nil
	}
	in, err := attributesOf(e, r.config.memberOf)
	if err != nil {
		return 0, err
	}
	for _, dn := range in {
		parent, err := r.groups.of(dn)
		if err == nil {
			err = r.groups.link()
		}
		if err != nil {
			return 0, err
		}
		r.groups.list[n].in = append(r.groups.list[n].in, parent)
	}
	return n, nil
}

// byAccount reports whether an attribute names members by account names.
func byAccount(attribute string) bool { return strings.EqualFold(attribute, "memberUid") }

// groupsOf asks for the groups of the people that were read, then for the groups
// that those are in, until nothing new comes.
func (r *reader) groupsOf(ctx context.Context) error {
	if err := r.groupsWith(ctx, r.peopleFilter()); err != nil {
		return err
	}
	for lo := 0; lo < len(r.groups.list); {
		hi := min(lo+batch, len(r.groups.list))
		for n := lo; n < hi; n++ {
			if err := r.entryOf(ctx, n); err != nil {
				return err
			}
		}
		if err := r.groupsWith(ctx, r.parentsFilter(lo, hi)); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

// groupsWith reads the groups of a filter, "" is none.
func (r *reader) groupsWith(ctx context.Context, filter string) error {
	if filter == "" {
		return nil
	}
	attributes := append(r.groupAttributes(), r.config.members...)
	return r.search(ctx, "(&"+r.config.groups+filter+")", attributes, 0, func(e *ldap.Entry) error {
		n, err := r.group(e)
		if err != nil {
			return err
		}
		return r.takeMembers(e, n)
	})
}

// takeMembers notes which of the people and groups that are known are in a
// group.
func (r *reader) takeMembers(e *ldap.Entry, n int32) error {
	for _, attribute := range r.config.members {
		list, err := attributesOf(e, attribute)
		if err != nil {
			return err
		}
		for _, member := range list {
			if err := r.takeMember(attribute, member, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) takeMember(attribute, member string, n int32) error {
	var (
		person   int
		isPerson bool
		key      string
	)
	if byAccount(attribute) {
		person, isPerson = r.Find(member)
	} else {
		key = normal(member)
		person, isPerson = r.persons[key]
	}
	if isPerson {
		r.direct[person] = append(r.direct[person], n)
		return r.groups.link()
	}
	if child, isGroup := r.groups.number[key]; isGroup {
		r.groups.list[child].in = append(r.groups.list[child].in, n)
		return r.groups.link()
	}
	return nil
}

// peopleFilter finds the groups that the people are in.
func (r *reader) peopleFilter() string {
	var parts []string
	for _, attribute := range r.config.members {
		var values []string
		for i := range r.List {
			if byAccount(attribute) {
				values = append(values, r.List[i].ID)
			} else {
				values = append(values, r.List[i].Source)
			}
		}
		parts = append(parts, anyOf([]string{attribute}, values))
	}
	return either(parts)
}

// parentsFilter finds the groups that groups are in.
func (r *reader) parentsFilter(lo, hi int) string {
	var parts []string
	for _, attribute := range r.config.members {
		if byAccount(attribute) {
			continue
		}
		var values []string
		for _, g := range r.groups.list[lo:hi] {
			values = append(values, g.dn)
		}
		parts = append(parts, anyOf([]string{attribute}, values))
	}
	return either(parts)
}

func either(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return "(|" + strings.Join(parts, "") + ")"
}

// entryOf reads the entry of a group that somebody has named only, for its name
// and what it is in. What may not be read stays as it is.
func (r *reader) entryOf(ctx context.Context, n int) error {
	if r.groups.list[n].known {
		return nil
	}
	dn := r.groups.list[n].dn
	request := ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, int(r.config.timeout.Seconds()), false, r.config.groups, r.groupAttributes(), nil)
	_, err := r.page(ctx, request, func(e *ldap.Entry) error {
		_, err := r.group(e)
		return err
	})
	if err != nil && !ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultReferral) {
		return fmt.Errorf("group %s: %w", dn, plain(err))
	}
	return nil
}

// normal is a distinguished name as it is compared.
func normal(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return strings.ToLower(dn)
	}
	return strings.ToLower(parsed.String())
}

// firstName is the value in front of a distinguished name, as servers name
// groups.
func firstName(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 || len(parsed.RDNs[0].Attributes) == 0 {
		return ""
	}
	return parsed.RDNs[0].Attributes[0].Value
}
