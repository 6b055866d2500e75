package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// search calls f with each entry below the base that fits a filter, page by
// page. most bounds the entries that the server looks for; 0 is all.
func (c *client) search(ctx context.Context, filter string, attributes []string, most int, f func(*ldap.Entry) error) error {
	paging := ldap.NewControlPaging(c.config.page)
	controls := []ldap.Control{paging}
	if most > 0 {
		controls = nil
	}
	for {
		request := ldap.NewSearchRequest(c.config.base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, most, int(c.config.timeout.Seconds()), false, filter, attributes, controls)
		got, err := c.page(ctx, request, f)
		if most > 0 && ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("search for %s below %q: %w", clipped(filter), c.config.base, plain(err))
		}
		next, _ := ldap.FindControl(got, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if next == nil || len(next.Cookie) == 0 {
			return nil
		}
		paging.SetCookie(next.Cookie)
	}
}

// page runs one search and returns the controls that the server ends it with.
func (c *client) page(ctx context.Context, request *ldap.SearchRequest, f func(*ldap.Entry) error) ([]ldap.Control, error) {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	found, ended := c.SearchAsync(within, request, 1), false
	for found.Next() {
		c.wire.reset()
		if e := found.Entry(); e != nil {
			if err := f(e); err != nil {
				return nil, err
			}
		}
		ended = found.Entry() == nil && found.Referral() == ""
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case found.Err() != nil:
		return nil, found.Err()
	case !ended && (c.IsClosing() || c.GetLastError() != nil): // a part is not all of it; an end without controls is not told
		return nil, errors.New("the connection ended in the middle of an answer")
	}
	return found.Controls(), nil
}

// findBase asks the server for its base, if the settings have none.
func (c *client) findBase() error {
	if c.config.base != "" {
		return nil
	}
	root, err := c.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, int(c.config.timeout.Seconds()), false, "(objectClass=*)",
		[]string{"defaultNamingContext", "namingContexts"}, nil))
	c.wire.reset()
	if err != nil {
		return fmt.Errorf("ask %s for its base: %w", c.config.address, plain(err))
	}
	for _, e := range root.Entries {
		contexts := e.GetEqualFoldAttributeValues("namingContexts")
		if c.config.base = e.GetEqualFoldAttributeValue("defaultNamingContext"); c.config.base == "" && len(contexts) == 1 {
			c.config.base = contexts[0]
		}
	}
	if c.config.base == "" {
		return fmt.Errorf("%s: is empty, and the server names no base, or several", base)
	}
	return nil
}

// attributesOf are the values of attributes of an entry. Some servers give a
// part of many values only, which is an error: who is in no group any more loses
// rights.
func attributesOf(e *ldap.Entry, names ...string) (values []string, err error) {
	for _, a := range e.Attributes {
		for _, name := range names {
			if strings.EqualFold(a.Name, name) {
				values = append(values, a.Values...)
			} else if len(a.Name) > len(name) && strings.EqualFold(a.Name[:len(name)], name) && strings.HasPrefix(strings.ToLower(a.Name[len(name):]), ";range=") {
				return nil, fmt.Errorf("%s: the server gives a part of the values of %s only; let people name their groups (%s), and leave %s empty", e.DN, name, memberOf, members)
			}
		}
	}
	return values, nil
}

func clipped(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
