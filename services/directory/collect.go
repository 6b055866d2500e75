package directory

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Collector takes the people of a directory one by one, as far as they can be
// users: names that are none, and who has the name of somebody before, are left
// out with a warning.
type Collector struct {
	People
	by map[string]int // index by name, in lower case
}

// Add takes a person over and reports whether it could be.
func (c *Collector) Add(p Person) (bool, error) {
	p.ID = strings.TrimSpace(p.ID)
	if reason := badID(p.ID); reason != "" {
		c.Warn("%s is left out: its account name %.60q %s", p.Source, p.ID, reason)
		return false, nil
	}
	key := strings.ToLower(p.ID)
	if first, twice := c.by[key]; twice {
		c.Warn("%s is left out: %s has the account name %q, too", p.Source, c.List[first].Source, p.ID)
		return false, nil
	}
	if len(c.List) >= PeopleMax {
		return false, fmt.Errorf("%d users: %w", PeopleMax, ErrTooMany)
	}
	if p.Name = clip(p.Name, nameMax); p.Name == "" {
		p.Name = p.ID
	}
	given := p.Attributes
	p.Attributes = nil
	if c.by == nil {
		c.by = map[string]int{}
	}
	c.by[key] = len(c.List)
	c.List = append(c.List, p)
	for _, a := range given {
		c.Give(len(c.List)-1, a)
	}
	return true, nil
}

// Find returns the index of the person with a name, in any case.
func (c *Collector) Find(id string) (int, bool) {
	i, ok := c.by[strings.ToLower(strings.TrimSpace(id))]
	return i, ok
}

// Give gives a person an attribute. What is no text, or too long, is left out
// with a warning: a part of it could be the name of another group.
func (c *Collector) Give(person int, a Attribute) {
	p := &c.List[person]
	a.Type, a.Value, a.Source = strings.TrimSpace(a.Type), strings.TrimSpace(a.Value), clip(a.Source, sourceMax)
	switch {
	case a.Value == "" || a.Type == "":
	case !isText(a.Value) || !isText(a.Type):
		c.Warn("an attribute %.60q of %s is left out: it is no text", a.Type, p.Source)
	case utf8.RuneCountInString(a.Value) > attributeMax || utf8.RuneCountInString(a.Type) > attributeMax:
		c.Warn("an attribute %.60q of %s is left out: it has more than %d characters", a.Type, p.Source, attributeMax)
	case len(p.Attributes) >= AttributesMax:
		c.Warn("attributes of %s are left out: it has more than %d", p.Source, AttributesMax)
	case !has(p.Attributes, a):
		p.Attributes = append(p.Attributes, a)
	}
}

// has reports whether an attribute is there already: rules do not see where it
// comes from.
func has(list []Attribute, a Attribute) bool {
	for i := range list {
		if list[i].Value == a.Value && strings.EqualFold(list[i].Type, a.Type) {
			return true
		}
	}
	return false
}

// badID says why a text cannot be the name of a user, "" if it can.
func badID(id string) string {
	switch {
	case id == "":
		return "is empty"
	case utf8.RuneCountInString(id) > idMax:
		return fmt.Sprintf("has more than %d characters", idMax)
	case !isText(id):
		return "is no text"
	case strings.ContainsAny(id, `\`):
		return `has a \, which parts it from the directory`
	}
	return ""
}

// isText reports whether a value is text, and not a picture, say.
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// clip returns what is text of s, no longer than that.
func clip(s string, runes int) string {
	s = strings.TrimSpace(strings.Map(func(c rune) rune {
		if c == utf8.RuneError || unicode.IsControl(c) {
			return -1
		}
		return c
	}, s))
	if utf8.RuneCountInString(s) > runes {
		s = string([]rune(s)[:runes])
	}
	return s
}

// CheckName says what is wrong with the name of a user directory.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s: is empty", DirectoryName)
	case badID(name) != "":
		return fmt.Errorf("%s: %.60q %s", DirectoryName, name, badID(name))
	case strings.ContainsFunc(name, func(c rune) bool { return unicode.IsSpace(c) || c == ';' || c == '=' }):
		return fmt.Errorf("%s: %.60q has blanks, or one of ; and =", DirectoryName, name)
	}
	return nil
}
