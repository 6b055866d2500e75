package rules

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filterMax is the length of a stored resource filter, in characters.
const filterMax = 1024

// A breadth is how much one item of a filter covers; a narrow one costs less.
type breadth int

const (
	oneID     breadth = iota // Type_<guid>, Type_<name>
	wholeType                // Type_*, Type
	typeStem                 // Type*
	anyType                  // *
)

// A Filter is a parsed resource filter:
//
//	filter := item ("," item)*
//	item   := "*" | type | type "*" | type "_*" | type "_" guid | type "_" name
//
// Types and ids compare without regard to case. A Filter does not change.
type Filter struct {
	items []filterItem
}

type filterItem struct {
	breadth  breadth
	typeName string // or the stem of it; as written
	id       string // of oneID
}

// ParseFilter reads a resource filter. Its errors name the item.
func ParseFilter(s string) (*Filter, error) {
	if n := utf8.RuneCountInString(s); n > filterMax {
		return nil, fmt.Errorf("rules: resource filter has %d characters, at most %d are allowed", n, filterMax)
	}
	f := &Filter{}
	for _, text := range strings.Split(s, ",") {
		item, err := parseFilterItem(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		f.items = append(f.items, item)
	}
	return f, nil
}

func parseFilterItem(s string) (filterItem, error) {
	if s == "*" {
		return filterItem{breadth: anyType}, nil
	}
	name, id, hasID := strings.Cut(s, "_")
	item := filterItem{breadth: wholeType, typeName: name, id: id}
	switch {
	case hasID && id == "*":
		item.id = ""
	case hasID:
		item.breadth = oneID
	case strings.HasSuffix(name, "*"):
		item.breadth, item.typeName = typeStem, strings.TrimSuffix(name, "*")
	}
	if !isTypeName(item.typeName) {
		return filterItem{}, fmt.Errorf("rules: resource filter %q: %q is no type", s, item.typeName)
	}
	if item.breadth == oneID && !isFilterID(id) {
		return filterItem{}, fmt.Errorf("rules: resource filter %q: %q is no id", s, id)
	}
	return item, nil
}

func isTypeName(s string) bool {
	for i, r := range s {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r != '.' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != ""
}

func isFilterID(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r == '*' || unicode.IsControl(r) })
}

// String returns the filter in its shortest spelling.
func (f *Filter) String() string {
	var b strings.Builder
	for i, item := range f.items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(item.String())
	}
	return b.String()
}

func (i filterItem) String() string {
	switch i.breadth {
	case anyType:
		return "*"
	case typeStem:
		return i.typeName + "*"
	case wholeType:
		return i.typeName + "_*"
	default:
		return i.typeName + "_" + i.id
	}
}

// Matches says whether the filter fits a resource.
func (f *Filter) Matches(typeName, id string) bool {
	c := f.cover(typeName)
	return c.fits(id)
}

// A cover is what a filter leaves of one type: all of it or some ids.
type cover struct {
	breadth breadth // of the cheapest item that fits
	whole   bool
	ids     []string
}

func (f *Filter) cover(typeName string) cover {
	c := cover{breadth: anyType}
	for _, item := range f.items {
		if !item.fitsType(typeName) {
			continue
		}
		c.breadth = min(c.breadth, item.breadth)
		if item.breadth == oneID {
			c.ids = append(c.ids, item.id)
		} else {
			c.whole = true
		}
	}
	return c
}

func (i filterItem) fitsType(typeName string) bool {
	switch i.breadth {
	case anyType:
		return true
	case typeStem:
		n := len(i.typeName) // ASCII, see isTypeName
		return len(typeName) >= n && strings.EqualFold(typeName[:n], i.typeName)
	default:
		return strings.EqualFold(typeName, i.typeName)
	}
}

// empty says whether nothing of the type is covered.
func (c *cover) empty() bool { return !c.whole && len(c.ids) == 0 }

func (c *cover) fits(id string) bool {
	if c.whole {
		return true
	}
	for _, known := range c.ids {
		if strings.EqualFold(known, id) {
			return true
		}
	}
	return false
}
