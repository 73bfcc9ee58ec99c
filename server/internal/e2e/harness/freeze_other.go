//go:build !unix

package harness

import "testing"

// Freeze skips the test: this system can't stop a process without ending it.
func (c *Process) Freeze(t *testing.T) {
	t.Helper()
	t.Skip("this system has no SIGSTOP")
}

// Thaw does nothing.
func (c *Process) Thaw(*testing.T) {}
