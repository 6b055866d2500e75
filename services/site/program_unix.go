//go:build unix

package site

import (
	"os/exec"
	"syscall"
)

// endWithChildren has what a program has started end with it.
func endWithChildren(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
