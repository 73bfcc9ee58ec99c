//go:build unix

package datadir

import (
	"errors"
	"syscall"
)

func isReadOnly(err error) bool     { return errors.Is(err, syscall.EROFS) }
func isNotDirectory(err error) bool { return errors.Is(err, syscall.ENOTDIR) }
