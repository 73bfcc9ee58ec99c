package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"os"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/migrate"
	"chatroom/server/internal/rpc"
	"chatroom/server/internal/store/sqlite"
)

// runMigrate moves a store of the former format into the current one, as the start of a
// server does, too. Running it again changes nothing.
func runMigrate(ctx context.Context, args []string, p process) (err error) {
	flags := flag.NewFlagSet("chatroom migrate", flag.ContinueOnError)
	path := flags.String("data", "./data", "the data `directory`; no server may use it")
	force := flags.Bool("force", false, "move what can be read of a damaged store; clients are told to read their rooms afresh")
	if err := parseCommand(flags, args, p); err != nil {
		return err
	}
	if _, err := os.Stat(*path); err != nil { // opening would create it
		return fmt.Errorf("-data: %w", err)
	}
	dir, err := datadir.Open(*path)
	if err != nil {
		return fmt.Errorf("-data %w", err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	format, err := dir.Format()
	if err != nil {
		return fmt.Errorf("-data %w", err)
	}
	if format != datadir.Former {
		fmt.Fprintf(p.stdout, "%s holds no store of the former format, or one that was moved already: nothing was changed\n", *path)
		return nil
	}
	report, err := moveFormer(ctx, dir, *force, p.log())
	if err != nil {
		return err
	}
	left, err := dir.FormerFiles()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "moved %d events (of which %d are deleted) of %d rooms and %d records, and compared each with the former store, in %s\n",
		report.Events, report.Erased, report.Rooms, report.Records, report.Took.Round(time.Millisecond))
	fmt.Fprintf(p.stdout, "the former files are unchanged, and hold what is deleted from now on, too; remove them once you don't want to go back: %q\n", left)
	return nil
}

// parseCommand parses the flags of a command, and for those not given the environment.
func parseCommand(flags *flag.FlagSet, args []string, p process) error {
	flags.SetOutput(p.stderr)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: see -h", flags.Arg(0))
	}
	return fromEnvironment(flags, p.getenv)
}

// moveFormer moves the former store of a data directory into the current format.
func moveFormer(ctx context.Context, dir *datadir.Dir, force bool, log *slog.Logger) (migrate.Report, error) {
	return migrate.Run(ctx, migrate.Config{
		Dir: dir, Encoding: rpc.Encoding{}, Destination: sqliteDestination{log}, Force: force, Log: log,
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
