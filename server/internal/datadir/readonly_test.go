//go:build unix

package datadir

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const nobody = 65534

// A directory that can't be written to is refused with the path and the remedy, also
// when a lock file from another time is in it, by Open and by Check.
func TestOpenReadOnly(t *testing.T) {
	base, err := os.MkdirTemp("", "datadir") //nolint:usetesting // another user must be able to enter it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	program := copyOfSelf(t, base)
	for _, lockFile := range []bool{false, true} {
		path := filepath.Join(base, "data")
		if lockFile {
			path += "-used"
		}
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if lockFile {
			if err := os.WriteFile(filepath.Join(path, lockName), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(path, 0o555); err != nil {
			t.Fatal(err)
		}
		for _, checks := range []string{"", "only"} {
			asOther := func(c *exec.Cmd) {
				c.Env = append(c.Env, helperChecks+"="+checks)
				if os.Geteuid() == 0 { // to root everything is writable
					c.Path = program
					c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
				}
			}
			if _, line := hold(t, path, asOther); !strings.HasPrefix(line, path+" can't be written to") || !strings.Contains(line, "make it writable") {
				t.Errorf("Open of a read-only directory (checks %q) = %q, want the path and the remedy", checks, line)
			}
		}
	}
}

// copyOfSelf returns a copy of the test binary that other users can execute.
func copyOfSelf(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "self")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
