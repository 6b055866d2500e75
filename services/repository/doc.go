// Package repository is the rules of a site: what entities there are, who may
// do what with them, and what follows from a change.
//
// Entities are documents of the types in package schema, kept by package store.
// Whoever asks is a [Caller]; every method asks the security rules (package
// rules) before it answers or changes anything:
//
//   - what a caller may not read does not exist for him ([ErrNotFound], left
//     out of lists);
//   - what he may read but not change is refused ([ErrForbidden]).
//
// A change to an entity is announced in one place, the store's changes. The
// repository listens to them itself: rules are compiled anew, results of
// decisions forgotten. So nodes that share a database agree.
package repository
