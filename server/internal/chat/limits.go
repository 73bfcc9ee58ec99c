package chat

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"chatroom/server/internal/text"
)

// The bounds of what callers may send.
const (
	MaxRoomName = 64    // bytes of a-z, 0-9, dot, underscore and hyphen
	MaxText     = 4_000 // characters (code points)
	MaxID       = 64    // bytes
	MaxName     = 40    // characters (grapheme clusters)
	MaxRooms    = 100   // rooms in one feed
	MaxRecent   = 1_000 // events that a feed may start with
	MaxPage     = 500   // events in a page of history

	MaxEmoji       = text.MaxEmoji // bytes
	MaxReactions   = 50            // different emoji at one message
	MaxReactors    = 1_000         // reactions at one message, of all members and emoji together
	MaxPayload     = 16 << 10      // bytes of a Custom's type and payload
	MaxDisplayName = 80            // characters (grapheme clusters)
	MaxTopic       = 300           // characters
	MaxUnread      = 100           // messages that are counted as unread
	MaxSeen        = 100           // rooms whose unread messages are counted at once

	MaxRoomsChanged = 100 // rooms in a RoomsChanged, and removed ones beside them
)

// CheckRoom returns a *FieldError for a string that is not a valid name of a room.
func CheckRoom(name string) error { return CheckRoomField("room", name) }

// CheckRoomField is CheckRoom for a room that another field of a request names.
func CheckRoomField(field, name string) error {
	ok := 1 <= len(name) && len(name) <= MaxRoomName
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		ok = 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
	}
	if !ok {
		return &FieldError{field, "room.name", "must be 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen"}
	}
	return nil
}

func checkID(id string) error {
	switch {
	case len(id) < 1 || len(id) > MaxID:
		return &FieldError{"id", "id.length", "must be 1 to 64 bytes"}
	case !utf8.ValidString(id):
		return &FieldError{"id", "id.utf8", "must be valid UTF-8"}
	}
	return nil
}

// CleanName returns a member's name as it is stored and shown: see text.Nickname. The
// error is a *FieldError.
func CleanName(name string) (string, error) { return cleanName("name", name, MaxName) }

func cleanName(field, name string, characters int) (string, error) {
	clean, err := text.Nickname(name, characters)
	bound := fmt.Sprintf("must be 1 to %d characters", characters)
	switch {
	case err == nil:
		return clean, nil
	case errors.Is(err, text.ErrNameLength):
		return "", &FieldError{field, "name.length", bound}
	case errors.Is(err, text.ErrNameBlank):
		return "", &FieldError{field, "name.visible", bound + ", at least one of them visible"}
	case errors.Is(err, text.ErrNameMarks):
		return "", &FieldError{field, "name.marks", bound + " with at most 4 marks on each, and not the same mark twice in a row"}
	}
	return "", &FieldError{field, "name.characters", bound + ", none of them invisible or changing the direction of text"}
}
