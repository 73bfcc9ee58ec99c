package roomfile

import (
	"fmt"
	"time"
)

// Version is the version of the format that is written, and the only one that is read.
const Version = 1

// MaxLine bounds a line, in bytes.
const MaxLine = 4 << 20

// MaxSequence bounds sequences. It is the greatest that JavaScript counts exactly.
const MaxSequence = 1<<53 - 1

// Header is the first line of a section.
type Header struct {
	Version int       `json:"version"`
	Program string    `json:"program"` // that has written the file, and its version
	Made    time.Time `json:"made"`
	Number  int       `json:"number"` // of the section, from 1
	Rooms   int       `json:"rooms"`  // how many sections the file has
	Room    string    `json:"room"`
	Epoch   string    `json:"epoch"` // of the log that the events are from
	Profile Profile   `json:"profile,omitzero"`
	Creator string    `json:"creator,omitempty"` // the id of the member who has made the room
}

// Profile is how a room presents itself.
type Profile struct {
	DisplayName string `json:"displayName,omitempty"`
	Topic       string `json:"topic,omitempty"`
}

// Trailer is the last line of a section.
type Trailer struct {
	Room   string `json:"room"`
	Events int    `json:"events"`
	// SHA256 is the digest of the lines of the section before the trailer, each with the line
	// feed after it, in hexadecimal.
	SHA256 string `json:"sha256"`
}

type headerLine struct {
	Header *Header `json:"header"`
}

type trailerLine struct {
	Trailer *Trailer `json:"trailer"`
}

// LineError says what is wrong with a line.
type LineError struct {
	Line  int    // from 1
	Field string // the path of the field in the line; empty for the line as a whole
	Bound string // what it must be
}

func (e *LineError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Bound)
	}
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Field, e.Bound)
}
