package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"chatroom/server/internal/apikey"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/store/sqlite"
)

// WithKeys calls fn with the API keys of the server that uses a data directory, wherever they
// are stored, or with those in the directory if no server runs.
func WithKeys(ctx context.Context, path string, log *slog.Logger, fn func(apikey.Store) error) (err error) {
	if remote, err := apikey.Dial(ctx, filepath.Join(path, adminSocket)); err == nil {
		return fn(remote)
	}
	dir, err := datadir.Open(path)
	if err != nil {
		return fmt.Errorf("-data: %w", err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	format, err := dir.Format()
	switch {
	case err != nil:
		return fmt.Errorf("-data: %w", err)
	case format == datadir.Former:
		return fmt.Errorf("-data: %s holds a store of the former format: run chatroom migrate first", path)
	}
	if format == datadir.Empty {
		// A store without this file is one that has lost it.
		if _, err := identity.OpenGuests(dir.Path()); err != nil {
			return err
		}
	}
	// The limits are the server's to apply: this drops no event and forgets no id.
	store, err := sqlite.Open(ctx, sqlite.Config{
		Dir: dir.Path(), RoomEvents: math.MaxInt, Bytes: math.MaxInt64, Window: 24 * time.Hour, Log: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	keys, err := apikey.Open(ctx, store, apikey.Config{Log: log})
	if err != nil {
		return err
	}
	defer keys.Close()
	return fn(keys)
}
