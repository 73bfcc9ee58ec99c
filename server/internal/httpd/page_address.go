package httpd

import (
	"net/url"
	"strings"
)

// bases are the folder of the page as the page's addresses see it.
var bases = []string{"./", "../", "../../"}

// baseOf returns the folder of the page, relative to a path that is an address of the page, and
// an empty string for other paths. The page is at "/", a room at "/r/ROOM", and a message at
// "/r/ROOM/SEQUENCE". A sequence may be anything: the page says that there is no such message.
func (p *page) baseOf(address string) string {
	if address == "/" {
		return bases[0]
	}
	rest, ok := strings.CutPrefix(address, "/r/")
	if !ok {
		return ""
	}
	room, sequence, hasSequence := strings.Cut(rest, "/")
	switch {
	case !p.isRoom(room):
		return ""
	case !hasSequence:
		return bases[1]
	case sequence == "" || strings.Contains(sequence, "/"):
		return ""
	}
	return bases[2]
}

// redirectOf returns where to redirect a path that begins like a room's address but is not valid, relative
// to that path, or an empty string for other paths. A name that is valid in lower case leads to its room or
// message ("/r/Team", "/r/Team/7", "/r/team/"). Others are passed on unchanged: the page says which names
// are valid.
func (p *page) redirectOf(address string) string {
	rest, ok := strings.CutPrefix(address, "/r/")
	if !ok {
		return ""
	}
	escaped, sequence, hasSequence := strings.Cut(rest, "/")
	if strings.Contains(sequence, "/") {
		return ""
	}
	up, rooms := bases[1], bases[0]
	if hasSequence {
		up, rooms = bases[2], bases[1]
	}
	room, err := url.PathUnescape(escaped)
	if err != nil {
		return ""
	}
	if room == "" {
		return up
	}
	if name := strings.ToLower(room); p.isRoom(name) && name != "." && name != ".." {
		return strings.TrimSuffix(rooms+name+"/"+sequence, "/")
	}
	return up + "?room=" + url.QueryEscape(room)
}
