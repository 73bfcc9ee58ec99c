package migrate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"chatroom/server/internal/chat"
)

// readChunk is how many events or rooms are read from the new store at a time.
const readChunk = 500

// compare returns an error for the first difference, and counts what it compares. It keeps
// only a digest of the former events of each room: they are not sorted by room, and may not
// fit into memory.
func compare(ctx context.Context, f *Former, store Store, report *Report) error {
	rooms, h := make(map[string]*digestedRoom), sha256.New()
	for e, err := range f.Events(ctx) {
		if err != nil {
			return err
		}
		report.Events++
		if e.Erased {
			report.Erased++
			continue // the new store must not return it
		}
		if rooms[e.Room] == nil {
			rooms[e.Room] = &digestedRoom{}
		}
		rooms[e.Room].add(h, e.Sequence, e.Payload)
	}
	for _, room := range f.Rooms {
		want := rooms[room.Name]
		if want == nil {
			want = &digestedRoom{} // all of its events were deleted
		}
		if err := compareRoom(ctx, f, store, room, want); err != nil {
			return fmt.Errorf("room %q: %w", room.Name, err)
		}
	}
	if err := noOtherRooms(ctx, store, rooms); err != nil {
		return err
	}
	for _, r := range f.Records {
		record, err := store.Get(ctx, r.Key)
		if err != nil {
			return fmt.Errorf("record %q: %w", r.Key, err)
		}
		if !bytes.Equal(record.Value, r.Value) {
			return fmt.Errorf("record %q has another value", r.Key)
		}
	}
	report.Rooms, report.Records = len(f.Rooms), len(f.Records)
	return nil
}

// digestedRoom is a digest of the events of a room.
type digestedRoom struct {
	first, last uint64
	sum         [sha256.Size]byte // of the sum up to the previous event, and the sequence and payload of the last one
}

func (d *digestedRoom) add(h hash.Hash, sequence uint64, payload []byte) {
	if d.first == 0 {
		d.first = sequence
	}
	d.last = sequence
	h.Reset()
	h.Write(d.sum[:])
	h.Write(binary.LittleEndian.AppendUint64(nil, sequence))
	h.Write(payload)
	h.Sum(d.sum[:0])
}

// compareRoom reads a room of the new store.
func compareRoom(ctx context.Context, f *Former, store Store, room Room, want *digestedRoom) error {
	var got digestedRoom
	err := readRoom(ctx, store, room.Name, func(e chat.Stored) error {
		if e.Previous != got.last {
			return fmt.Errorf("event %d comes after %d instead of %d", e.Sequence, e.Previous, got.last)
		}
		got.add(sha256.New(), e.Sequence, e.Payload)
		return nil
	})
	if err != nil {
		return err
	}
	if got != *want {
		return findDifference(ctx, f, store, room.Name)
	}
	head, err := store.Head(ctx, room.Name)
	if err != nil {
		return err
	}
	if want := (chat.Head{Epoch: f.Epoch, First: want.first, Last: want.last, Evicted: room.Evicted}); head != want {
		return fmt.Errorf("its head is %+v instead of %+v", head, want)
	}
	return nil
}

// readRoom calls fn with all events of a room of the new store.
func readRoom(ctx context.Context, store Store, room string, fn func(chat.Stored) error) error {
	for after := uint64(0); ; {
		events, err := store.Read(ctx, room, after, readChunk)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := fn(e); err != nil {
				return err
			}
			after = e.Sequence
		}
		if len(events) < readChunk {
			return nil
		}
	}
}

// findDifference returns an error that names the first event that differs in a room.
func findDifference(ctx context.Context, f *Former, store Store, room string) error {
	var read []chat.Stored
	after := uint64(0)
	for e, err := range f.Events(ctx) {
		if err != nil {
			return err
		}
		if e.Room != room || e.Erased {
			continue
		}
		if len(read) == 0 {
			if read, err = store.Read(ctx, room, after, readChunk); err != nil {
				return err
			}
		}
		switch {
		case len(read) == 0:
			return fmt.Errorf("event %d is missing", e.Sequence)
		case read[0].Sequence != e.Sequence:
			return fmt.Errorf("event %d is in the place of %d", read[0].Sequence, e.Sequence)
		case !bytes.Equal(read[0].Payload, e.Payload):
			return fmt.Errorf("event %d has another payload", e.Sequence)
		}
		after, read = e.Sequence, read[1:]
	}
	return errors.New("it has more events")
}

func noOtherRooms(ctx context.Context, store Store, known map[string]*digestedRoom) error {
	for after := ""; ; {
		rooms, err := store.Rooms(ctx, after, readChunk)
		if err != nil {
			return err
		}
		for _, r := range rooms {
			after = r.Room
			if known[r.Room] == nil {
				return fmt.Errorf("room %q was not in the former store", r.Room)
			}
		}
		if len(rooms) < readChunk {
			return nil
		}
	}
}
