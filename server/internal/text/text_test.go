package text

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/secure/precis"
	"pgregory.net/rapid"
)

func TestVisible(t *testing.T) {
	for s, want := range map[string]bool{
		"": false, " \t\n\u00a0\u3000\u2028": false, "\u200b": false, "\u3164": false, "\u2800": false, "\u00ad": false,
		"\u115f\u1160\uffa0": false, "\u202e\u2066\u2069": false, "\ufeff\ufe0f\u034f": false, "\U000e0041\U000e0fff": false,
		"\ufffc": false, "\U0001d159": false, "\x00\x7f": false, "\u2800 \u200b\u3164": false, "\ufe0f\u200d": false,
		"a": true, "\u200b.": true, "\u2801": true, "\u3163": true, "é": true, "\u0301": true, "❤️": true, "क्\u200dष": true, "\u202eabc": true,
		"\u0600":     true, // Arabic number sign: a format character that is drawn
		"\U0001fae9": true, // an emoji that is newer than the tables of Go
		"\ue000":     true, // private use: the fonts of some show something
		"\xff":       true, // shown as a replacement character
		"~":          true,
		"\U00013430": true,
	} {
		if got := Visible(s); got != want {
			t.Errorf("Visible(%+q) = %t, want %t", s, got, want)
		}
	}
}

func TestEmoji(t *testing.T) {
	for s, want := range map[string]string{
		"❤": "❤️", "❤️": "❤️", "❤︎": "❤️", "👍": "👍", "👍🏽": "👍🏽", "👩🏽‍❤️‍💋‍👩🏻": "👩🏽‍❤️‍💋‍👩🏻", "👩🏽‍❤‍💋‍👩🏻": "👩🏽‍❤️‍💋‍👩🏻",
		"🏳️‍🌈": "🏳️‍🌈", "🏳‍🌈": "🏳️‍🌈", "🇩🇪": "🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿": "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1⃣": "1️⃣", "1️⃣": "1️⃣", "👨‍👩‍👧": "👨‍👩‍👧", "©": "©️", "\U0001fae9": "\U0001fae9",
		"": "", "hello": "", "\u200b": "", "\u202e": "", "1": "", "#": "", "# ": "", "a": "", "\ufe0f": "", "\u200d": "", "❤❤": "", "👍 ": "", " 👍": "", "👍\u200b": "",
		"🇩": "", "🇩🇩": "", "🏴": "🏴", "👍\u0301": "", "👍🏽🏽": "", "\xff": "", "❤" + strings.Repeat("\ufe0f", 30): "", "♥️": "♥️", "\n": "", "♔": "",
	} {
		got, err := Emoji(s)
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrNotEmoji) {
			t.Errorf("Emoji(%+q) = %q, %v, want %q", s, got, err, want)
		}
	}
}

// Each emoji is one character for people, has its own stored form, and is found in
// whatever form it comes.
func TestEmojiTable(t *testing.T) {
	if n := len(emoji()); n != 3953 {
		t.Errorf("the table has %d emoji, want the 3953 of Unicode 17.0", n)
	}
	longest := 0
	for bare, e := range emoji() {
		longest = max(longest, len(e))
		if got, err := Emoji(e); got != e || err != nil {
			t.Errorf("Emoji(%q) = %q, %v, want it", e, got, err)
		}
		if got, err := Emoji(bare); got != e || err != nil {
			t.Errorf("Emoji(%q) = %q, %v, want %q", bare, got, err, e)
		}
		if n := uniseg.GraphemeClusterCount(e); n != 1 {
			t.Errorf("%q is %d characters, want 1", e, n)
		}
		if got, err := Nickname(e, 40); got != e || err != nil {
			t.Errorf("Nickname(%q) = %q, %v, want it", e, got, err)
		}
	}
	if longest != 35 {
		t.Errorf("the longest emoji has %d bytes, want 35, as MaxEmoji says", longest)
	}
}

