// Package scheduler runs tasks: reloads and external programs, by the clock and
// in chains.
package scheduler
