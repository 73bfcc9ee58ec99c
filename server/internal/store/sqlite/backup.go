package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/durable"
)

// backupSchema is what a backup has beside the tables of the store.
const backupSchema = `
CREATE TABLE backup (         -- marks the file as a backup
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  made     INTEGER NOT NULL   -- Unix milliseconds
) STRICT;

CREATE TABLE backup_files (   -- small files of the data directory
  name     TEXT    NOT NULL PRIMARY KEY,
  content  BLOB    NOT NULL
) STRICT;
`

// ErrNotBackup is returned for a file that Backup has not written.
var ErrNotBackup = errors.New("it is not a file that chatroom backup has written")

// BackupConfig configures Backup. Dir and File are required.
type BackupConfig struct {
	// Dir is the directory of the store, which may be in use.
	Dir string
	// File is where the backup goes. It must not exist. Only the current user can read it.
	File string
	// Files are further files of the directory, by name, that Restore writes again.
	Files map[string][]byte

	// vfs names the virtual file system under the backup. Empty means the system's own.
	vfs string
}

// Backup copies a store as of one moment into one file, and verifies the copy. There is no
// file unless everything is as it should be: what is wrong is in Report.Findings, as for
// Verify, or in the error.
//
// Events are stored meanwhile. They and what is erased stay in the write-ahead log until
// the copy is complete.
func Backup(ctx context.Context, c BackupConfig) (Report, error) {
	if _, err := os.Lstat(c.File); err == nil {
		return Report{}, fmt.Errorf("sqlite: back up: %s: %w", c.File, fs.ErrExist)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return Report{}, fmt.Errorf("sqlite: back up: %w", err)
	}
	c.Dir = dir
	if _, err := os.Stat(filepath.Join(dir, fileName)); err != nil {
		return Report{}, fmt.Errorf("sqlite: back up: %w", err)
	}
	// The directory keeps the journal and the unfinished copy private, and is removed as a
	// whole.
	temporary, err := os.MkdirTemp(filepath.Dir(c.File), ".chatroom-backup-*")
	if err != nil {
		return Report{}, fmt.Errorf("sqlite: back up: %w", err)
	}
	report, err := c.write(ctx, temporary)
	if err = errors.Join(withSpace(filepath.Dir(temporary), err), os.RemoveAll(temporary)); err != nil {
		return report, fmt.Errorf("sqlite: back up: %w", causeOf(ctx, err))
	}
	return report, nil
}

// causeOf returns the error of a context that has ended in place of what that led to.
func causeOf(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// write makes the backup in a temporary directory, and gives it its name.
func (c BackupConfig) write(ctx context.Context, temporary string) (Report, error) {
	path, err := filepath.Abs(filepath.Join(temporary, fileName))
	if err != nil {
		return Report{}, err
	}
	had, err := readMark(c.Dir) // before the copy, which is not older than it then
	if err != nil {
		return Report{}, err
	}
	v := &verifier{ctx: ctx, had: had, noMark: had == nil}
	from := filepath.Join(c.Dir, fileName)
	if err := v.copyFrom(from, path, c.vfs); err != nil || len(v.report.Findings) > 0 {
		return v.report, err
	}
	if err := c.complete(ctx, path); err != nil {
		return v.report, err
	}
	if err := v.checkFile(path); err != nil || len(v.report.Findings) > 0 {
		return v.report, err
	}
	return v.report, errors.Join(syncFile(path), durable.Move(path, c.File))
}

// complete turns a copy of a database into a backup.
func (c BackupConfig) complete(ctx context.Context, path string) error {
	conn, err := dial(path, c.vfs, sqlite3.OPEN_READWRITE)
	if err != nil {
		return err
	}
	conn.SetInterrupt(ctx)
	// The copy says that it has a write-ahead log. Without one it is a single file, also
	// while it is read.
	err = conn.Exec(`PRAGMA journal_mode = DELETE`)
	if err == nil {
		err = conn.transact(func() error {
			// What was erased is in no page, and there is no log that it could be in.
			if err := conn.Exec(backupSchema + `UPDATE meta SET scrubbed = erased`); err != nil {
				return err
			}
			if err := conn.execute(`INSERT INTO backup (id, made) VALUES (1, ?)`, time.Now().UnixMilli()); err != nil {
				return err
			}
			for name, content := range c.Files {
				if err := conn.execute(`INSERT INTO backup_files (name, content) VALUES (?, ?)`, name, content); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return errors.Join(err, conn.Close())
}

// execute runs a statement once.
func (c *conn) execute(sql string, values ...any) error {
	s, _, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	for i, value := range values {
		switch v := value.(type) {
		case int64:
			err = errors.Join(err, s.BindInt64(i+1, v))
		case string:
			err = errors.Join(err, s.BindText(i+1, v))
		case []byte:
			err = errors.Join(err, s.BindBlob(i+1, v))
		}
	}
	if err == nil {
		err = s.Exec()
	}
	return errors.Join(err, s.Close())
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// VerifyBackup checks a file that Backup has written. It is not changed.
func VerifyBackup(ctx context.Context, file string) (Report, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return Report{}, fmt.Errorf("sqlite: verify: %w", err)
	}
	v := &verifier{ctx: ctx, noMark: true}
	if v.report.Made, err = whenMade(path); damaged(err) {
		v.find("%s can't be read: %s", file, describe(err))
		return v.report, nil
	} else if err != nil {
		return Report{}, fmt.Errorf("sqlite: verify %s: %w", file, err)
	}
	if err := new(walLog).checkSize(path); err != nil {
		v.find("%v", err)
	}
	older, err := isOlder(path)
	switch {
	case err == nil && older:
		err = v.checkCopy(path)
	case err == nil:
		err = v.checkFile(path)
	}
	if err != nil {
		return v.report, fmt.Errorf("sqlite: verify %s: %w", file, causeOf(ctx, err))
	}
	return v.report, nil
}

// whenMade returns when a backup was made, and ErrNotBackup for a file that is something else.
// The file is not changed.
func whenMade(path string) (made time.Time, err error) {
	if info, err := os.Stat(path); err != nil {
		return made, err
	} else if !info.Mode().IsRegular() || info.Size() == 0 {
		return made, ErrNotBackup
	}
	c, err := dial(path, "", sqlite3.OPEN_READONLY)
	if err != nil {
		return made, err
	}
	application, err := c.integer(`PRAGMA application_id`)
	if errors.Is(err, sqlite3.NOTADB) {
		err = ErrNotBackup
	}
	var tables, millis int64
	if err == nil && application == applicationID {
		tables, err = c.integer(`SELECT count(*) FROM sqlite_schema WHERE name IN ('backup', 'backup_files')`)
	}
	switch {
	case err != nil:
	case tables != 2:
		err = ErrNotBackup
	default:
		millis, err = c.integer(`SELECT made FROM backup`)
	}
	return time.UnixMilli(millis), errors.Join(err, c.Close())
}
