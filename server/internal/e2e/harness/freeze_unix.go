//go:build unix

package harness

import (
	"syscall"
	"testing"
)

// Freeze stops the process without ending it: its connections stay, and nothing is answered.
func (c *Process) Freeze(t *testing.T) {
	t.Helper()
	Must(t, c.command.Process.Signal(syscall.SIGSTOP))
}

// Thaw continues it.
func (c *Process) Thaw(t *testing.T) {
	t.Helper()
	Must(t, c.command.Process.Signal(syscall.SIGCONT))
}
