//go:build linux || darwin

package datadir

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// checkWritable returns an error for a file or a directory that this process can't write to.
func checkWritable(path string) error {
	if err := unix.Access(path, unix.R_OK|unix.W_OK); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	if s.Blocks == 0 {
		return &fs.PathError{Op: "write", Path: path, Err: errNoSpace}
	}
	return nil
}
