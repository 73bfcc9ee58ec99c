package chat

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chatroom/server/internal/text"
)

// Profile is how a room presents itself.
type Profile struct {
	DisplayName string // up to MaxDisplayName characters
	Topic       string // up to MaxTopic characters
}

// Clean returns the profile as others see it: the name in normal form, and without white
// space around it. It returns a *FieldError for what no room may have.
func (p Profile) Clean() (Profile, error) {
	if p.DisplayName != "" {
		clean, err := cleanName("display_name", p.DisplayName, MaxDisplayName)
		if err != nil {
			return Profile{}, err
		}
		p.DisplayName = clean
	}
	p.Topic = strings.TrimSpace(p.Topic)
	hidden := func(c rune) bool { return c == utf8.RuneError || !unicode.IsGraphic(c) }
	if utf8.RuneCountInString(p.Topic) > MaxTopic || strings.ContainsFunc(p.Topic, hidden) {
		return Profile{}, &FieldError{"topic", "topic.characters", "must be one line of up to 300 characters"}
	}
	if p.Topic != "" && !text.Visible(p.Topic) {
		return Profile{}, &FieldError{"topic", "topic.visible", "must have a visible character, or be empty"}
	}
	return p, nil
}

// RoomInfo describes a room.
type RoomInfo struct {
	Name         string
	Head         uint64    // the newest event's sequence, 0 when there is none
	LastActivity time.Time // when that was stored, in milliseconds; zero when there is none
	Messages     uint64    // how many messages were ever stored in it
	Members      int       // connected to this node
	Profile      Profile
	Unread       int // messages of others after the caller's cursor, MaxUnread at most; -1 without a cursor
}

// RoomsChanged says how the list of rooms has changed since the previous RoomsChanged.
// It is shared between feeds and never changed.
type RoomsChanged struct {
	// Rooms are the rooms that are new, or whose newest event, profile or number of
	// members has changed, the most recent change first: MaxRoomsChanged at most. Their
	// Unread is not set.
	Rooms []RoomInfo
	// Removed are the names of rooms that are not in the list any more: MaxRoomsChanged
	// at most.
	Removed []string
	// Incomplete says that there were more changes, or an unknown number of them.
	Incomplete bool

	encodings
}
