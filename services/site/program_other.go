//go:build !unix

package site

import "os/exec"

// endWithChildren leaves what a program has started: there are no groups of
// processes here.
func endWithChildren(*exec.Cmd) {}
