package model

import (
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

// tagsOf returns the system tags of a field by its values, and the tags that
// the script gave it.
func tagsOf(f *Field) []string {
	var tags []string
	if f.Key {
		tags = append(tags, "$key")
	}
	if IsSynthetic(f.Name) {
		tags = append(tags, "$synthetic")
	}
	if strings.HasPrefix(f.Name, "$") {
		tags = append(tags, "$hidden")
	}
	tags = append(tags, valueTags(f)...)
	for _, t := range f.Field.Tags {
		if !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return tags
}

// valueTags returns the tags that say what all values of a field are.
func valueTags(f *Field) (tags []string) {
	t := f.Symbols.Traits()
	switch {
	case f.Symbols.Len() == 0:
		return nil
	case t.Integer:
		tags = append(tags, "$numeric", "$integer")
	case t.Numeric:
		tags = append(tags, "$numeric")
	case t.ASCII:
		tags = append(tags, "$ascii", "$text")
	default:
		tags = append(tags, "$text")
	}
	if t.Numeric && f.Format != nil {
		switch f.Format.Type {
		case dual.Date:
			tags = append(tags, "$date", "$timestamp")
		case dual.Timestamp:
			tags = append(tags, "$timestamp")
		}
	}
	return tags
}
