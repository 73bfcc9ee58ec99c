package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/durable"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/roomfile"
	"chatroom/server/internal/schema"
	"chatroom/server/internal/service"
	"chatroom/server/internal/store/sqlite"
)

// natsRooms says why rooms in NATS are neither exported nor imported.
const natsRooms = "-nats: the store is in NATS, which can't be read as of one moment: only the rooms of a store in a data directory are exported and imported; nats account backup DIR saves the streams, and nats account restore DIR restores them in another NATS"

// runExport writes rooms of a data directory as lines of JSON. A server may use the directory
// meanwhile.
func runExport(ctx context.Context, args []string, p process) (err error) {
	flags := flag.NewFlagSet("chatroom export", flag.ContinueOnError)
	path := flags.String("data", service.DefaultData, "the data `directory`; a server may use it meanwhile")
	kinds := flags.String("schema", "", "the `file` with the descriptor set of the kinds of custom events, as for serve")
	nats := flags.String("nats", "", "refused: only the rooms of a data directory are exported")
	var rooms names
	flags.Var(&rooms, "room", "the `names` of the rooms; may be repeated; default: all")
	file, err := parseFile(flags, "[FILE]", args, p)
	switch {
	case err != nil:
		return err
	case *nats != "":
		return errors.New(natsRooms)
	}
	if err := checkRoomNames(rooms.list); err != nil {
		return err
	}
	types, err := openSchema(*kinds)
	if err != nil {
		return err
	}
	beside := os.TempDir()
	if file != "" {
		if _, err := os.Lstat(file); err == nil {
			return fmt.Errorf("export: %s exists, and is not overwritten: name another file", file)
		}
		beside = filepath.Dir(file)
	}
	if err := checkCurrent(*path, "exported"); err != nil {
		return err
	}
	// The directory keeps the copy and the unfinished file private, and is removed as a whole.
	temporary, err := os.MkdirTemp(beside, ".chatroom-export-*")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	e := export{data: *path, rooms: rooms.list, types: types, temporary: temporary, file: file}
	return e.run(ctx, p)
}

// export is one run of the command.
type export struct {
	data      string
	rooms     []string // none for all
	types     *schema.Schema
	temporary string
	file      string // empty for the standard output
}

func (e export) run(ctx context.Context, p process) (err error) {
	began := time.Now()
	store, report, err := sqlite.OpenCopy(ctx, e.data, e.temporary)
	if err != nil {
		return fmt.Errorf("there is no export: %w", err)
	}
	if printFindings(report.Findings, process{stdout: p.stderr}) {
		return errors.New("there is no export: the store is damaged, see above")
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	write := func(out io.Writer) error {
		buffered := bufio.NewWriterSize(out, 64<<10)
		done, err := roomfile.Export(ctx, buffered, roomfile.ExportConfig{
			Store: store, Encoding: eventpb.Encoding{}, Rooms: e.rooms, Kinds: e.types, Program: version(), Made: began,
		})
		if err = errors.Join(err, buffered.Flush()); err != nil {
			return fmt.Errorf("there is no export: %w", err)
		}
		if done.Partial > 0 {
			p.log().Warn("custom events have fields that their types in -schema do not declare: those are left out", "events", done.Partial)
		}
		fmt.Fprintf(p.stderr, "exported %s of %s, in %s\n", number(done.Events, "event"), number(done.Rooms, "room"), time.Since(began).Round(time.Millisecond))
		return nil
	}
	if e.file == "" {
		return write(p.stdout)
	}
	return e.writeFile(write)
}

// writeFile creates the file once all is in it.
func (e export) writeFile(write func(io.Writer) error) error {
	unfinished := filepath.Join(e.temporary, "export")
	f, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return durable.Move(unfinished, e.file)
}

func checkRoomNames(rooms []string) error {
	for i, room := range rooms {
		if err := chat.CheckRoomField(fmt.Sprintf("-room: %q", room), room); err != nil {
			return err
		}
		if slices.Contains(rooms[:i], room) {
			return fmt.Errorf("-room: %q is there twice", room)
		}
	}
	return nil
}

func openSchema(file string) (*schema.Schema, error) {
	if file == "" {
		return nil, nil
	}
	types, err := schema.Open(file)
	if err != nil {
		return nil, fmt.Errorf("-schema: %w", err)
	}
	return types, nil
}

// checkCurrent returns an error for a directory without a store of the current format.
func checkCurrent(path, done string) error {
	switch format, err := datadir.FormatOf(path); {
	case err != nil:
		return fmt.Errorf("-data: %w", err)
	case format == datadir.Former:
		return fmt.Errorf("-data: %s holds a store of the former format: chatroom migrate -data %s migrates it while the server is stopped", path, path)
	case format == datadir.Empty:
		return fmt.Errorf("-data: there is no store in %s; with -nats the store is in NATS, whose rooms can't be %s", path, done)
	}
	return nil
}
