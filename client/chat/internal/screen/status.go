package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"chatroom/client"
	"chatroom/client/chat/internal/failure"
	"chatroom/client/chat/internal/printable"
	"chatroom/client/chat/internal/timeline"
)

// slow is after how long without an answer to a send the connection is not called live.
const slow = 3 * time.Second

type connState int

const (
	connecting connState = iota
	connected
	offline
	refused // for good
)

// connection is the state of the stream.
type connection struct {
	state  connState
	reason string
	retry  time.Time // when the client connects again
}

func (c *connection) lost(u client.Disconnected, now time.Time) {
	*c = connection{state: offline, reason: failure.Text(u.Err, now), retry: now.Add(u.RetryIn)}
}

// status returns the state of the connection and of the room that is shown: in a few words,
// and why.
func (m *Model) status() (words, why string) {
	r := m.room
	switch {
	case m.conn.state == refused:
		return "refused", m.conn.reason + " · Ctrl+R tries again"
	case r.refused != nil:
		return "refused", m.reason("", r.refused) + " · Ctrl+R tries again"
	case m.conn.state == offline:
		if left := m.conn.retry.Sub(m.now).Round(time.Second); left >= time.Second {
			return "offline", fmt.Sprintf("%s · next attempt in %v", m.conn.reason, left)
		}
		return "offline, connecting", m.conn.reason
	case m.conn.state == connecting || !r.joined:
		return "connecting", ""
	case !r.caughtUp || r.loading && r.gap != nil:
		return "behind", "what was missed is loading"
	}
	if wait := m.longestWait(r).Truncate(time.Second); wait >= slow {
		return "no answer", fmt.Sprintf("a message waits for its answer for %v", wait)
	}
	return "live", ""
}

// longestWait returns how long the oldest send of a room waits for its answer.
func (m *Model) longestWait(r *room) time.Duration {
	for _, e := range r.line.Entries() {
		if e.State == timeline.Sending {
			return m.now.Sub(e.Time)
		}
	}
	return 0
}

// statusLine returns the line above the input: what the input is for, what went wrong, or
// who is typing.
func (m *Model) statusLine() string {
	_, why := m.status()
	switch {
	case m.leaving:
		return "Not everything is sent. Ctrl+C again leaves, any other key stays."
	case m.deleting:
		return "Delete this message for everyone? y deletes, any other key does not."
	case m.selected != nil:
		return m.selectionKeys()
	case m.purpose.kind != sayText:
		return m.purpose.label() + " · Esc cancels"
	case m.note != "":
		return m.note
	case why != "":
		return why
	case m.room.silent != "":
		return m.room.silent
	}
	return m.typists()
}

func (m *Model) typists() string {
	var names []string
	for _, t := range m.room.typing {
		names = append(names, printable.Line(t.name))
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return ""
	case len(names) == 1:
		return names[0] + " is typing"
	case len(names) > 3:
		return "several people are typing"
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " are typing"
}
