//go:build unix

package systemd

import (
	"os"
	"syscall"
	"testing"
)

// duplicate returns a file under another name.
func duplicate(t *testing.T, f *os.File, name string) *os.File {
	t.Helper()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), name)
}
