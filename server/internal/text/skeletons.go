package text

import (
	"strings"
	"unicode"

	"go.mau.fi/util/confusable"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// NameKey returns a key that is equal for names that differ in case only.
func NameKey(name string) string { return cases.Fold().String(name) }

// Skeletons are the skeletons (UTS 39, section 4) of a name, and of the name in lower case.
// Names that are hard to tell apart have one of them in common. They are for comparison,
// not for display.
type Skeletons [2]string

// SkeletonsOf returns the skeletons of a name.
func SkeletonsOf(name string) Skeletons {
	return Skeletons{skeleton(name), skeleton(NameKey(name))}
}

// Resemble reports whether two names are hard to tell apart.
func (l Skeletons) Resemble(other Skeletons) bool {
	return l[0] == other[0] || l[0] == other[1] || l[1] == other[0] || l[1] == other[1]
}

// skeleton leaves invisible characters out, and maps those that look alike to one.
func skeleton(s string) string {
	s = strings.Map(func(r rune) rune {
		if ignorable(r) {
			return -1
		}
		return r
	}, s)
	return confusable.Skeleton(s)
}

// Reason is why a name carries a mark.
type Reason uint8

const (
	Unmarked     Reason = iota
	Resembles           // it looks like the name of a member who is present
	MixedScripts        // a word of it has letters of scripts that are not written together
	Reserved            // it looks like a name that stands for the service
)

var reasonNames = [...]string{"unmarked", "resembles", "mixed_scripts", "reserved"}

func (r Reason) String() string { return reasonNames[r] }

// Mark warns of a name.
type Mark struct {
	Reason Reason
	Like   string // the name that it looks like, if the reason is Resembles or Reserved
}

// ReservedNames are names that stand for the service, and not for a guest. A nil one
// holds none.
type ReservedNames struct{ bySkeleton map[string]string }

// DefaultReserved returns the names that are reserved unless an operator sets others.
func DefaultReserved() []string {
	return []string{"admin", "administrator", "anonymous", "chatroom", "everyone", "here", "host", "mod", "moderator",
		"official", "owner", "root", "security", "server", "staff", "support", "system", "webmaster"}
}

// NewReserved returns reserved names.
func NewReserved(names []string) *ReservedNames {
	r := &ReservedNames{make(map[string]string)}
	for _, name := range names {
		// A capital I looks like a small L, and a small i does not.
		for _, form := range []string{name, strings.ToUpper(name), cases.Title(language.Und).String(name)} {
			for _, skeleton := range SkeletonsOf(letters(form)) {
				if skeleton != "" {
					r.bySkeleton[skeleton] = name
				}
			}
		}
	}
	return r
}

// find returns the reserved name that a name looks like, whose skeletons are given.
// Characters between the letters, and a number after them, make no difference.
func (r *ReservedNames) find(name string, own Skeletons) (string, bool) {
	if r == nil {
		return "", false
	}
	numbered := strings.TrimRightFunc(name, func(c rune) bool { return unicode.IsDigit(c) || unicode.IsSpace(c) })
	for _, form := range []string{name, numbered} {
		skeletons := own
		if only := letters(form); only != name {
			skeletons = SkeletonsOf(only)
		}
		for _, s := range distinct(skeletons[:]) {
			// The skeleton of a zero is a capital O, so that of r00t is no skeleton of root.
			for _, form := range []string{s, skeleton(NameKey(s))} {
				if like, ok := r.bySkeleton[form]; ok {
					return like, true
				}
			}
		}
		if numbered == name {
			break
		}
	}
	return "", false
}

// letters returns the letters and digits of a name.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsMark(r) && !ignorable(r) || unicode.IsDigit(r) || unicode.In(r, unicode.No, unicode.Nl) {
			return r
		}
		return -1
	}, name)
}
