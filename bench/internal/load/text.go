package load

import "time"

// TextSize is the length of the messages in bytes.
const TextSize = 128

// header is the length of what is at the front of a text: the number and the
// time, sixteen hexadecimal digits each.
const header = 32

const filler = "The quick brown fox jumps over the lazy dog, and the lazy dog sleeps on: nobody in this room minds it."

// epoch is what times are relative to. They are monotonic.
var epoch = time.Now()

// now returns the time in nanoseconds since epoch.
func now() int64 { return int64(time.Since(epoch)) }

// appendText appends the text of a message: its number, the time at which it was
// due, and filler.
func appendText(dst []byte, number uint64, due int64) []byte {
	dst = appendHex(dst, number)
	dst = appendHex(dst, uint64(due))
	return append(dst, filler[:TextSize-header]...)
}

// parseText returns what appendText was given.
func parseText(text []byte) (number uint64, due int64, ok bool) {
	if len(text) != TextSize {
		return 0, 0, false
	}
	number, okNumber := parseHex(text[:16])
	at, okTime := parseHex(text[16:32])
	return number, int64(at), okNumber && okTime
}

const digits = "0123456789abcdef"

// values holds the value of each hexadecimal digit, and 0xff for other bytes.
var values = func() (v [256]byte) {
	for i := range v {
		v[i] = 0xff
	}
	for i, digit := range []byte(digits) {
		v[digit] = byte(i)
	}
	return v
}()

func appendHex(dst []byte, v uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&0xf])
	}
	return dst
}

func parseHex(p []byte) (v uint64, ok bool) {
	var seen byte
	for _, digit := range p {
		value := values[digit]
		seen |= value
		v = v<<4 | uint64(value&0xf)
	}
	return v, seen <= 0xf
}
