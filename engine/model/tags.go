package model

import (
	"math"
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
	numeric, integer, ascii := true, true, true
	s := f.Symbols
	for c := uint32(1); c <= uint32(s.Len()); c++ {
		x := s.Number(c)
		numeric = numeric && !math.IsNaN(x)
		integer = integer && x == math.Trunc(x)
		if s.HasText(c) {
			ascii = ascii && isASCII(s.Text(c))
		}
		if !numeric && !ascii {
			break
		}
	}
	switch {
	case s.Len() == 0:
		return nil
	case numeric && integer:
		tags = append(tags, "$numeric", "$integer")
	case numeric:
		tags = append(tags, "$numeric")
	case ascii:
		tags = append(tags, "$ascii", "$text")
	default:
		tags = append(tags, "$text")
	}
	if numeric && f.Format != nil {
		switch f.Format.Type {
		case dual.Date:
			tags = append(tags, "$date", "$timestamp")
		case dual.Timestamp:
			tags = append(tags, "$timestamp")
		}
	}
	return tags
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
