// Package site makes one node of its services. It is the only one that knows
// them all: they meet through the interfaces that each declares.
package site
