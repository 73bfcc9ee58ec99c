package policy

import (
	"errors"
	"strings"
)

// MaxPattern is how long a pattern may be, in bytes: as long as the name of a room.
const MaxPattern = 64

// ErrPattern is returned for what is not a pattern.
var ErrPattern = errors.New("a pattern must be 1 to 64 characters of a-z, 0-9, dot, underscore, hyphen and *")

// Pattern matches names of rooms: a star stands for any run of characters, also for
// none. The zero value matches no room.
type Pattern struct{ text string }

// ParsePattern returns a pattern, or ErrPattern.
func ParsePattern(text string) (Pattern, error) {
	if text == "" || len(text) > MaxPattern {
		return Pattern{}, ErrPattern
	}
	for i := range len(text) {
		c := text[i]
		ok := 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("._-*", c) >= 0
		if !ok {
			return Pattern{}, ErrPattern
		}
	}
	return Pattern{text}, nil
}

func (p Pattern) String() string { return p.text }

// Match reports whether a room has a name that the pattern matches. Its cost is at most
// the product of the two lengths.
func (p Pattern) Match(room string) bool {
	text := p.text
	if text == "" {
		return false
	}
	// After a mismatch the last star takes one character more; earlier stars never need
	// to, since the last one can make up for them.
	i, at, star, resume := 0, 0, -1, 0
	for at < len(room) {
		switch {
		case i < len(text) && text[i] == '*':
			star, resume = i, at
			i++
		case i < len(text) && text[i] == room[at]:
			i++
			at++
		case star >= 0:
			resume++
			i, at = star+1, resume
		default:
			return false
		}
	}
	for i < len(text) && text[i] == '*' {
		i++
	}
	return i == len(text)
}

// covers reports that p matches whatever q does. It may miss some of these: the stars
// of q are taken for a character that only a star of p matches.
func (p Pattern) covers(q Pattern) bool { return p.Match(q.text) }
