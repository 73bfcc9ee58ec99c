package roomfile

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/schema"
)

// chunk is how many events or rooms are read at a time.
const chunk = 500

// Store is what an export reads. Nothing may be written to it meanwhile.
type Store interface {
	chat.Journal
	chat.State
}

// ExportConfig configures Export. Store and Encoding are required.
type ExportConfig struct {
	Store    Store
	Encoding chat.Encoding
	// Rooms are what is exported, in this order. None means all rooms.
	Rooms []string
	// Kinds are those of custom events, nil for none.
	Kinds *schema.Schema
	// Program is the name and the version of the program.
	Program string
	// Made is the moment as of which the store is.
	Made time.Time
}

// Exported says what was exported.
type Exported struct {
	Rooms, Events int
	// Partial is how many events have a custom payload with fields that its type does not
	// declare, which are left out.
	Partial int
}

// Export writes rooms of a store.
func Export(ctx context.Context, out io.Writer, c ExportConfig) (done Exported, err error) {
	all, err := c.rooms(ctx)
	if err != nil {
		return done, err
	}
	for _, room := range c.Rooms {
		if !slices.Contains(all, room) {
			return done, fmt.Errorf("-room: there is no room %q", room)
		}
	}
	if len(c.Rooms) > 0 {
		all = c.Rooms
	}
	if len(all) == 0 {
		return done, fmt.Errorf("there is no room to export")
	}
	w := NewWriter(out, c.Kinds)
	for i, room := range all {
		head, err := c.Store.Head(ctx, room)
		if err != nil {
			return done, err
		}
		records, err := directory.ReadRecords(ctx, c.Store, c.Encoding, room)
		if err != nil {
			return done, err
		}
		n, err := w.Room(Header{
			Program: c.Program, Made: c.Made.UTC(), Number: i + 1, Rooms: len(all), Room: room, Epoch: head.Epoch,
			Profile: Profile{records.Profile.DisplayName, records.Profile.Topic}, Creator: records.Creator,
		}, c.events(ctx, room))
		if err != nil {
			return done, fmt.Errorf("room %q: %w", room, err)
		}
		done.Events += n
	}
	done.Rooms, done.Partial = len(all), w.Partial()
	return done, nil
}

// rooms returns the names of all rooms, sorted.
func (c ExportConfig) rooms(ctx context.Context) ([]string, error) {
	rooms, err := directory.RoomsWithRecords(ctx, c.Store)
	if err != nil {
		return nil, err
	}
	for after := ""; ; {
		heads, err := c.Store.Rooms(ctx, after, chunk)
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			after = h.Room
			rooms = append(rooms, h.Room)
		}
		if len(heads) < chunk {
			break
		}
	}
	slices.Sort(rooms)
	return slices.Compact(rooms), nil
}

// events returns the events of a room.
func (c ExportConfig) events(ctx context.Context, room string) iter.Seq2[*chat.Event, error] {
	return func(yield func(*chat.Event, error) bool) {
		for after := uint64(0); ; {
			stored, err := c.Store.Read(ctx, room, after, chunk)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, s := range stored {
				e, err := c.Encoding.Decode(s.Payload)
				if err != nil {
					err = fmt.Errorf("decode event %d: %w", s.Sequence, err)
				} else {
					e.Room, e.Sequence, e.Previous = room, s.Sequence, s.Previous
				}
				if !yield(e, err) || err != nil {
					return
				}
				after = s.Sequence
			}
			if len(stored) < chunk {
				return
			}
		}
	}
}
