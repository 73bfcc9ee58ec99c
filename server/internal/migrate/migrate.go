package migrate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/durable"
)

// stagingName is the directory below the data directory in which the new store is created.
const stagingName = datadir.DatabaseName + ".migrating"

// Config configures Run.
type Config struct {
	// Dir is the data directory. It must hold a store of the former format.
	Dir *datadir.Dir
	// Encoding decodes the payloads of events.
	Encoding chat.Encoding
	// Destination creates the new store.
	Destination Destination
	// Force moves what can be read of a damaged store, under a new epoch.
	Force bool
	// Log receives the progress and the findings. Nil means slog.Default.
	Log *slog.Logger
}

// Destination creates and opens stores of the current format.
type Destination interface {
	// Import creates a store in an empty directory with the content of a former one, and
	// makes it durable. The path is absolute.
	Import(ctx context.Context, dir string, f *Former) error
	// Open opens a store that Import has created, without applying retention.
	Open(ctx context.Context, dir string) (Store, error)
}

// Store is the parts of chat.Journal and chat.State that read a new store.
type Store interface {
	Head(ctx context.Context, room string) (chat.Head, error)
	Rooms(ctx context.Context, after string, limit int) ([]chat.RoomHead, error)
	Read(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error)
	Get(ctx context.Context, key string) (chat.Record, error)
	Close() error
}

// Report says what was migrated.
type Report struct {
	Rooms, Events, Records int
	Erased                 int // events that were deleted and have no payload
	Took                   time.Duration
	Findings               []string // what was damaged or missing
	Epoch                  string
	NewEpoch               bool // clients receive a Reset
}

// DamageError is returned for a former store of which something is damaged or missing.
type DamageError struct {
	Dir      string // the data directory
	Findings []string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("the former store in %s is damaged, and was not migrated; nothing was changed:\n  - %s\n"+
		"Restore the directory from a backup. Or migrate all that can be read with\n"+
		"  chatroom migrate -force -data %s\n"+
		"Then what is listed here is lost, and clients reload their rooms.",
		e.Dir, strings.Join(e.Findings, "\n  - "), e.Dir)
}

// Run moves the former store of a data directory into a new one, compares both event by
// event, and only then installs the new one. It does not change the former files. A Run that
// fails or is killed leaves at most a directory that the next one removes. It returns a *DamageError unless Force is set.
func Run(ctx context.Context, c Config) (Report, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	start, dir := time.Now(), c.Dir.Path()
	staging, err := filepath.Abs(filepath.Join(dir, stagingName))
	if err == nil {
		err = CleanUp(dir)
	}
	if err == nil {
		err = checkNoLog(dir)
	}
	if err != nil {
		return Report{}, err
	}
	c.Log.Info("moving the store of the former format into the new one", "data", dir)
	f, err := OpenFormer(ctx, dir, c.Encoding)
	if err != nil {
		return Report{}, fmt.Errorf("read the former store: %w", err)
	}
	if len(f.Findings) > 0 && !c.Force {
		return Report{}, &DamageError{Dir: dir, Findings: f.Findings}
	}
	report := Report{Findings: f.Findings, NewEpoch: f.Epoch == ""}
	if report.NewEpoch {
		f.Epoch = rand.Text()
	}
	report.Epoch = f.Epoch
	if err := os.Mkdir(staging, 0o700); err != nil {
		return Report{}, err
	}
	err = c.Destination.Import(ctx, staging, f)
	if err != nil {
		err = fmt.Errorf("write the new store: %w", err)
	} else {
		err = c.verify(ctx, staging, f, &report)
	}
	if err == nil {
		err = writeMoved(staging, f)
	}
	if err == nil {
		err = install(staging, dir)
	}
	if err != nil {
		return Report{}, errors.Join(err, os.RemoveAll(staging))
	}
	report.Took = time.Since(start)
	c.log(f, report)
	return report, os.RemoveAll(staging)
}

// CleanUp removes what a killed Run has left.
func CleanUp(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, stagingName)); err != nil {
		return fmt.Errorf("remove what an earlier migration has left: %w", err)
	}
	return nil
}

// checkNoLog returns an error for a directory that has a write-ahead log without its
// database: SQLite would apply it to the new one.
func checkNoLog(dir string) error {
	path := filepath.Join(dir, datadir.DatabaseName+"-wal")
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0:
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%s belongs to %s, which is missing: restore that from a backup, or remove the first to migrate the former store again",
		path, datadir.DatabaseName)
}

// verify compares the new store with the former one, which it reads again.
func (c Config) verify(ctx context.Context, staging string, f *Former, report *Report) error {
	store, err := c.Destination.Open(ctx, staging)
	if err != nil {
		return fmt.Errorf("open the new store: %w", err)
	}
	err = compare(ctx, f, store, report)
	if err := errors.Join(err, store.Close()); err != nil {
		return fmt.Errorf("compare the new store with the former one: %w", err)
	}
	changed, err := f.Changed()
	if err != nil {
		return err
	}
	if changed {
		return errChanged
	}
	return nil
}

// install moves the files of a new store into the data directory. The database is the last
// one: until then the former store is the current one.
func install(staging, dir string) error {
	entries, err := os.ReadDir(staging)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == datadir.DatabaseName {
			continue
		}
		if err := os.Rename(filepath.Join(staging, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	if err := durable.SyncDir(dir); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(staging, datadir.DatabaseName), filepath.Join(dir, datadir.DatabaseName)); err != nil {
		return err
	}
	return durable.SyncDir(dir)
}

func (c Config) log(f *Former, r Report) {
	for _, finding := range r.Findings {
		c.Log.Error("lost from the former store: " + finding)
	}
	if r.NewEpoch {
		c.Log.Warn("clients will reload their rooms: the former log was damaged, or has changed since its server stopped", "epoch", r.Epoch)
	}
	if f.Unreadable > 0 {
		c.Log.Warn("events of the former store can't be decoded; they were migrated as they are", "events", f.Unreadable)
	}
	c.Log.Info("migrated the former store, and compared each event", "rooms", r.Rooms, "events", r.Events, "deleted", r.Erased, "records", r.Records, "took", r.Took.Round(time.Millisecond))
}
