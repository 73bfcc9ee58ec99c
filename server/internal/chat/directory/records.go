package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chatroom/server/internal/chat"
)

// Records are what the state has about a room.
type Records struct {
	Profile chat.Profile
	Creator string // the id of the member who has made the room; empty if that is not stored
}

// RecordPrefix returns the prefix of the keys of all records about a room.
func RecordPrefix(room string) string { return profilePrefix + room + "/" }

func creatorKey(room string) string { return RecordPrefix(room) + creatorSuffix[1:] }

// ReadRecords returns the records about a room.
func ReadRecords(ctx context.Context, s chat.State, encoding chat.Encoding, room string) (r Records, err error) {
	record, err := s.Get(ctx, profileKey(room))
	switch {
	case errors.Is(err, chat.ErrNoRecord):
	case err != nil:
		return r, err
	default:
		event, err := encoding.Decode(record.Value)
		if err != nil {
			return r, fmt.Errorf("decode the profile of room %q: %w", room, err)
		}
		changed, _ := event.Body.(chat.RoomChanged)
		r.Profile = changed.Profile
	}
	record, err = s.Get(ctx, creatorKey(room))
	if err != nil && !errors.Is(err, chat.ErrNoRecord) {
		return r, err
	}
	r.Creator = string(record.Value)
	return r, nil
}

// NewRecords returns the records of a room, as they are stored.
func NewRecords(encoding chat.Encoding, room string, at time.Time, r Records) (records []chat.Record, err error) {
	if r.Profile != (chat.Profile{}) {
		value, err := encoding.Encode(&chat.Event{Time: at, Body: chat.RoomChanged{Profile: r.Profile}})
		if err != nil {
			return nil, fmt.Errorf("encode the profile of room %q: %w", room, err)
		}
		records = append(records, chat.Record{Key: profileKey(room), Value: value})
	}
	if r.Creator != "" {
		records = append(records, chat.Record{Key: creatorKey(room), Value: []byte(r.Creator)})
	}
	return records, nil
}

// RoomsWithRecords returns the names of the rooms that have a profile or a creator.
func RoomsWithRecords(ctx context.Context, s chat.State) (rooms []string, err error) {
	for after := ""; ; {
		records, err := s.List(ctx, profilePrefix, after, profilesChunk)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			after = r.Key
			room, _, _ := strings.Cut(strings.TrimPrefix(r.Key, profilePrefix), "/")
			if chat.CheckRoom(room) == nil && (len(rooms) == 0 || rooms[len(rooms)-1] != room) {
				rooms = append(rooms, room)
			}
		}
		if len(records) < profilesChunk {
			return rooms, nil
		}
	}
}
