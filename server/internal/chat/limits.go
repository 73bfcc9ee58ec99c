package chat

import (
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// The bounds of what callers may send.
const (
	MaxRoomName = 64    // bytes of a-z, 0-9, dot, underscore and hyphen
	MaxText     = 4_000 // characters (code points)
	MaxID       = 64    // bytes
	MaxName     = 40    // characters
	MaxRooms    = 100   // rooms in one feed
	MaxRecent   = 1_000 // events that a feed may start with
	MaxPage     = 500   // events in a page of history

	MaxEmoji       = 32       // bytes
	MaxReactions   = 50       // different emoji at one message
	MaxReactors    = 1_000    // reactions at one message, of all members and emoji together
	MaxPayload     = 16 << 10 // bytes of a Custom's type and payload
	MaxDisplayName = 80       // characters
	MaxTopic       = 300      // characters
	MaxUnread      = 100      // messages that are counted as unread
	MaxSeen        = 100      // rooms whose unread messages are counted at once

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

// CleanName returns a member's name as others see it: in normal form and without white
// space around it. It refuses invisible characters and those that change the direction
// of text, as the Nickname profile of RFC 8266 does.
func CleanName(name string) (string, error) {
	const bound = "must be 1 to 40 characters, none of them invisible or changing the direction of text"
	clean, err := precis.Nickname.String(name)
	if err != nil {
		return "", &FieldError{"name", "name.characters", bound}
	}
	if n := utf8.RuneCountInString(clean); n < 1 || n > MaxName {
		return "", &FieldError{"name", "name.length", bound}
	}
	return clean, nil
}
