package text

import (
	_ "embed"
	"errors"
	"strings"
	"sync"
)

// MaxEmoji is how long an emoji may be as it comes in, in bytes. The longest one that
// Unicode recommends has 35.
const MaxEmoji = 64

// ErrNotEmoji is returned for what is not one emoji.
var ErrNotEmoji = errors.New("must be one emoji, as Unicode recommends them for general interchange")

//go:embed emoji.txt
var emojiFile string

// emoji maps each emoji without its variation selectors to its stored form. No two of
// them differ in the selectors only.
var emoji = sync.OnceValue(func() map[string]string {
	table := make(map[string]string, 4_000)
	for line := range strings.Lines(emojiFile) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" && !strings.HasPrefix(line, "# ") {
			table[withoutSelectors(line)] = line
		}
	}
	return table
})

// Emoji returns the one form in which an emoji is stored, whichever variation selectors
// it came with: ❤ and ❤️ are one emoji. It returns ErrNotEmoji for what is not a single
// emoji that Unicode recommends for general interchange (RGI).
func Emoji(s string) (string, error) {
	if len(s) > MaxEmoji {
		return "", ErrNotEmoji
	}
	if e, ok := emoji()[withoutSelectors(s)]; ok {
		return e, nil
	}
	return "", ErrNotEmoji
}

// selectors ask for a character to be drawn as text, or as an emoji.
var selectors = strings.NewReplacer("\ufe0e", "", "\ufe0f", "")

func withoutSelectors(s string) string { return selectors.Replace(s) }
