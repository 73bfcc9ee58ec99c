package kit

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
)

// breaks are scenarios in which streams and connections end.
var breaks = []Scenario{
	{
		Name:  "live",
		About: "Events of several kinds are delivered. The application sees each message once, in order.",
		run:   live,
	},
	{
		Name:  "cut",
		About: "The connection is closed between two frames. The client resumes after the last event.",
		run: func(r *run) {
			r.broken(func(st *stream) { r.cut(r.ctx, st) })
		},
	},
	{
		Name:  "cut-in-frame",
		About: "The connection is closed in the middle of an event. The client does not apply the half of it, and resumes before it.",
		run: func(r *run) {
			r.broken(func(st *stream) {
				r.flushed(r.ctx, st)
				st.conn.tearNextEvent()
				r.do(func() { r.server.publish("lobby", r.room("lobby").message(3*minTorn), false) })
				if !r.wait(r.ctx, patience, func() bool { return !st.open() }) {
					r.fail("the connection could not be cut in the middle of an event")
				}
			})
		},
	},
	{
		Name:  "stream-ends",
		About: "The server ends the stream, without an error and then as unavailable. The client opens another one.",
		run: func(r *run) {
			r.broken(func(st *stream) { r.end(st, nil) })
			r.away(r.joined("lobby"), func(st *stream) { r.end(st, unavailable()) })
		},
	},
	{
		Name:   "silent",
		About:  "Heartbeats come for a while, and then nothing on a connection that stays open. The client keeps the stream while there are heartbeats, and replaces it after two intervals without.",
		run:    silent,
		weight: 10,
	},
	{
		Name:   "black-hole",
		About:  "The network swallows all of a connection, without closing it. The client notices by the heartbeats, and reconnects.",
		run:    blackHole,
		weight: 25,
	},
	{
		Name:   "events-1000",
		About:  "A thousand events, while connections are cut between and in frames, and streams end. The application sees each once, in order.",
		run:    thousand,
		weight: 5,
	},
}

func unavailable(details ...*connect.ErrorDetail) error {
	return refusal(connect.CodeUnavailable, "the server is going away: reconnect", details...)
}

func live(r *run) {
	r.publish("lobby", 3)
	r.connect("lobby")
	first := r.publish("lobby", 2)
	r.publishOther("lobby", &chatv1.Event{Body: &chatv1.Event_Reaction{Reaction: &chatv1.Reaction{Target: first[0].GetSequence(), Emoji: "👍"}}})
	r.publish("lobby", 20)
	r.await()
}

// broken connects the client, and breaks its stream while there are events.
func (r *run) broken(breakStream func(st *stream)) {
	r.publish("lobby", 3)
	r.connect("lobby")
	r.publish("lobby", 3)
	r.await()
	r.away(r.joined("lobby"), breakStream)
}

// away breaks a stream, and adds events before the client is back.
func (r *run) away(st *stream, breakStream func(st *stream)) {
	r.expected++
	breakStream(st)
	r.do(func() { st.deaf = true })
	r.publish("lobby", 3)
	r.next(st, patience)
	r.publish("lobby", 2)
	r.await()
}

func silent(r *run) {
	r.expected++
	r.connect("lobby")
	r.publish("lobby", 2)
	r.await()
	st := r.joined("lobby")
	r.pause(4 * r.heartbeat)
	if !r.isOpen(st) {
		r.fail("the client closed a stream on which heartbeats came every %v", r.heartbeat)
	}
	r.flushed(r.ctx, st)
	var since time.Time
	r.do(func() {
		st.muted, st.deaf, since = true, true, time.Now()
		st.queue = append(st.queue, r.heartbeatFrame())
	})
	r.publish("lobby", 2)
	next := r.next(st, longPatience)
	if after := next.opened.Sub(since); after < r.heartbeat*3/2 {
		r.fail("the client replaced its stream after %v of silence: heartbeats come every %v, and a stream is dead after two of these", after.Round(time.Millisecond), r.heartbeat)
	}
	r.await()
}

func (r *run) isOpen(st *stream) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return st.open()
}

func blackHole(r *run) {
	r.expected++
	r.connect("lobby")
	r.publish("lobby", 2)
	r.await()
	st := r.joined("lobby")
	r.flushed(r.ctx, st)
	st.conn.blackHole()
	r.do(func() { st.deaf = true })
	r.publish("lobby", 3)
	r.next(st, longPatience)
	r.awaitWithin(longPatience)
}

func thousand(r *run) {
	const rounds, burst = 20, 50
	r.connect("lobby")
	for i := range rounds {
		r.publish("lobby", burst)
		if i%3 != 2 {
			continue
		}
		st := r.joined("lobby")
		r.expected++
		switch i % 4 {
		case 0:
			_ = st.conn.Close() // whatever is on the way
		case 1:
			st.conn.tearNextEvent()
			r.do(func() { r.server.publish("lobby", r.room("lobby").message(3*minTorn), false) })
		case 2:
			r.end(st, unavailable())
		case 3:
			r.cut(r.ctx, st)
		}
		if !r.wait(r.ctx, patience, func() bool { return !st.open() }) {
			r.fail("a stream did not end within %v after its connection was closed", patience)
		}
	}
	r.awaitWithin(longPatience)
}

var errAnswerLost = errors.New("the connection is closed before the answer")

// pauseIn lets time pass in a handler.
func pauseIn(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
