package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/migrate"
	"chatroom/server/internal/store/jetstream"
	"chatroom/server/internal/store/memory"
	"chatroom/server/internal/store/sqlite"
)

// memoryBytes bounds events that are kept in memory, whatever -retain-bytes says.
const memoryBytes = 256 << 20

// store keeps events and records.
type store interface {
	chat.Journal
	chat.State
}

// data is what a server keeps. Create it with openData.
type data struct {
	dir    *datadir.Dir // locked; nil with -data memory
	guests *identity.Guests
	store  store
}

// openData locks the data directory, and then opens what is in it. The addresses are
// where the server listens, for others that want the directory.
func openData(ctx context.Context, c *Config, addresses []string, log *slog.Logger) (*data, error) {
	if c.Data == MemoryData {
		d := &data{guests: identity.NewGuests(), store: openMemory(c)}
		return d, d.startGuests(ctx, c)
	}
	dir, err := lockData(ctx, c, addresses)
	if err != nil {
		return nil, fmt.Errorf("-data: %w", err)
	}
	c.Manager.Status("opening the store")
	d := &data{dir: dir}
	if err := d.open(ctx, c, log); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return d, nil
}

func (d *data) open(ctx context.Context, c *Config, log *slog.Logger) error {
	if c.NATS != "" {
		return d.openShared(ctx, c, log)
	}
	format, err := d.dir.Format()
	if err != nil {
		return fmt.Errorf("-data: %w", err)
	}
	if _, err := os.Stat(d.keyFile()); err == nil {
		if err := d.openGuests(format, log); err != nil {
			return err
		}
	}
	if err := useCurrentFormat(ctx, d.dir, format, log); err != nil {
		return err
	}
	if d.store, err = openSQLite(ctx, c, d.dir, log); err != nil {
		return err
	}
	// A key is created last: if the start failed after that, the next one would not notice the loss of the
	// former key.
	if d.guests == nil {
		err = d.openGuests(format, log)
	}
	if err == nil {
		err = d.startGuests(ctx, c)
	}
	if err != nil {
		return errors.Join(err, d.store.Close())
	}
	return nil
}

// openGuests reads the key of guests, or creates one.
func (d *data) openGuests(format datadir.Format, log *slog.Logger) (err error) {
	if d.guests, err = identity.OpenGuests(d.dir.Path()); err != nil {
		return err
	}
	if d.guests.NewKey() && format != datadir.Empty {
		log.Error("the key of guests was missing, and is a new one: all guests have lost their identities, and can't edit or delete what they have sent; to restore them, stop the server and put the file back from a backup",
			"file", d.keyFile())
	}
	return nil
}

// openShared opens the store that all nodes share, and the key of guests in it.
func (d *data) openShared(ctx context.Context, c *Config, log *slog.Logger) (err error) {
	if d.store, err = openNATS(ctx, c, log); err != nil {
		return err
	}
	var differs bool
	if d.guests, differs, err = identity.OpenSharedGuests(ctx, d.dir.Path(), d.store); err != nil {
		return errors.Join(err, d.store.Close())
	}
	if differs {
		log.Error("the key of guests in the data directory is not the one that the nodes share, and is not used: tokens that it has signed are not valid; remove the file",
			"file", d.keyFile())
	}
	if err := d.startGuests(ctx, c); err != nil {
		return errors.Join(err, d.store.Close())
	}
	return nil
}

func (d *data) keyFile() string { return filepath.Join(d.dir.Path(), identity.KeyName) }

func (d *data) startGuests(ctx context.Context, c *Config) error {
	if c.NoGuests {
		d.guests.TurnOff()
	}
	return d.guests.KeepRevoked(ctx, d.store)
}

// useCurrentFormat migrates a store of the former format to the current one, or warns of
// the files of one that was migrated.
func useCurrentFormat(ctx context.Context, dir *datadir.Dir, format datadir.Format, log *slog.Logger) error {
	if err := migrate.CleanUp(dir.Path()); err != nil {
		return err
	}
	if format == datadir.Former {
		if _, err := MoveFormer(ctx, dir, false, log); err != nil {
			return err
		}
	}
	left, err := dir.FormerFiles()
	if err != nil || len(left) == 0 {
		return err
	}
	log.Warn("files of the former store are still there: what is deleted from now on stays in them; remove them once you don't want to go back",
		"files", left)
	used, err := migrate.UsedSince(dir.Path())
	if used {
		log.Error("the former store has changed since it was migrated: what a former server has stored in it meanwhile is not in this one; to migrate it again, and lose what was stored here, stop the server and remove "+datadir.DatabaseName+" and "+datadir.DatabaseName+"-wal",
			"data", dir.Path())
	}
	return err
}

// Close closes the store, and then lets others have the directory.
func (d *data) Close() error {
	d.guests.Close()
	err := d.store.Close()
	if d.dir == nil {
		return err
	}
	return errors.Join(err, d.dir.Close())
}

// openSQLite opens the database in the data directory.
func openSQLite(ctx context.Context, c *Config, dir *datadir.Dir, log *slog.Logger) (store, error) {
	s, err := sqlite.Open(ctx, sqlite.Config{
		Dir:        dir.Path(),
		Window:     c.DedupWindow,
		RoomEvents: c.RetainRoomEvents,
		Age:        c.RetainAge,
		Bytes:      c.RetainBytes,
		NoFsync:    c.NoFsync,
		Log:        log,
		Writable:   c.writable,
		Committed:  c.Tracing.Committed(),
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openNATS opens what NATS servers keep.
func openNATS(ctx context.Context, c *Config, log *slog.Logger) (store, error) {
	s, err := jetstream.Open(ctx, jetstream.Config{
		URL:        c.NATS,
		Replicas:   c.NATSReplicas,
		Window:     c.DedupWindow,
		RoomEvents: c.RetainRoomEvents,
		Age:        c.RetainAge,
		Bytes:      c.RetainBytes,
		Log:        log,
		Writable:   c.writable,
	})
	if err != nil {
		return nil, fmt.Errorf("-nats: %w", err)
	}
	return s, nil
}

func openMemory(c *Config) store {
	return memory.Open(memory.Config{RoomEvents: c.RetainRoomEvents, Age: c.RetainAge, Bytes: int(min(c.RetainBytes, memoryBytes)), Window: c.DedupWindow})
}
