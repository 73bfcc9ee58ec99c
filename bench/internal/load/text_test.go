package load

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, test := range []struct {
		number uint64
		due    int64
	}{{0, 0}, {1, 2}, {0xfedcba9876543210, -1}, {42, 1 << 62}} {
		text := appendText(nil, test.number, test.due)
		if len(text) != TextSize || !utf8.Valid(text) {
			t.Errorf("appendText(%d, %d) = %q, want %d bytes of UTF-8", test.number, test.due, text, TextSize)
		}
		number, due, ok := parseText(text)
		if number != test.number || due != test.due || !ok {
			t.Errorf("parseText(%q) = %d, %d, %t, want %d, %d, true", text, number, due, ok, test.number, test.due)
		}
	}
}

func TestTextRefusesOthers(t *testing.T) {
	good := appendText(nil, 7, 8)
	for _, bad := range [][]byte{nil, good[1:], append(good, 'x'), bytes.Replace(good, []byte("7"), []byte("g"), 1), bytes.ToUpper(appendText(nil, 0xa, 0))} {
		if _, _, ok := parseText(bad); ok {
			t.Errorf("parseText(%q) accepts what appendText doesn't make", bad)
		}
	}
}
