package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/durable"
)

// RestoreConfig configures Restore.
type RestoreConfig struct {
	// File is what Backup has written.
	File string
	// Dir is the directory that gets the store. It must exist and have none, and the caller
	// locks it.
	Dir string
	// Files are the names of the further files that a backup may have.
	Files []string
}

// restorePattern matches the directory in which Restore makes the files.
const restorePattern = ".chatroom-restore-*"

// IsUnfinishedRestore reports whether a name in a directory is that of what a Restore that was killed has
// left. RemoveUnfinishedRestores removes it.
func IsUnfinishedRestore(name string) bool {
	matches, _ := filepath.Match(restorePattern, name)
	return matches
}

// RemoveUnfinishedRestores removes from a directory what a Restore that was killed has left. The caller
// must have locked the directory.
func RemoveUnfinishedRestores(dir string) error {
	return removeMatching(dir, restorePattern)
}

// Restore puts a backup into a directory, after it has verified a copy of it. The log gets a
// new epoch: events that were stored after the backup are lost, and clients that may have
// them start over. The directory has no store unless everything is as it should be: what is
// wrong is in Report.Findings, as for Verify, or in the error.
func Restore(ctx context.Context, c RestoreConfig) (Report, error) {
	fail := func(err error) error { return fmt.Errorf("sqlite: restore %s: %w", c.File, causeOf(ctx, err)) }
	file, err := filepath.Abs(c.File)
	if err == nil {
		c.Dir, err = filepath.Abs(c.Dir)
	}
	v := &verifier{ctx: ctx}
	if err == nil {
		v.report.Made, err = whenMade(file)
	}
	if damaged(err) {
		v.find("%s can't be read: %s", c.File, describe(err))
		return v.report, nil
	}
	if err != nil {
		return Report{}, fail(err)
	}
	temporary, err := os.MkdirTemp(c.Dir, restorePattern)
	if err != nil {
		return Report{}, fail(err)
	}
	err = c.restore(v, file, temporary)
	if err = errors.Join(withSpace(c.Dir, err), os.RemoveAll(temporary)); err != nil {
		return v.report, fail(err)
	}
	return v.report, nil
}

// restore makes the files in a temporary directory, and moves them to where they belong.
func (c RestoreConfig) restore(v *verifier, file, temporary string) error {
	if err := new(walLog).checkSize(file); err != nil {
		v.find("%v", err)
		return nil
	}
	path := filepath.Join(temporary, fileName)
	if err := v.copyFrom(file, path, ""); err != nil || len(v.report.Findings) > 0 {
		return err
	}
	names, mark, err := c.unpack(v, path)
	if err != nil || len(v.report.Findings) > 0 {
		return err
	}
	v.had = &mark
	if err := v.checkFile(path); err != nil || len(v.report.Findings) > 0 {
		return err
	}
	if err := errors.Join(syncFile(path), writeMark(filepath.Join(temporary, markName), mark)); err != nil {
		return err
	}
	// The store comes last: without it the directory has none.
	return moveAll(temporary, c.Dir, append(names, markName, fileName))
}

// unpack turns the copy of a backup into a store again. It returns the names of the files
// that it has written beside it, and the high-water mark.
func (c RestoreConfig) unpack(v *verifier, path string) (names []string, mark highwater, err error) {
	conn, err := dial(path, "", sqlite3.OPEN_READWRITE)
	if err != nil {
		return nil, mark, err
	}
	conn.SetInterrupt(v.ctx)
	err = conn.upgrade()
	if err == nil {
		names, err = c.writeFiles(conn, filepath.Dir(path))
	}
	if err == nil {
		// The files are not to stay in the free pages of the store.
		err = conn.Exec(`PRAGMA secure_delete = ON`)
	}
	if err == nil {
		mark, err = conn.startOver()
	}
	if damaged(err) {
		v.find("the database can't be read further: %v", err)
		err = nil
	}
	return names, mark, errors.Join(err, conn.Close())
}

// upgrade brings the schema of a copy to the version of this program, as opening a store does.
func (c *conn) upgrade() error {
	version, err := c.integer(`PRAGMA user_version`)
	switch {
	case err != nil:
		return err
	case version > int64(len(migrations)):
		return newerSchema(version)
	}
	return migrate(c, int(version))
}

// newerSchema is the error for a database that a newer release has written.
func newerSchema(version int64) error {
	return fmt.Errorf("its schema has version %d, and this program knows versions up to %d: "+
		"it was written by a newer release, which is needed to open it; nothing was changed", version, len(migrations))
}

// writeFiles writes the files that are in a backup into a directory.
func (c RestoreConfig) writeFiles(conn *conn, dir string) (names []string, err error) {
	err = conn.queryOnce(`SELECT name, content FROM backup_files`, func(s *sqlite3.Stmt) error {
		name := s.ColumnText(0)
		if !slices.Contains(c.Files, name) {
			return fmt.Errorf("it has the file %q, which this program does not know", name)
		}
		names = append(names, name)
		return durable.WriteFile(filepath.Join(dir, name), s.ColumnRawBlob(1))
	})
	return names, err
}

// startOver removes what makes a database a backup, and gives the log a new epoch.
func (c *conn) startOver() (mark highwater, err error) {
	err = c.transact(func() error {
		m, err := readMeta(c)
		if err != nil {
			return err
		}
		last, err := c.integer(`SELECT ifnull(max(pos), 0) FROM events`)
		if err != nil {
			return err
		}
		m.epoch = rand.Text()
		// Sequences that were assigned after the backup do not name other events now.
		next := max(uint64(m.next), uint64(last)+1) + markSlack
		mark = highwater{Lineage: m.lineage, Epoch: m.epoch, Next: next}
		if err := writeMeta(c, m, next); err != nil {
			return err
		}
		return c.Exec(`DROP TABLE backup_files; DROP TABLE backup`)
	})
	return mark, err
}

// moveAll moves files into another directory, or none.
func moveAll(from, to string, names []string) error {
	for i, name := range names {
		err := os.Rename(filepath.Join(from, name), filepath.Join(to, name))
		for j := 0; err != nil && j < i; j++ {
			err = errors.Join(err, os.Remove(filepath.Join(to, names[j])))
		}
		if err != nil {
			return err
		}
	}
	return durable.SyncDir(to)
}
