// Package printable makes text of others safe for a terminal: what it returns has no
// control characters, no escape sequences, and nothing that changes the direction of the
// text around it.
//
// Control characters are shown as symbols, as in "␛[2J", so that an attempt is visible.
// Characters that are invisible are removed, except those that join emoji and letters. At
// most four marks stay on a character.
package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many marks may be on a character: more of them cover other lines.
const maxMarks = 4

const tab = "    "

// Line returns text in one line: ends of lines are spaces.
func Line(s string) string {
	return strings.Join(strings.Fields(Text(s)), " ")
}

// Text returns text that may have several lines.
func Text(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	w := writer{to: &b}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		next, _ := utf8.DecodeRuneInString(s[i+size:])
		if r != '\r' || next != '\n' {
			w.write(r, size)
		}
		i += size
	}
	return b.String()
}

// isPlain reports whether nothing is to be done, as with most text.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c < ' ' && c != '\n' || c == 0x7f {
			return false
		}
	}
	return true
}

type writer struct {
	to    *strings.Builder
	base  bool // there is a character that a mark can be on
	marks int  // on it
	flag  bool // a black flag, which tag characters turn into that of a region
}

func (w *writer) write(r rune, size int) {
	switch {
	case r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029:
		w.put("\n", false)
	case r == '\t':
		w.put(tab, false)
	case r < ' ':
		w.put(string(0x2400+r), true)
	case r == 0x7f:
		w.put("␡", true)
	case r == utf8.RuneError && size == 1, unicode.Is(unicode.Cc, r):
		w.put("\ufffd", true)
	case 0xe0020 <= r && r <= 0xe007f:
		if w.flag {
			w.to.WriteRune(r)
		}
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
		w.mark(r)
	case r == 0x200c || r == 0x200d:
		if w.base { // joins letters or emoji
			w.to.WriteRune(r)
		}
	case isInvisible(r):
	default:
		w.put(string(r), !unicode.IsSpace(r))
		w.flag = r == 0x1f3f4
	}
}

func (w *writer) put(s string, base bool) {
	w.to.WriteString(s)
	w.base, w.marks, w.flag = base, 0, false
}

// mark writes a combining mark, on a dotted circle if there is no character for it.
func (w *writer) mark(r rune) {
	if !w.base {
		w.put("◌", true)
	}
	if w.marks++; w.marks <= maxMarks {
		w.to.WriteRune(r)
	}
}

// isInvisible reports whether a character shows nothing but may change how others show.
// Among them are the controls of direction.
func isInvisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}
