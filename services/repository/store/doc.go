// Package store keeps the entities of a repository in SQLite or PostgreSQL.
//
// An entity is a row with its document as JSON. What the documents refer to is
// kept a second time, as rows of table reference, for the way back and for
// integrity: nothing refers to what does not exist. The texts of a document
// are kept a second time, folded, for comparisons without regard to case.
// Secrets are kept apart, encrypted, and are never part of a document.
//
// A document has the form that schema.Validate gives it: numbers are
// json.Number, dates schema.DateLayout, references {"id": …}. A member that is
// not there is null.
//
// Every change writes a row of table change in its transaction. Subscribe
// delivers them in the order of their commits, to this process by a bell, to
// others by PostgreSQL's NOTIFY; both only say that there is something to
// read, so nobody misses what came while he was away.
package store
