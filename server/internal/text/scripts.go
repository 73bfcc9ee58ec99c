package text

import "unicode"

// The sets of scripts that are written together in one word (UTS 39, section 5.2:
// Highly Restrictive).
var together = [][]string{
	{"Latin", "Han", "Hiragana", "Katakana"},
	{"Latin", "Han", "Hangul"},
	{"Latin", "Han", "Bopomofo"},
}

// mixesScripts reports whether a word of a name has letters of scripts that are not
// written together. Words of different scripts are no reason for suspicion: people
// write their names beside a word of another language.
func mixesScripts(name string) bool {
	word := make(map[string]bool)
	former := ""
	for _, r := range name {
		switch {
		case unicode.IsLetter(r):
			if former != "" && unicode.Is(unicode.Scripts[former], r) {
				word[former] = true // without a look at all scripts
				continue
			}
			if former = scriptOf(r); former != "" {
				word[former] = true
			}
		case unicode.IsMark(r), unicode.IsDigit(r):
		default:
			if mixed(word) {
				return true
			}
			clear(word)
		}
	}
	return mixed(word)
}

func mixed(scripts map[string]bool) bool {
	if len(scripts) < 2 {
		return false
	}
	for _, set := range together {
		found := 0
		for _, script := range set {
			if scripts[script] {
				found++
			}
		}
		if found == len(scripts) {
			return false
		}
	}
	return true
}

// scriptOf returns the script of a letter: empty for those of several scripts, and for
// those that the Go tables do not know.
func scriptOf(r rune) string {
	if r < 0x80 {
		return "Latin"
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			if name == "Common" || name == "Inherited" {
				return ""
			}
			return name
		}
	}
	return ""
}
