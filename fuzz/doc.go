// Package fuzz holds fuzz targets for what comes from strangers and needs more
// than one part of the engine: one folder per target, seeds in the test.
// Targets of one part alone stand beside it (engine/expr, engine/source,
// storage ...). `make fuzz` runs all of them.
package fuzz
