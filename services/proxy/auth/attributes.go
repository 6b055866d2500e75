package auth

import (
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// A Mapping makes a claim of a token an attribute of the session.
type Mapping struct {
	From      string // name of the claim
	To        string // name of the attribute; "" = the same
	Mandatory bool   // no login without it
}

// A Profile says which claims make a user.
type Profile struct {
	UserID     string // name of a claim, or a fixed value in square brackets
	Directory  string // the same
	Name       string // the same; "" = none
	Attributes []Mapping
}

// claims are the values of a token or an assertion by name.
type claims map[string][]string

// user reads a user from claims.
func (p Profile) user(c claims) (*session.User, error) {
	u := &session.User{}
	var err error
	if u.ID, err = c.one(p.UserID); err != nil {
		return nil, fmt.Errorf("user id: %w", err)
	}
	if u.Directory, err = c.one(p.Directory); err != nil {
		return nil, fmt.Errorf("user directory: %w", err)
	}
	if p.Name != "" {
		u.Name, _ = c.one(p.Name) // a login without a name to show is one
	}
	u.Attributes, err = c.attributes(p.Attributes)
	return u, err
}

func (c claims) one(name string) (string, error) {
	if len(name) > 1 && name[0] == '[' && name[len(name)-1] == ']' {
		return name[1 : len(name)-1], nil
	}
	values := c[name]
	if len(values) != 1 || strings.TrimSpace(values[0]) == "" {
		return "", fmt.Errorf("%d values of %q, want one", len(values), name)
	}
	return strings.TrimSpace(values[0]), nil
}

func (c claims) attributes(maps []Mapping) ([]session.Attribute, error) {
	var list []session.Attribute
	for _, m := range maps {
		values := c[m.From]
		if m.Mandatory && len(values) == 0 {
			return nil, fmt.Errorf("attribute %q is missing", m.From)
		}
		to := m.To
		if to == "" {
			to = m.From
		}
		for _, v := range values {
			list = append(list, session.Attribute{Name: to, Value: v})
		}
	}
	return list, nil
}

// claimsOfJSON flattens decoded JSON: texts, numbers, booleans and lists of
// them. What else a token holds is no attribute.
func claimsOfJSON(m map[string]any) claims {
	c := claims{}
	for name, v := range m {
		if list, ok := v.([]any); ok {
			for _, item := range list {
				c.add(name, item)
			}
			continue
		}
		c.add(name, v)
	}
	return c
}

func (c claims) add(name string, v any) {
	switch v := v.(type) {
	case string:
		c[name] = append(c[name], v)
	case float64, bool:
		c[name] = append(c[name], fmt.Sprint(v))
	}
}
