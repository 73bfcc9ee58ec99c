//go:build linux || darwin

package jetstream

import (
	"fmt"
	"syscall"
)

// reserve is how much of the disk is left free, in bytes. A server that runs out
// of space in the middle of a write refuses everything until it is restarted; one
// that is not asked to write goes on as soon as there is space. It also needs
// some for its index.
const reserve = 16 << 20

// checkSpace tells whether some bytes can be written to a directory's disk.
func checkSpace(dir string, size int64) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	if free := int64(s.Bavail) * int64(s.Bsize); free < reserve+size {
		return fmt.Errorf("%s has %d KiB free, of which %d are kept in reserve: %w", dir, free>>10, reserve>>10, syscall.ENOSPC)
	}
	return nil
}
