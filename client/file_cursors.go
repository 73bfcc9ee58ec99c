package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// FileCursors is a CursorStore in a file. Save replaces the file as a whole and waits
// until the disk has it: after a crash of the process or the machine the file has the
// cursors of the last Save that returned, or those of one that was under way.
//
// It is safe for concurrent use in one process. Two processes need two files.
type FileCursors struct {
	path string

	mu      sync.Mutex // guards below
	cursors map[string]Cursor
}

// OpenFileCursors opens a file of cursors. It returns an error if the file exists and
// can't be read; it creates the file with the first Save, in a folder that must exist.
func OpenFileCursors(path string) (*FileCursors, error) {
	f := &FileCursors{path: path, cursors: make(map[string]Cursor)}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil:
		return nil, fmt.Errorf("client: cursors: %w", err)
	}
	if err := json.Unmarshal(data, &f.cursors); err != nil {
		return nil, fmt.Errorf("client: cursors in %s: %w", path, err)
	}
	return f, nil
}

// Load implements CursorStore.
func (f *FileCursors) Load(_ context.Context, room string) (Cursor, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.cursors[room]
	return c, ok, nil
}

// Save implements CursorStore.
func (f *FileCursors) Save(_ context.Context, cursors map[string]Cursor) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := maps.Clone(f.cursors)
	maps.Copy(next, cursors)
	data, err := json.Marshal(next)
	if err == nil {
		err = replaceFile(f.path, data)
	}
	if err != nil {
		return fmt.Errorf("client: cursors: %w", err)
	}
	f.cursors = next
	return nil
}

// replaceFile replaces the content of a file, durably and as a whole: a crash leaves the
// former content or the new one.
func replaceFile(path string, data []byte) error { return placeFile(path, data, os.Rename) }

// createFile is replaceFile for a file that does not exist. It returns fs.ErrExist if it
// does.
func createFile(path string, data []byte) error {
	return placeFile(path, data, func(temporary, path string) error {
		err := os.Link(temporary, path)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return os.Rename(temporary, path) // there are no links here
		}
		if err == nil {
			err = os.Remove(temporary)
		}
		return err
	})
}

// placeFile writes a temporary file, and puts it in its place.
func placeFile(path string, data []byte, place func(temporary, path string) error) (err error) {
	folder := filepath.Dir(path)
	temporary, err := os.CreateTemp(folder, filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	placed := false
	defer func() {
		if !placed {
			_ = os.Remove(temporary.Name())
		}
	}()
	_, err = temporary.Write(data)
	if err == nil {
		err = temporary.Sync()
	}
	if err = errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	if err := place(temporary.Name(), path); err != nil {
		return err
	}
	placed = true
	return syncFolder(folder)
}

// syncFolder makes a rename in a folder durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(ignoreUnsupported(d.Sync()), d.Close())
}

// ignoreUnsupported leaves out the error of systems on which a folder can't be synced:
// there, a rename is durable when the system says so.
func ignoreUnsupported(err error) error {
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrInvalid) {
		return nil
	}
	return err
}
