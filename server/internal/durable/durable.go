// Package durable writes files that survive a crash of the machine.
//
// It replaces google/renameio, which does not build on Windows, and natefinch/atomic, which
// returns errors as text, so that callers can't distinguish a full disk from a read-only one.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// WriteFile replaces a file atomically: after a crash of the machine it has either the old or
// the new content. Only the current user can read it.
func WriteFile(path string, content []byte) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return SyncDir(filepath.Dir(path))
}

// Move gives a file another name, which must not exist. The caller has synced the file.
func Move(from, to string) error {
	// A rename replaces what another process may have put there meanwhile; a link does not.
	err := os.Link(from, to)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	case err != nil: // the file system has no links
		if err := os.Rename(from, to); err != nil {
			return err
		}
	default:
		if err := os.Remove(from); err != nil {
			return err
		}
	}
	return SyncDir(filepath.Dir(to))
}

// SyncDir makes the names in a directory durable. Windows can't sync directories,
// and does not need to.
func SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
