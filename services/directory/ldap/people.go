package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/cognate-bi/cognate/services/directory"
)

// batch is how many names one filter asks for.
const batch = 50

// fewMax is up to how many people are asked for by their names; of more,
// everybody is read, and those are taken.
const fewMax = 1000

// readPeople reads people with their groups.
func readPeople(ctx context.Context, v directory.Values, q directory.Query) (*directory.People, error) {
	c, err := read(v)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeoutCause(ctx, c.timeout, directory.ErrTimeout)
	defer cancel()
	people, err := c.readPeople(within, q)
	if err != nil && within.Err() != nil {
		return nil, fmt.Errorf("%s: %w", c.address, context.Cause(within))
	}
	return people, err
}

func (c *config) readPeople(ctx context.Context, q directory.Query) (*directory.People, error) {
	cl, done, err := dial(ctx, c)
	if err != nil {
		return nil, err
	}
	defer done()
	if err := cl.findBase(); err != nil {
		return nil, err
	}
	r := &reader{client: cl, persons: map[string]int{}, groups: newGroups()}
	if err := r.people(ctx, q); err != nil {
		return nil, err
	}
	if len(r.List) == 0 {
		r.Nobody = !r.anybody
		if !q.All() && !r.anybody {
			if r.Nobody, err = r.isEmpty(ctx); err != nil {
				return nil, err
			}
		}
		return &r.People, nil
	}
	if err := r.memberships(ctx, len(r.List) <= batch && !q.All()); err != nil {
		return nil, err
	}
	return &r.People, nil
}

// A reader is one reading of a directory.
type reader struct {
	*client
	directory.Collector
	persons map[string]int // index by distinguished name
	direct  [][]int32      // by person: the groups it is in itself
	groups  *groups
	anybody bool            // an entry of a person was seen, wanted or not
	wanted  map[string]bool // by account name in lower case; nil = everybody
}

// people reads the entries of people.
func (r *reader) people(ctx context.Context, q directory.Query) error {
	attributes := append([]string{r.config.account}, r.config.attributes...)
	for _, a := range []string{r.config.display, r.config.email, r.config.memberOf} {
		if a != "" {
			attributes = append(attributes, a)
		}
	}
	if q.All() {
		return r.search(ctx, r.config.users, attributes, 0, r.person)
	}
	r.wanted = make(map[string]bool, len(q.IDs))
	for _, id := range q.IDs {
		r.wanted[strings.ToLower(id)] = true
	}
	if len(q.IDs) > fewMax {
		return r.search(ctx, r.config.users, attributes, 0, r.person)
	}
	for lo := 0; lo < len(q.IDs); lo += batch {
		filter := "(&" + r.config.users + anyOf([]string{r.config.account}, q.IDs[lo:min(lo+batch, len(q.IDs))]) + ")"
		if err := r.search(ctx, filter, attributes, 0, r.person); err != nil {
			return err
		}
	}
	return nil
}

// anyOf is a filter for entries that have one of the values in one of the
// attributes.
func anyOf(attributes, values []string) string {
	var b strings.Builder
	b.WriteString("(|")
	for _, a := range attributes {
		for _, v := range values {
			b.WriteString("(" + a + "=" + ldap.EscapeFilter(v) + ")")
		}
	}
	b.WriteString(")")
	return b.String()
}

// person takes the entry of a person over.
func (r *reader) person(e *ldap.Entry) error {
	r.anybody = true
	id := strings.TrimSpace(e.GetEqualFoldAttributeValue(r.config.account))
	if r.wanted != nil && !r.wanted[strings.ToLower(id)] { // servers compare in ways of their own
		return nil
	}
	p := directory.Person{ID: id, Source: e.DN, Name: e.GetEqualFoldAttributeValue(r.config.display)}
	for _, a := range append([]string{r.config.email}, r.config.attributes...) {
		if a == "" {
			continue
		}
		values, err := attributesOf(e, a)
		if err != nil {
			return err
		}
		name := a
		if a == r.config.email {
			name = "email"
		}
		for _, v := range values {
			p.Attributes = append(p.Attributes, directory.Attribute{Type: name, Value: v, Source: e.DN})
		}
	}
	added, err := r.Add(p)
	if err != nil || !added {
		return err
	}
	r.persons[normal(e.DN)] = len(r.List) - 1
	r.direct = append(r.direct, nil)
	if r.config.memberOf == "" {
		return nil
	}
	in, err := attributesOf(e, r.config.memberOf)
	if err != nil {
		return err
	}
	for _, dn := range in {
		g, err := r.groups.of(dn)
		if err != nil {
			return err
		}
		r.direct[len(r.direct)-1] = append(r.direct[len(r.direct)-1], g)
	}
	return nil
}

// isEmpty reports whether the directory has no person.
func (r *reader) isEmpty(ctx context.Context) (bool, error) {
	found := errors.New("one is enough")
	err := r.search(ctx, r.config.users, []string{r.config.account}, 1, func(*ldap.Entry) error { return found })
	if errors.Is(err, found) {
		return false, nil
	}
	return true, err
}
