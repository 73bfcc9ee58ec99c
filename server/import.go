package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/roomfile"
	"chatroom/server/internal/service"
	"chatroom/server/internal/store/sqlite"
)

// runImport adds the rooms of a file that runExport has written to the store of a data
// directory, all of them or none.
func runImport(ctx context.Context, args []string, p process) (err error) {
	flags := flag.NewFlagSet("chatroom import", flag.ContinueOnError)
	path := flags.String("data", service.DefaultData, "the data `directory`, which is created unless it exists; no server may use it")
	kinds := flags.String("schema", "", "the `file` with the descriptor set of the kinds of custom events, as for serve")
	as := flags.String("as", "", "the `name` of the room here, if the file has one room")
	nats := flags.String("nats", "", "refused: rooms are imported into a data directory only")
	file, err := parseFile(flags, "FILE", args, p)
	switch {
	case err != nil:
		return err
	case *nats != "":
		return errors.New(natsRooms)
	case file == "":
		return errors.New("import: must be followed by the file that chatroom export has written, or - for the standard input")
	}
	if *as != "" {
		if err := chat.CheckRoomField(fmt.Sprintf("-as: %q", *as), *as); err != nil {
			return err
		}
	}
	types, err := openSchema(*kinds)
	if err != nil {
		return err
	}
	in := io.Reader(os.Stdin)
	if file != "-" {
		f, err := os.Open(file) // before the directory is created
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		defer f.Close()
		in = f
	}
	dir, err := openForImport(*path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeCreated(dir, err)) }()
	format, err := dir.Format()
	if err != nil {
		return fmt.Errorf("-data: %w", err)
	}
	isNew := format == datadir.Empty
	began := time.Now()
	i := &importer{as: *as, now: began.UTC()}
	if err := sqlite.AddRooms(ctx, *path, i.rooms(roomfile.NewReader(in, types))); err != nil {
		return fmt.Errorf("nothing was imported: %s: %w", file, explainImport(err))
	}
	if isNew {
		if err := createGuestsKey(*path, p); err != nil {
			return err
		}
	}
	for _, line := range i.lines {
		fmt.Fprintln(p.stdout, line)
	}
	fmt.Fprintf(p.stdout, "imported %s of %s, in %s\n", number(i.events, "event"), number(len(i.lines), "room"), time.Since(began).Round(time.Millisecond))
	return nil
}

// openForImport locks a data directory that has a store of the current format, or none.
func openForImport(path string) (*datadir.Dir, error) {
	if format, err := datadir.FormatOf(path); err == nil && format == datadir.Former {
		return nil, checkCurrent(path, "imported")
	}
	dir, err := datadir.Open(path)
	if err != nil {
		return nil, fmt.Errorf("-data: %w", err)
	}
	return dir, nil
}

// createGuestsKey creates the key of guests in a directory that had no store, unless the user has put
// one there: a server would take a missing one for a loss.
func createGuestsKey(path string, p process) error {
	guests, err := identity.OpenGuests(path)
	if err != nil {
		return fmt.Errorf("the rooms were imported, but: %w", err)
	}
	guests.Close()
	if guests.NewKey() {
		fmt.Fprintf(p.stdout, "the key of guests in %s is new: to keep the identities of the members, replace it with that of the server that the rooms are from\n", path)
	}
	return nil
}

// explainImport adds the remedy to an error.
func explainImport(err error) error {
	if errors.Is(err, sqlite.ErrRoomExists) {
		return fmt.Errorf("%w: -as NAME gives it another name", err)
	}
	return err
}

// importer turns what is in a file into what is stored.
type importer struct {
	as     string // the name of the only room, unless it is empty
	now    time.Time
	events int
	lines  []string // about each room
}

// rooms returns the rooms of a file.
func (i *importer) rooms(r *roomfile.Reader) iter.Seq2[sqlite.AddedRoom, error] {
	return func(yield func(sqlite.AddedRoom, error) bool) {
		for room, err := range r.Rooms() {
			if err == nil && i.as != "" && room.Rooms > 1 {
				err = fmt.Errorf("-as: the file has %d rooms, and not one", room.Rooms)
			}
			var added sqlite.AddedRoom
			if err == nil {
				added, err = i.room(room)
			}
			if !yield(added, err) || err != nil {
				return
			}
		}
	}
}

func (i *importer) room(room *roomfile.Room) (sqlite.AddedRoom, error) {
	name := room.Room
	if i.as != "" {
		name = i.as
	}
	records, err := directory.NewRecords(eventpb.Encoding{}, name, i.now, directory.Records{
		Profile: chat.Profile{DisplayName: room.Profile.DisplayName, Topic: room.Profile.Topic}, Creator: room.Creator,
	})
	return sqlite.AddedRoom{
		Name: name, RecordPrefix: directory.RecordPrefix(name), Records: records,
		Events: func(shift uint64) iter.Seq2[sqlite.SourceEvent, error] {
			i.lines = append(i.lines, fmt.Sprintf("room %q: sequence 1 of the file is %d here", name, 1+shift))
			return i.roomEvents(room, name, shift)
		},
	}, err
}

func (i *importer) roomEvents(room *roomfile.Room, name string, shift uint64) iter.Seq2[sqlite.SourceEvent, error] {
	return func(yield func(sqlite.SourceEvent, error) bool) {
		for e, err := range room.Events() {
			var source sqlite.SourceEvent
			if err == nil {
				source, err = i.event(roomfile.Shift(e, shift), name)
			}
			if !yield(source, err) || err != nil {
				return
			}
			i.events++
		}
	}
}

// event returns an event as the server would have stored it.
func (i *importer) event(e *chat.Event, room string) (sqlite.SourceEvent, error) {
	sequence := e.Sequence
	e.Room, e.Sequence = room, 0
	entry, err := chat.NewEntry(eventpb.Encoding{}, e)
	at := e.Time
	if at.After(i.now) { // the times of rows never go back, not for what is stored next, either
		at = i.now
	}
	return sqlite.SourceEvent{
		Sequence: sequence, Room: room, Key: entry.Key, Payload: entry.Payload, Time: at,
		Relation: entry.Relation, Target: entry.Target, Counted: entry.Counted, Author: entry.Author,
	}, err
}
