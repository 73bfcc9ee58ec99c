package chat_test

import (
	"errors"
	"strings"
	"testing"

	"chatroom/server/internal/chat"
)

func TestCleanName(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		rule       string // of the FieldError, if the name is refused
	}{
		{"gopher", "gopher", ""},
		{"  Go   Pher ", "Go Pher", ""},
		{"Zoë", "Zoë", ""},
		{"Zoe\u0308", "Zoë", ""}, // composed
		{"ｇｏｐｈｅｒ", "gopher", ""}, // full width
		{"王小明", "王小明", ""},
		{"عمر", "عمر", ""},
		{"🙂", "🙂", ""},
		{"a.b'c-d_e", "a.b'c-d_e", ""},
		{strings.Repeat("é", 40), strings.Repeat("é", 40), ""},
		{strings.Repeat("e\u0308", 40), strings.Repeat("ë", 40), ""},
		{"Ann ❤", "Ann ❤️", ""},
		{"⚠️ Alerts", "⚠️ Alerts", ""},
		{"👨‍👩‍👧", "👨‍👩‍👧", ""},
		{strings.Repeat("é", 41), "", "name.length"},
		{strings.Repeat("👨‍👩‍👧", 36), "", "name.length"}, // 648 bytes
		{"\u2800", "", "name.visible"},                   // braille pattern without dots
		{"x\u0302\u0302", "", "name.marks"},
		{"", "", "name.visible"},
		{"   ", "", "name.visible"},
		{"\u00a0", "", "name.visible"},
		{"a\nb", "", "name.characters"},
		{"a\x00b", "", "name.characters"},
		{"a\u200bb", "", "name.characters"},           // zero-width space
		{"\u202egopher", "", "name.characters"},       // right-to-left override
		{"\u2066gopher\u2069", "", "name.characters"}, // direction isolate
		{"a\u00adb", "", "name.characters"},           // soft hyphen
		{"\U000e0041", "", "name.visible"},            // tag
		{"a\xffb", "", "name.characters"},
	} {
		got, err := chat.CleanName(tt.name)
		if refused := tt.rule != ""; got != tt.want || refused && !isField(err, "name", tt.rule) || !refused && err != nil {
			t.Errorf("CleanName(%+q) = %+q, %v, want %+q, and a FieldError of %q", tt.name, got, err, tt.want, tt.rule)
		}
	}
}

func TestCleanProfile(t *testing.T) {
	for _, tt := range []struct {
		profile, want chat.Profile
		field, rule   string // of the FieldError, if the profile is refused
	}{
		{chat.Profile{}, chat.Profile{}, "", ""},
		{chat.Profile{DisplayName: " Tea  room ", Topic: " leaves\u00a0"}, chat.Profile{DisplayName: "Tea room", Topic: "leaves"}, "", ""},
		{chat.Profile{DisplayName: "⚠ Alerts"}, chat.Profile{DisplayName: "⚠️ Alerts"}, "", ""},
		{chat.Profile{DisplayName: strings.Repeat("👍", 80)}, chat.Profile{DisplayName: strings.Repeat("👍", 80)}, "", ""},
		{chat.Profile{DisplayName: strings.Repeat("👍", 81)}, chat.Profile{}, "display_name", "name.length"},
		{chat.Profile{DisplayName: "\u2800"}, chat.Profile{}, "display_name", "name.visible"},
		{chat.Profile{DisplayName: "a\u202eb"}, chat.Profile{}, "display_name", "name.characters"},
		{chat.Profile{Topic: "two\nlines"}, chat.Profile{}, "topic", "topic.characters"},
		{chat.Profile{Topic: strings.Repeat("é", 301)}, chat.Profile{}, "topic", "topic.characters"},
		{chat.Profile{Topic: "\u2800\u3164"}, chat.Profile{}, "topic", "topic.visible"},
		{chat.Profile{Topic: " \u3000 "}, chat.Profile{}, "", ""}, // white space around it is removed
	} {
		got, err := tt.profile.Clean()
		if refused := tt.rule != ""; got != tt.want || refused && !isField(err, tt.field, tt.rule) || !refused && err != nil {
			t.Errorf("Clean(%+q) = %+q, %v, want %+q, and a FieldError of %q", tt.profile, got, err, tt.want, tt.rule)
		}
	}
}

// FuzzCleanName checks that a clean name stays as it is.
func FuzzCleanName(f *testing.F) {
	for _, name := range []string{"gopher", "  Go  Pher ", "Zoe\u0308", "ｇ", "ﷺ", "\u202e", "\xff", "a\u0301\u0302", "ǆ"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean, err := chat.CleanName(name)
		if err != nil {
			return
		}
		if again, err := chat.CleanName(clean); again != clean || err != nil {
			t.Errorf("CleanName(%+q) = %+q, and of that %+q, %v, want it unchanged", name, clean, again, err)
		}
	})
}

// isField reports whether err is a FieldError for a field and rule.
func isField(err error, field, rule string) bool {
	f, ok := errors.AsType[*chat.FieldError](err)
	return ok && f.Field == field && f.Rule == rule && f.Bound != ""
}
