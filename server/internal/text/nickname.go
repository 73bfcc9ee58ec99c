package text

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

var (
	// ErrNameCharacters is returned for a name that has characters that are invisible,
	// change the direction of text, or are not assigned.
	ErrNameCharacters = errors.New("must not have characters that are invisible or change the direction of text")
	// ErrNameBlank is returned for a name that shows nothing.
	ErrNameBlank = errors.New("must have a visible character")
	// ErrNameLength is returned for a name that is too long.
	ErrNameLength = errors.New("is too long")
	// ErrNameMarks is returned for a name that piles up marks on a character.
	ErrNameMarks = errors.New("must not have more than 4 marks on a character, nor the same mark twice in a row")
)

const (
	// bytesPerCharacter bounds a name in bytes. A family of four with skin tones has 41
	// bytes, and few names are made of these alone.
	bytesPerCharacter = 16
	// maxMarks is how many marks may be on a character (UTS 39, section 5.4).
	maxMarks = 4
)

// Nickname returns a name as it is stored and shown: in the form of the PRECIS profile
// Nickname (RFC 8266), which maps compatible characters to one, and without white space
// around it or runs of it. Beyond the profile it allows emoji with variation selectors
// and joiners, and gives them their one form; it wants a visible character; and it
// bounds the marks on a character. characters bounds the name as people count, so that
// an emoji is one.
//
// Names are the same for people if NameKey of both is equal.
func Nickname(name string, characters int) (string, error) {
	limit := characters * bytesPerCharacter
	// The profile may shorten a name: what is longer than any use is not looked at.
	if len(name) > 4*limit {
		return "", ErrNameLength
	}
	for range 4 { // as the profile itself is repeated
		next, err := nickname(name)
		if err != nil {
			return "", err
		}
		if next == name {
			if err := checkName(name, characters, limit); err != nil {
				return "", err
			}
			return name, nil
		}
		name = next
	}
	return "", ErrNameCharacters
}

// placeholder stands for an emoji while the profile is applied to the rest of the name.
// No other character is mapped to it, and it composes with none.
const placeholder = '◇'

// nickname applies the profile once.
func nickname(name string) (string, error) {
	var rest strings.Builder
	var originals []string // of the placeholders
	for state := -1; name != ""; {
		var cluster string
		cluster, name, _, state = uniseg.FirstGraphemeClusterInString(name, state)
		if e, ok := emojiInName(cluster); ok {
			originals = append(originals, e)
			rest.WriteRune(placeholder)
			continue
		}
		for range strings.Count(cluster, string(placeholder)) {
			originals = append(originals, string(placeholder))
		}
		rest.WriteString(cluster)
	}
	if rest.Len() == 0 {
		return "", ErrNameBlank
	}
	mapped, err := precis.Nickname.String(rest.String())
	switch {
	case err != nil && !Visible(rest.String()):
		return "", ErrNameBlank
	case err != nil:
		return "", ErrNameCharacters
	}
	var whole strings.Builder
	for _, r := range mapped {
		if r == placeholder {
			whole.WriteString(originals[0])
			originals = originals[1:]
			continue
		}
		whole.WriteRune(r)
	}
	return whole.String(), nil
}

// emojiInName returns the form of an emoji in a name. What the profile maps to letters,
// as ™ to TM, is an emoji only if it came with the selector that makes it one.
func emojiInName(cluster string) (string, bool) {
	if len(cluster) == 1 {
		return "", false
	}
	e, err := Emoji(cluster)
	if err != nil {
		return "", false
	}
	return e, e == cluster || norm.NFKC.IsNormalString(cluster)
}

func checkName(name string, characters, limit int) error {
	base, marks := false, 0
	var former rune
	for _, r := range name {
		switch {
		case !unicode.In(r, unicode.Mn, unicode.Me):
			marks = 0
			base = base || !invisible(r) && !unicode.IsMark(r)
		case ignorable(r): // a variation selector of an emoji
		case r == former, marks == maxMarks:
			return ErrNameMarks
		default:
			marks++
		}
		former = r
	}
	switch {
	case !base:
		return ErrNameBlank
	case len(name) > limit || utf8.RuneCountInString(name) > characters && uniseg.GraphemeClusterCount(name) > characters:
		return ErrNameLength
	}
	return nil
}
