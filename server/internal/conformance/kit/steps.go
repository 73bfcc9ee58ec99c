package kit

import (
	"fmt"
	"slices"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/conformance/driver"
)

// The following methods are the steps that scenarios consist of.

// connect tells the client to follow rooms, and waits until it does: until the application
// has seen an event in each. Before that a client has no cursor, and may miss events.
func (r *run) connect(rooms ...string) { r.connectWith(driver.Command{Rooms: rooms}) }

func (r *run) connectWith(c driver.Command) {
	r.tellConnect(c)
	for _, room := range c.Rooms {
		r.joined(room)
		r.publish(room, 1)
	}
	r.await()
}

// tellConnect tells the client to follow rooms.
func (r *run) tellConnect(c driver.Command) {
	c.Command, c.URL, c.Store, c.Token = driver.Connect, r.url, r.store, "token-1"
	r.do(func() {
		for _, name := range c.Rooms {
			r.view(name)
		}
	})
	r.command(c)
}

// join tells the client to follow another room.
func (r *run) join(room string) {
	r.do(func() { r.view(room) })
	r.command(driver.Command{Command: driver.Join, Room: room})
}

// joined waits until a stream follows a room, and returns it.
func (r *run) joined(room string) *stream {
	if !r.until(patience, func() bool { return r.current(room) != nil }) {
		r.fail("the client did not open a stream for %s within %v; %s", room, patience, r.streamsSoFar())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current(room)
}

// current returns the newest stream that follows a room, nil if there is none. The caller
// holds the monitor.
func (r *run) current(room string) *stream {
	for _, st := range slices.Backward(r.streams) {
		if st.live(room) {
			return st
		}
	}
	return nil
}

// next waits for a stream after another one, and returns it. It need not have begun.
func (r *run) next(after *stream, within time.Duration) *stream {
	if !r.until(within, func() bool { return len(r.streams) > after.number+1 }) {
		r.fail("the client did not open another stream within %v; %s", within, r.streamsSoFar())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.streams[after.number+1]
}

// streamsSoFar says what streams the client has opened.
func (r *run) streamsSoFar() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.streams) == 0 {
		return fmt.Sprintf("it has opened none, and made %d connections", len(r.conns))
	}
	last := r.streams[len(r.streams)-1]
	state := "is open"
	if !last.open() {
		state = fmt.Sprintf("ended %v ago", time.Since(last.ended).Round(time.Millisecond))
	}
	return fmt.Sprintf("it has opened %d, of which the last one %s, and made %d connections", len(r.streams), state, len(r.conns))
}

// publish adds messages to a room, and returns them.
func (r *run) publish(room string, n int) (events []*chatv1.Event) {
	r.do(func() {
		for range n {
			events = append(events, r.server.publish(room, r.room(room).message(0), false))
		}
	})
	return events
}

// publishUnsent adds a message to a room that no open stream delivers.
func (r *run) publishUnsent(room string) (e *chatv1.Event) {
	r.do(func() { e = r.room(room).append(r.room(room).message(0), r.now(), false) })
	return e
}

// publishOther adds an event to a room that is no message. The application may not see it.
func (r *run) publishOther(room string, e *chatv1.Event) {
	r.do(func() { r.server.publish(room, e, true) })
}

// nextSequence returns the sequence of the n-th message that is published next in a room.
func (r *run) nextSequence(name string, n int) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	room := r.room(name)
	sequence := room.head
	for i := range n {
		sequence += 1 + uint64((len(room.entries)+i)%3)
	}
	return sequence
}

// await waits until the application has seen all that it must see.
func (r *run) await() { r.awaitWithin(patience) }

func (r *run) awaitWithin(d time.Duration) {
	missing := func() string {
		for name, v := range r.views {
			if e := v.missing(r.room(name)); e != nil {
				return e.missingFrom(r.room(name))
			}
		}
		return ""
	}
	if r.until(d, func() bool { return missing() == "" }) {
		return
	}
	r.do(func() {
		problem := missing()
		if n := len(r.streams); n > r.expected+2 {
			problem += fmt.Sprintf("; it opened %d streams in this time, where %d are enough", n, r.expected)
		}
		r.problemLocked(problem)
	})
	r.check()
}

// send tells the client to send a message to the lobby, and returns it.
func (r *run) send() *sending {
	s := &sending{room: "lobby"}
	var ref string
	r.do(func() {
		ref = fmt.Sprintf("send-%d", len(r.order)+1)
		s.text = ref + " to " + s.room
		r.sends[ref] = s
		r.order = append(r.order, ref)
	})
	r.command(driver.Command{Command: driver.Send, Ref: ref, Room: s.room, Text: s.text})
	return s
}

// sent waits until the client has reported that a message is sent, and checks what it did.
func (r *run) sent(within time.Duration, sends ...*sending) {
	for _, s := range sends {
		r.outcome(within, s)
		switch attempts := r.attemptsOf(s); {
		case s.report.Report == driver.Failed:
			r.problem("the client reported that %q failed (%s: %s), although a retry with the same id would have sent it", s.text, s.report.Code, s.report.Message)
		case len(attempts) == 0 || attempts[len(attempts)-1].event == nil:
			r.problem("the client reported that %q was sent, but it is not stored", s.text)
		default:
			if want := attempts[len(attempts)-1].event.GetSequence(); s.report.Sequence != 0 && uint64(s.report.Sequence) != want {
				r.problem("the client reported that %q is event %d: it is event %d", s.text, s.report.Sequence, want)
			}
		}
	}
	r.check()
}

// outcome waits until the client has reported the outcome of a send, and checks that its
// attempts have one id.
func (r *run) outcome(within time.Duration, s *sending) {
	if !r.until(within, func() bool { return s.report != nil }) {
		r.problem("the client did not report within %v whether %q was sent; it tried %d times", within, s.text, len(r.attemptsOf(s)))
	}
	attempts := r.attemptsOf(s)
	for _, a := range attempts {
		if first := attempts[0].request.GetId(); a.request.GetId() != first {
			r.problem("the client sent the retry of %q under another id: %q, then %q", s.text, first, a.request.GetId())
		}
	}
	r.check()
}

// attemptsOf returns the attempts of a send so far.
func (r *run) attemptsOf(s *sending) (attempts []*attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.attempts {
		if a.text() == s.text {
			attempts = append(attempts, a)
		}
	}
	return attempts
}

// giveToken makes the application's source return another token from now on.
func (r *run) giveToken(token string) {
	r.command(driver.Command{Command: driver.Token, Token: token})
	if !r.until(patience, func() bool { return r.tokens[token] }) {
		r.fail("the driver did not confirm the new token within %v", patience)
	}
}