func TestNickname(t *testing.T) {
	for name, want := range map[string]string{
		"Ada": "Ada", "  Go   Pher ": "Go Pher", "a\u3000b": "a b", "ｇｏｐｈｅｒ": "gopher", "e\u0301": "é", "ADA": "ADA", "TM™": "TMTM", "™️": "™️",
		"Ann ❤️": "Ann ❤️", "Ann ❤": "Ann ❤️", "Ann ❤\ufe0e": "Ann ❤️", "❤️ Ann": "❤️ Ann", "⚠️ Alerts": "⚠️ Alerts", "👨‍👩‍👧": "👨‍👩‍👧", "❤️❤️ ❤️": "❤️❤️ ❤️", "❤️  x": "❤️ x", "◇❤️◇": "◇❤️◇",
		"क्\u200dष": "क्\u200dष", "نامه\u200cای": "نامه\u200cای", "山田 太郎": "山田 太郎", "\U0001fae9": "\U0001fae9", "🅰️da": "🅰️da", "◇\u0301": "◇\u0301",
		"שלום": "שלום", "ฟ้ารุ่ง": "ฟ้ารุ่ง",
	} {
		if got, err := Nickname(name, 40); got != want || err != nil {
			t.Errorf("Nickname(%+q) = %+q, %v, want %+q", name, got, err, want)
		}
	}
	long, family := strings.Repeat("é", 40), "👨‍👩‍👧"
	for name, want := range map[string]error{
		"": ErrNameBlank, "  ": ErrNameBlank, "\u2800": ErrNameBlank, "\u3164": ErrNameBlank, "\u200b": ErrNameBlank, "\u00ad": ErrNameBlank, "\u0301": ErrNameBlank,
		"a\u202eb": ErrNameCharacters, "a\u200bb": ErrNameCharacters, "a\ufe0f": ErrNameCharacters, "Ada\u200d": ErrNameCharacters, "❤️\u200d": ErrNameCharacters,
		"a\nb": ErrNameCharacters, "a\x00": ErrNameCharacters, "a\u3164": ErrNameCharacters, "\ue000": ErrNameCharacters, "a\xff": ErrNameCharacters, "1\ufe0f": ErrNameCharacters,
		"👍\ufe0f\ufe0f\u200d": ErrNameCharacters, "\U0001f3f4\U000e0067": ErrNameCharacters,
		long + "x": ErrNameLength, strings.Repeat("x", 1<<20): ErrNameLength, strings.Repeat(family, 36): ErrNameLength,
		"y" + strings.Repeat("\u0301\u0302", 3): ErrNameMarks, "x\u0302\u0302": ErrNameMarks, "x" + strings.Repeat("\u0332\u0333", 10): ErrNameMarks,
	} {
		if got, err := Nickname(name, 40); got != "" || !errors.Is(err, want) {
			t.Errorf("Nickname(%.60q) = %q, %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{long, strings.Repeat("👍", 40), strings.Repeat(family, 35), "x\u0302\u0332\u0333\u0308", "y\u0308\u0332z\u0308\u0332"} {
		if _, err := Nickname(name, 40); err != nil {
			t.Errorf("Nickname(%.60q) = %v, want nil", name, err)
		}
	}
}

// Nickname puts a placeholder in the place of an emoji: no other character may become
// one.
func TestPlaceholderIsAlone(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z) {
			continue // the profile refuses it
		}
		if mapped, err := precis.Nickname.String(string(r)); err == nil && r != placeholder && strings.ContainsRune(mapped, placeholder) {
			t.Fatalf("the profile maps %U to the placeholder, want none", r)
		}
		s := string(placeholder) + string(r)
		if mapped, err := precis.Nickname.String(s); err == nil && r != placeholder && strings.Count(mapped, string(placeholder)) != 1 {
			t.Fatalf("the profile makes %+q of a placeholder and %U, want the placeholder kept", mapped, r)
		}
	}
}

// Names are of parts that the rules treat in different ways.
var genName = rapid.Custom(func(t *rapid.T) string {
	part := rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{" ", "◇", "❤", "❤️", "👨‍👩‍👧", "\ufe0f", "\ufe0e", "\u200d", "\u0301", "\u0302", "é", "™", "a", "A", "ſ", "🏽", "1", "⃣", "ﬀ", "\u1100\u1161", "\u0345", "क्", "\u200c", "🇩", "\u3000"}),
	)
	return strings.Join(rapid.SliceOfN(part, 0, 8).Draw(t, "parts"), "")
})

func checkNickname(t interface {
	Helper()
	Fatalf(string, ...any)
}, name string) {
	t.Helper()
	const characters = 40
	got, err := Nickname(name, characters)
	if err != nil {
		if got != "" {
			t.Fatalf("Nickname(%+q) = %+q, %v, want no name with an error", name, got, err)
		}
		return
	}
	if n := uniseg.GraphemeClusterCount(got); n > characters || n < 1 || len(got) > characters*bytesPerCharacter {
		t.Fatalf("Nickname(%+q) = %+q of %d characters and %d bytes, want it within bounds", name, got, n, len(got))
	}
	if !Visible(got) || !utf8.ValidString(got) || strings.TrimSpace(got) != got || strings.Contains(got, "  ") {
		t.Fatalf("Nickname(%+q) = %+q, want it visible, trimmed and valid", name, got)
	}
	if again, err := Nickname(got, characters); again != got || err != nil {
		t.Fatalf("Nickname of Nickname(%+q) = %+q, %v, want %+q", name, again, err, got)
	}
	// What is invisible is part of an emoji, or joins letters.
	state := -1
	for rest := got; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		hidden := strings.ContainsFunc(cluster, func(r rune) bool { return ignorable(r) && r != '\u200d' && r != '\u200c' })
		if _, err := Emoji(cluster); hidden && err != nil {
			t.Fatalf("Nickname(%+q) = %+q, want nothing invisible in %+q", name, got, cluster)
		}
	}
}

func TestNicknameHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkNickname(t, genName.Draw(t, "name")) })
}

func FuzzNickname(f *testing.F) {
	for _, seed := range []string{"Ada", "Ann ❤️", "👨‍👩‍👧", "◇\u0301◇", "a\ufe0f", "e\u0301", " x  ", "\u1100\u1161", "🇩🇪🇩", "ﷺ", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		checkNickname(t, name)
		SkeletonsOf(name)
		mixesScripts(name)
		if e, err := Emoji(name); err == nil {
			if again, err := Emoji(e); again != e || err != nil {
				t.Fatalf("Emoji of Emoji(%q) = %q, %v, want %q", name, again, err, e)
			}
		}
	})
}
