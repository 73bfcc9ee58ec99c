package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// copyPages is how many pages are copied without a pause: 2 MiB.
const copyPages = 256

// copyDatabase copies the pages of a database as of one moment. The checksum of each
// page that is not in the write-ahead log is compared. Another process may write to the
// database meanwhile, and the vfs is that of the copy.
func copyDatabase(ctx context.Context, from, to, vfs string) error {
	if err := createCopy(to, vfs); err != nil {
		return err
	}
	c, err := dial(from, "", sqlite3.OPEN_READWRITE)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, sqlite3.CANTOPEN) || errors.Is(err, sqlite3.READONLY) {
		c, err = dial(from, "", sqlite3.OPEN_READONLY)
	}
	if err != nil {
		return err
	}
	c.SetInterrupt(ctx)
	// SQLite starts a copy again whenever another connection has written. In a transaction
	// the copy is of what was there when it began.
	err = c.Exec(`PRAGMA query_only = 1; PRAGMA busy_timeout = 5000; BEGIN; SELECT count(*) FROM sqlite_schema`)
	if err == nil {
		err = c.copyTo(ctx, to, vfs)
	}
	return errors.Join(err, c.Close())
}

// withSpace adds to an error of the disk how much space is free in a directory. SQLite has the same
// error for a full disk as for a broken one.
func withSpace(dir string, err error) error {
	if !errors.Is(err, sqlite3.IOERR) && !errors.Is(err, sqlite3.FULL) || errors.Is(err, sqlite3.IOERR_DATA) {
		return err
	}
	free, failed := freeSpace(dir)
	if failed != nil {
		return err
	}
	return fmt.Errorf("%w, with %d KiB free in %s", err, free>>10, dir)
}

// copyTo copies pages for half of the time, so that a server has the other half of a disk or
// a processor that it has to share.
func (c *conn) copyTo(ctx context.Context, to, vfs string) error {
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(to)}
	if vfs != "" {
		uri.RawQuery = url.Values{"vfs": {vfs}}.Encode()
	}
	b, err := c.BackupInit("main", uri.String())
	if err != nil {
		return err
	}
	pause := time.NewTimer(0)
	defer pause.Stop()
	for done := false; !done && err == nil; {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), b.Close())
		}
		began := time.Now()
		done, err = b.Step(copyPages)
		pause.Reset(time.Since(began))
	}
	if closed := b.Close(); err == nil { // after a step that failed it is the same error
		err = closed
	}
	return err
}

// createCopy makes the file that a database is copied to. The driver gives a page its
// checksum only in a file whose first page says that there are checksums. A backup into
// a new file writes the first page last if it is larger than the cache, and pages from
// the write-ahead log come without checksums.
func createCopy(path, vfs string) error {
	// SQLite would create it readable for others.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	c, err := dial(path, vfs, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE)
	if err != nil {
		return err
	}
	err = c.Exec(fmt.Sprintf(`PRAGMA page_size = %d`, databasePageSize))
	if err == nil {
		err = c.EnableChecksums("main")
	}
	return errors.Join(err, c.Close())
}
