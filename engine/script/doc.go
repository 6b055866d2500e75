// Package script runs load scripts: it fills a catalog of tables from files,
// inline data and other tables, by the statements of the script language.
//
// A script is cut into statements (split.go) and control structures
// (block.go) first; a statement is dollar-expanded and parsed when its turn
// comes. Each statement and each prefix of a load has a file of its own, and a
// place in the table of statements (statement.go) or prefixes (load_parse.go).
//
// A load is a pipeline of stages (stage.go), one per LOAD of a chain of
// preceding loads, over a reader. Columns pass through it in batches. Where a
// function looks at rows stored before (Peek, Exists on a field of the load,
// RowNo in a condition), the whole pipeline runs with batches of one row: the
// same programs, slower, in the order that the functions can see.
package script
