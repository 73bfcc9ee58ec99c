// Package datadir owns the data directory of a server. Open creates it, and locks
// it before any other file in it is read or written. While a Dir is open no other
// process that uses this package opens the same directory: two servers on one
// directory would assign the same sequences to different events.
//
// The lock belongs to the operating system (flock on Unix, LockFileEx on Windows),
// which releases it when the process ends for any reason. It is effective on one machine;
// whether it is across machines depends on the network file system.
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"

	"chatroom/server/internal/durable"
)

// The files of a data directory that this package names.
const (
	// DatabaseName is the file that holds the store.
	DatabaseName = "chatroom.db"
	// FormerEventsName is the directory that held the events before the store was
	// one file.
	FormerEventsName = "events"
	// FormerMarkName is the file that held the high-water mark of FormerEventsName, and
	// FormerErasingName that of what was being erased in it.
	FormerMarkName    = "highwater.json"
	FormerErasingName = "erasing"
	// MovedName is the file that says what a former store was when it was moved into the
	// current one.
	MovedName = "moved.json"

	lockName   = "lock"
	holderName = "lock.json" // apart from the lock, as Windows does not allow others to read a locked file
)

// Format is the form in which a directory holds a store.
type Format int

const (
	// Empty is the format of a directory without a store.
	Empty Format = iota
	// Former is the format of a directory that holds events in FormerEventsName, and
	// no DatabaseName.
	Former
	// Current is the format of a directory that holds DatabaseName.
	Current
)

// Dir is a data directory that is locked by this process. Create it with Open.
type Dir struct {
	path    string
	lock    *flock.Flock
	newLock bool     // Open has created the file of the lock
	created []string // the directories that Open has created, each below the one before it
}

// Open creates the directory with mode 0700 unless it exists, and locks it. The
// addresses are where the server listens: another process that finds the directory
// locked names them. It returns a *InUseError if another process, or another Dir of
// this one, holds the lock.
func Open(path string, addresses ...string) (d *Dir, err error) {
	d = &Dir{path: path}
	defer func() {
		if err != nil {
			d.removeCreated()
			d = nil
		}
	}()
	if d.created, err = create(path); err != nil {
		return d, explain(path, err)
	}
	if err := d.acquire(); err != nil {
		return d, err
	}
	if err := writeHolder(path, addresses); err != nil {
		return d, errors.Join(explain(path, err), d.Discard())
	}
	return d, nil
}

// acquire locks the directory. Discard of another Dir may have removed the file of the lock in the
// meantime: a lock on that file would not exclude those who find the next one.
func (d *Dir) acquire() error {
	name := filepath.Join(d.path, lockName)
	for {
		found, err := exists(name)
		if err != nil {
			return explain(d.path, err)
		}
		lock := flock.New(name)
		locked, err := lock.TryLock()
		if errors.Is(err, fs.ErrNotExist) && found {
			continue
		}
		if err != nil {
			return explain(d.path, err)
		}
		if !locked {
			return &InUseError{Path: d.path, Holder: readHolder(d.path)}
		}
		held, err := lock.Stat()
		there, thereErr := os.Stat(name)
		if err == nil && thereErr == nil && os.SameFile(held, there) {
			d.lock, d.newLock = lock, !found
			return nil
		}
		if err := errors.Join(err, lock.Unlock()); err != nil {
			return explain(d.path, err)
		}
		if thereErr != nil && !errors.Is(thereErr, fs.ErrNotExist) {
			return explain(d.path, thereErr)
		}
	}
}

// Path returns the path that Open was given.
func (d *Dir) Path() string { return d.path }

// Format returns the format of the directory, as FormatOf does.
func (d *Dir) Format() (Format, error) { return FormatOf(d.path) }

// FormatOf determines the format from the names of the files, without a lock.
func FormatOf(path string) (Format, error) {
	found, err := exists(filepath.Join(path, DatabaseName))
	if err != nil || found {
		return Current, explain(path, err)
	}
	found, err = exists(filepath.Join(path, FormerEventsName))
	if err != nil || found {
		return Former, explain(path, err)
	}
	return Empty, nil
}

// Contents returns the names of what is in a directory, without a lock. The files of the lock
// do not count, and neither does what a file system has at its root.
func Contents(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, explain(path, err)
	}
	var names []string
	for _, e := range entries {
		switch e.Name() {
		case lockName, holderName, "lost+found":
		default:
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// FormerFiles returns the paths of the files of a former store, none if it has no events.
func (d *Dir) FormerFiles() ([]string, error) {
	var paths []string
	for _, name := range []string{FormerEventsName, FormerMarkName, FormerErasingName, MovedName} {
		path := filepath.Join(d.path, name)
		found, err := exists(path)
		if err != nil {
			return nil, explain(d.path, err)
		}
		if found {
			paths = append(paths, path)
		} else if name == FormerEventsName {
			return nil, nil
		}
	}
	return paths, nil
}

// Close releases the lock. The caller must have closed all that is in the directory.
func (d *Dir) Close() error {
	err := os.Remove(filepath.Join(d.path, holderName))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, d.lock.Unlock())
}

// Discard releases the lock of a directory that nothing was put into, and removes what Open has
// created. Windows does not allow to remove the file of the lock, which is left there.
func (d *Dir) Discard() error {
	err := os.Remove(filepath.Join(d.path, holderName))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if d.newLock {
		_ = os.Remove(filepath.Join(d.path, lockName))
	}
	err = errors.Join(err, d.lock.Unlock())
	d.removeCreated()
	return err
}

// removeCreated removes the directories that Open has created, as far as they are empty.
func (d *Dir) removeCreated() {
	for _, path := range slices.Backward(d.created) {
		if os.Remove(path) != nil {
			return
		}
	}
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// errNotDirectory is the error of create for a path that is a file.
var errNotDirectory = errors.New("it is a file, not a directory")

// checkLink returns an error for a path that does not exist because it is a symbolic link to one that
// doesn't.
func checkLink(path string) error {
	target, err := os.Readlink(path)
	if err != nil {
		return nil
	}
	return fmt.Errorf("it is a symbolic link to %s, which does not exist", target)
}

// create makes a directory and those above it durable, and returns those that did not exist, also
// with an error.
func create(path string) (created []string, err error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.IsDir():
		return nil, errNotDirectory
	case err == nil:
		return nil, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if err := checkLink(path); err != nil {
		return nil, err
	}
	parent := filepath.Dir(path)
	if parent != path {
		if created, err = create(parent); err != nil {
			return created, err
		}
	}
	switch err := os.Mkdir(path, 0o700); {
	case err == nil:
		created = append(created, path)
	case !errors.Is(err, fs.ErrExist):
		return created, err
	}
	return created, durable.SyncDir(parent)
}

// explain adds a remedy to an error of the file system. The text begins with the path, so
// that callers can put the name of their setting before it.
func explain(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNotDirectory) || isNotDirectory(err):
		return fmt.Errorf("%s can't be a data directory: %w; name a directory, or a path that does not exist yet", path, err)
	case errors.Is(err, fs.ErrPermission) || isReadOnly(err):
		return fmt.Errorf("%s can't be written to: %w; make it writable for the user that runs the server, or name another directory", path, err)
	}
	return fmt.Errorf("%s can't be used as a data directory: %w", path, err)
}
