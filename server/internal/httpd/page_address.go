package httpd

import (
	"net/url"
	"strconv"
	"strings"
)

// bases are the folder of the page as the page's addresses see it.
var bases = []string{"./", "../", "../../"}

// baseOf returns the folder of the page, relative to a path that is an address of the page, and
// an empty string for other paths. The page is at "/", a room at "/r/ROOM", and a message at
// "/r/ROOM/SEQUENCE".
func (p *page) baseOf(address string) string {
	if address == "/" {
		return bases[0]
	}
	rest, ok := strings.CutPrefix(address, "/r/")
	if !ok {
		return ""
	}
	room, sequence, hasSequence := strings.Cut(rest, "/")
	if !p.isRoom(room) {
		return ""
	}
	if !hasSequence {
		return bases[1]
	}
	if n, err := strconv.ParseUint(sequence, 10, 64); err != nil || strconv.FormatUint(n, 10) != sequence || n == 0 {
		return ""
	}
	return bases[2]
}

// redirectOf returns where to redirect a path that begins like a room's address but is not valid, relative
// to that path, or an empty string for other paths. The name is passed on unchanged: the page opens the
// room ("/r/Team", "/r/team/"), or says which names are valid.
func redirectOf(address string) string {
	rest, ok := strings.CutPrefix(address, "/r/")
	if !ok {
		return ""
	}
	escaped, sequence, hasSequence := strings.Cut(rest, "/")
	if strings.Contains(sequence, "/") {
		return ""
	}
	up := bases[1]
	if hasSequence {
		up = bases[2]
	}
	room, err := url.PathUnescape(escaped)
	if err != nil {
		return ""
	}
	if room == "" {
		return up
	}
	return up + "?room=" + url.QueryEscape(room)
}
