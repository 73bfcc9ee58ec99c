package datadir

import (
	"errors"
	"syscall"
)

const errorWriteProtect = syscall.Errno(19)

func isReadOnly(err error) bool { return errors.Is(err, errorWriteProtect) }

// isNotDirectory is false: Windows reports a path below a file as not existing.
func isNotDirectory(error) bool { return false }
