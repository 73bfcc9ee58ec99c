package printable_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"chatroom/client/chat/internal/printable"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"plain", "hi\nthere", "hi\nthere"},
		{"ends of lines", "a\r\nb\rc\u2028d\u2029e\u0085f", "a\nb\nc\nd\ne\nf"},
		{"tab", "a\tb", "a    b"},
		{"clear screen", "\x1b[2J\x1b[H", "␛[2J␛[H"},
		{"title", "\x1b]0;owned\x07", "␛]0;owned␇"},
		{"C1 control sequence", "\u009b2J", "\ufffd2J"},
		{"backspace and delete", "a\bb\x7f", "a␈b␡"},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
		{"override of direction", "abc\u202efdp.exe", "abcfdp.exe"},
		{"isolates and marks of direction", "\u2066a\u2069\u200eb\u200f\u061cc", "abc"},
		{"invisible", "a\u200bb\ufeffc\u00add\u2060e\u3164f", "abcdef"},
		{"letters of another direction", "שלום", "שלום"},
		{"joined emoji", "👩‍💻 ❤️ 👍🏽", "👩‍💻 ❤️ 👍🏽"},
		{"flag of a region", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f!", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f!"},
		{"tags without a flag", "a\U000e0067\U000e0062", "a"},
		{"joiner without a letter", "\u200da", "a"},
		{"a mark without a letter", "\u0301a", "◌\u0301a"},
		{"a mark at the start of a line", "a\n\u0301", "a\n◌\u0301"},
		{"accents", "e\u0301\u0323", "e\u0301\u0323"},
		{"many marks", "y" + strings.Repeat("\u0301", 300) + "z", "y" + strings.Repeat("\u0301", 4) + "z"},
	} {
		if got := printable.Text(tt.text); got != tt.want {
			t.Errorf("%s: Text(%q) = %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
}

func TestLine(t *testing.T) {
	if got, want := printable.Line(" a\r\nb\t\x1bc\u2029"), "a b ␛c"; got != want {
		t.Errorf("Line = %q, want %q", got, want)
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"hi", "\x1b[31m", "\u202ea", "\xff\xfe", "y\u0301\u0301", "👩‍💻", "🏴\U000e0067\U000e007f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := printable.Text(s)
		if !utf8.ValidString(got) {
			t.Fatalf("Text(%q) = %q is not UTF-8", s, got)
		}
		marks := 0
		for _, r := range got {
			if unicode.Is(unicode.Cc, r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("Text(%q) = %q has %U", s, got, r)
			}
			if marks++; !unicode.Is(unicode.Mn, r) {
				marks = 0
			}
			if marks > 4 {
				t.Fatalf("Text(%q) = %q has more than 4 marks in a row", s, got)
			}
		}
		if again := printable.Text(got); again != got {
			t.Fatalf("Text(%q) = %q, and of that %q", s, got, again)
		}
	})
}
