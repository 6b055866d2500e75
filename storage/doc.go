// Package storage holds tables as columns of codes into symbol tables.
//
// A field has one symbol table ([Symbols]) for the whole app, shared by every
// table that has a field of that name. Code 0 is NULL, codes 1..n are the
// distinct values in load order. A column ([Column]) stores a code per row in
// the narrowest of 0, 1, 2 or 4 bytes. As key fields of two tables share one
// code space, a set of codes computed in one table is at once a filter of the
// other.
//
// A [Catalog] is what a load script fills: fields and tables. Until
// [Catalog.Seal] it has one owner; afterwards nothing changes any more and
// any number of goroutines may read it.
//
// A sealed catalog is kept as a directory and streams ([Catalog.AtRest]).
// [Restore] makes one of them again without reading the streams: symbols and
// codes are checked and used where they lie, as in a mapped file, when they
// are first asked for.
package storage
