package jetstream

import (
	"strings"
)

const hexDigits = "0123456789ABCDEF"

// escape returns a string as one token of a subject: bytes other than letters, digits, dashes
// and underscores become "=" and two hexadecimal digits.
func escape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; isPlain(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('=')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

func isPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// unescape reverses escape. It leaves sequences that escape does not return as they are.
func unescape(token string) string {
	if !strings.Contains(token, "=") {
		return token
	}
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		if token[i] == '=' && i+2 < len(token) {
			high, low := strings.IndexByte(hexDigits, token[i+1]), strings.IndexByte(hexDigits, token[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(token[i])
	}
	return b.String()
}

// eventSubject is the subject of a room's events.
func eventSubject(room string) string { return eventPrefix + escape(room) }

// roomOf returns the room of a subject of events.
func roomOf(subject string) string { return unescape(strings.TrimPrefix(subject, eventPrefix)) }
