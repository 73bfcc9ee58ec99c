package service

import (
	"context"
	"iter"
	"log/slog"
	"math"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/migrate"
	"chatroom/server/internal/store/sqlite"
)

// MoveFormer migrates the former store of a data directory to the current format.
func MoveFormer(ctx context.Context, dir *datadir.Dir, force bool, log *slog.Logger) (migrate.Report, error) {
	return migrate.Run(ctx, migrate.Config{
		Dir: dir, Encoding: eventpb.Encoding{}, Destination: sqliteDestination{log}, Force: force, Log: log,
	})
}

// sqliteDestination makes stores of the current format.
type sqliteDestination struct{ log *slog.Logger }

// config keeps everything: what is too much goes when the server opens the store.
func (d sqliteDestination) config(dir string) sqlite.Config {
	return sqlite.Config{Dir: dir, RoomEvents: math.MaxInt, Bytes: math.MaxInt64, Log: d.log}
}

// Import implements migrate.Destination.
func (d sqliteDestination) Import(ctx context.Context, dir string, f *migrate.Former) error {
	return sqlite.Import(ctx, d.config(dir), sqlite.Source{
		Epoch: f.Epoch, Next: f.Next, Rooms: sourceRooms(f), Events: sourceEvents(f.Events(ctx)), Records: sourceRecords(f),
	})
}

// Open implements migrate.Destination.
func (d sqliteDestination) Open(ctx context.Context, dir string) (migrate.Store, error) {
	return sqlite.Open(ctx, d.config(dir))
}

func sourceRooms(f *migrate.Former) iter.Seq2[sqlite.SourceRoom, error] {
	return func(yield func(sqlite.SourceRoom, error) bool) {
		for _, r := range f.Rooms {
			if !yield(sqlite.SourceRoom{Name: r.Name, Evicted: r.Evicted}, nil) {
				return
			}
		}
	}
}

func sourceEvents(events iter.Seq2[migrate.Event, error]) iter.Seq2[sqlite.SourceEvent, error] {
	return func(yield func(sqlite.SourceEvent, error) bool) {
		for e, err := range events {
			ok := yield(sqlite.SourceEvent{
				Sequence: e.Sequence, Room: e.Room, KeyDigest: e.KeyDigest, Payload: e.Payload, Time: e.Time,
				Relation: e.Relation, Target: e.Target, Counted: e.Counted, Author: e.Author, Erased: e.Erased,
			}, err)
			if !ok {
				return
			}
		}
	}
}

func sourceRecords(f *migrate.Former) iter.Seq2[chat.Record, error] {
	return func(yield func(chat.Record, error) bool) {
		for _, r := range f.Records {
			if !yield(chat.Record{Key: r.Key, Value: r.Value}, nil) {
				return
			}
		}
	}
}
