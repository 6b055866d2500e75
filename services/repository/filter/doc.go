// Package filter reads the filter language of the repository interface and
// turns it into SQL.
//
//	filter     := and ("or" and)*
//	and        := unit ("and" unit)*
//	unit       := "(" filter ")" | comparison
//	comparison := path op value
//	path       := name ("." name)* | "@" custom property
//	op         := eq | ne | gt | ge | lt | le | sw | ew | so
//	value      := 'text' | "text" | a word: number, true, false, GUID, name of an enumeration's value, date, null
//
// Names and operators have any case. In a text its quote is doubled; a
// backslash before it is understood, too.
//
// What a comparison means: its path leads from a document to a set of values.
// A field that is no list leads to one value or null; a list to each of its
// items, none if it is empty; a reference to the entity it refers to, null if
// it refers to none; at the end of a path it stands for the id. A comparison is
// true if any value of the set fits. Null fits "eq null" and "ne" any value; a
// date is null, too, if it is the date that means none (schema.NullDate). Texts
// compare without regard to case.
//
// A filter is parsed (Parse), its names are resolved against an entity type
// (Resolve), and the result is written as SQL (AppendSQL) or tested on a
// document (Matches).
package filter
