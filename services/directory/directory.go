// Package directory names the kinds of user directories that people are read
// from, and the form in which all of them give people. The kinds themselves lie
// below: ldap and table.
package directory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Kind is what a setting holds, by the numbers of the interface.
type Kind int

// The kinds.
const (
	Text Kind = iota
	Whole
	Truth
	LargeText
)

// A Setting is one that a kind of directory has.
type Setting struct {
	Name     string   // found in any case
	Also     []string // other names that clients know it by
	Category string   // under which consoles show it
	Kind     Kind
	Secret   bool
	Leads    bool // says where secrets are sent
	Default  string
	Example  string // shown for a setting without a default
}

// A Type is a kind of directory. Its functions may be called at any time.
type Type struct {
	ID       string // Repository.UserDirectoryConnectors.LDAP.GenericLDAP
	Name     string // for people
	Settings []Setting

	// Check says what is wrong with settings, without asking anybody, and
	// which user directory they make: its name is part of the users' names.
	Check func(v Values) (name string, err error)
	// Read reads people until all are read, ctx ends, or a bound is reached.
	// With an error there are no people.
	Read func(ctx context.Context, v Values, q Query) (*People, error)
}

// Setting returns the setting of a name, nil if there is none.
func (t *Type) Setting(name string) *Setting {
	for i := range t.Settings {
		if t.Settings[i].is(name) {
			return &t.Settings[i]
		}
	}
	return nil
}

func (s *Setting) is(name string) bool {
	name = strings.TrimSpace(name)
	if strings.EqualFold(s.Name, name) {
		return true
	}
	for _, other := range s.Also {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}

// Values are what settings of a type hold.
type Values struct {
	of *Type
	by map[string]string
}

// Values returns what settings hold. Those that the type does not have are left
// out; of a setting that is there twice the first one counts.
func (t *Type) Values(each func(set func(name, value string))) Values {
	v := Values{t, map[string]string{}}
	each(func(name, value string) {
		s := t.Setting(name)
		if s == nil {
			return
		}
		if _, twice := v.by[s.Name]; !twice {
			v.by[s.Name] = value
		}
	})
	return v
}

// Type returns the id of the type.
func (v Values) Type() string { return v.of.ID }

// Has reports whether the type has a setting of the name.
func (v Values) Has(name string) bool { return v.of.Setting(name) != nil }

// Text returns the text of a setting without blanks around it: its default only
// if it is not there at all. A secret stays as it is.
func (v Values) Text(name string) string {
	s := v.of.Setting(name)
	if s == nil {
		panic("directory: BUG: no setting " + name + " of " + v.of.ID)
	}
	text, there := v.by[s.Name]
	switch {
	case !there:
		return s.Default
	case s.Secret:
		return text
	}
	return strings.TrimSpace(text)
}

// Whole returns a number of at least lo and at most hi. An empty one is the
// default.
func (v Values) Whole(name string, lo, hi int) (int, error) {
	text := v.Text(name)
	if text == "" {
		text = v.of.Setting(name).Default
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("%s: %q is no number from %d to %d", name, text, lo, hi)
	}
	return n, nil
}

// Truth returns what is true or false; empty is false.
func (v Values) Truth(name string) (bool, error) {
	text := v.Text(name)
	if text == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return false, fmt.Errorf("%s: %q is neither true nor false", name, text)
	}
	return b, nil
}

// List returns the words of a list with commas.
func (v Values) List(name string) (words []string) {
	for word := range strings.SplitSeq(v.Text(name), ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// Settings that all kinds have.
const (
	DirectoryName = "User directory name"
	Timeout       = "Synchronization timeout in seconds"
)

// TimeoutMax bounds [Timeout].
const TimeoutMax = time.Hour

// Timeout returns how long reading may take.
func (v Values) Timeout() (time.Duration, error) {
	n, err := v.Whole(Timeout, 1, int(TimeoutMax/time.Second))
	return time.Duration(n) * time.Second, err
}

// A Query says whose data are wanted.
type Query struct {
	IDs []string // nil = everybody; else those, found in any case
}

// All reports whether everybody is wanted.
func (q *Query) All() bool { return q.IDs == nil }

// People is what a directory has told.
type People struct {
	List []Person
	// Nobody says that the directory has no people at all, whoever was asked for.
	Nobody   bool
	Warnings []string // of what was left out, at most WarningsMax
	LeftOut  int      // warnings, those that are not told included
}

// WarningsMax bounds the warnings that are told.
const WarningsMax = 20

// Warn notes that something was left out.
func (p *People) Warn(format string, args ...any) {
	p.LeftOut++
	if len(p.Warnings) < WarningsMax {
		p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...))
	}
}

// A Person is one user of a directory.
type Person struct {
	ID, Name   string
	Source     string // what names the person in the directory
	Attributes []Attribute
}

// An Attribute is something that rules can see of a person: its groups, say.
type Attribute struct {
	Type, Value string
	Source      string // what names the attribute in the directory
}

// Group is the type of attributes that name groups.
const Group = "group"

// Bounds of what a directory may tell.
const (
	PeopleMax     = 1_000_000
	GroupsMax     = 200_000
	MembersMax    = 20_000_000 // of all groups
	AttributesMax = 2000       // of a person
	attributeMax  = 255        // characters, as the interface has it
	idMax         = 255
	nameMax       = 511
	sourceMax     = 511
)

// Errors of reading.
var (
	ErrTooMany = errors.New("the directory has more than can be taken over")
	ErrTimeout = errors.New("the directory took too long")
)
