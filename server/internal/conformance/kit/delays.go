package kit

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
)

// delays are scenarios of when a client reconnects.
var delays = []Scenario{
	{
		Name:   "drain",
		About:  "The server announces that it stops, still delivers, and ends the stream at once. The client applies what comes, and reconnects when the time that the server asks for has passed.",
		run:    func(r *run) { r.drain(true) },
		weight: 4,
	},
	{
		Name:   "drain-open",
		About:  "The server announces that it stops, and leaves the stream open. The client reconnects when the time that the server asks for has passed, and not much later.",
		run:    func(r *run) { r.drain(false) },
		weight: 4,
	},
	{
		Name:   "slow-start",
		About:  "The server takes 3 s to begin a stream. The client waits, and does not open another one.",
		run:    slowStart,
		weight: 4,
	},
	{
		Name:   "unavailable",
		About:  "The server is unavailable, and then does not accept connections. The client retries with pauses that grow and are random, and is back when the server is.",
		run:    backOff,
		weight: 12,
	},
	{
		Name:   "retry-info",
		About:  "The server refuses the stream, and says when to retry. The client does not retry before.",
		run:    streamRetryInfo,
		weight: 3,
	},
	{
		Name:   "clock-behind",
		About:  "The server's clock is 31 days behind that of the client, so that tokens seem to have expired long ago. The client does not mind.",
		run:    func(r *run) { r.skewed(-31 * 24 * time.Hour) },
		weight: 4,
	},
	{
		Name:   "clock-ahead",
		About:  "The server's clock is 31 days ahead of that of the client. The client does not mind.",
		run:    func(r *run) { r.skewed(31 * 24 * time.Hour) },
		weight: 4,
	},
}

func (r *run) drain(ends bool) {
	const asked = 2 * time.Second
	r.expected++
	r.connect("lobby")
	r.publish("lobby", 2)
	r.await()
	st := r.joined("lobby")
	begun := time.Now()
	r.push(st, &chatv1.Frame{Kind: &chatv1.Frame_Draining{Draining: &chatv1.Draining{ReconnectAfter: durationpb.New(asked)}}})
	r.publish("lobby", 2)
	if ends {
		r.end(st, unavailable())
		r.do(func() { st.deaf = true })
	}
	r.await()
	r.publish("lobby", 1)
	next := r.next(st, asked+patience)
	if after := next.opened.Sub(begun); after < asked-early {
		r.fail("the client reconnected %v after Draining, although the server asked for %v", after.Round(time.Millisecond), asked)
	}
	r.publish("lobby", 1)
	r.await()
}

func slowStart(r *run) {
	const start = 3 * time.Second
	var others int
	r.do(func() {
		r.onStream = func(ctx context.Context, st *stream) error {
			if st.number > 0 {
				r.do(func() { others++ })
			}
			return pauseIn(ctx, start)
		}
	})
	r.connect("lobby")
	var opened int
	r.do(func() { opened = others })
	if opened > 0 {
		r.fail("the client opened %d more streams while it waited %v for the first one", opened, start)
	}
	r.publish("lobby", 3)
	r.await()
}

func backOff(r *run) {
	const unavailableFor, downFor, most = 4 * time.Second, 2 * time.Second, 20
	r.do(func() {
		r.onStream = func(context.Context, *stream) error { return unavailable() }
	})
	r.tellConnect(command("lobby"))
	if !r.until(patience, func() bool { return len(r.streams) > 0 }) {
		r.fail("the client did not open a stream within %v", patience)
	}
	r.pause(unavailableFor)
	var opened []time.Time
	r.do(func() {
		r.down, r.onStream = true, nil
		for _, st := range r.streams {
			opened = append(opened, st.opened)
		}
		for _, c := range r.conns {
			_ = c.Close()
		}
	})
	r.pause(downFor)
	var refused int
	r.do(func() { r.down, refused = false, len(r.refused) })
	if n := len(opened); n > most {
		r.fail("the client opened %d streams within %v while the server was unavailable: it does not back off", n, unavailableFor)
	}
	if refused > most {
		r.fail("the client opened %d connections within %v while the server closed each at once: it does not back off", refused, downFor)
	}
	if regular(opened) {
		r.fail("the pauses of the client's back-off are not random: all clients of a server that restarts would return at the same moments")
	}
	r.joined("lobby")
	r.mu.Lock()
	r.expected = len(r.streams)
	r.mu.Unlock()
	r.publish("lobby", 3)
	r.await()
}

// regular reports whether pauses are the same, or double, to a few percent. Five random
// pauses look so in one of a million cases.
func regular(times []time.Time) bool {
	var same, doubled, n int
	for i := 2; i < len(times); i++ {
		ratio := float64(times[i].Sub(times[i-1])) / float64(times[i-1].Sub(times[i-2]))
		n++
		if 0.96 < ratio && ratio < 1.04 {
			same++
		}
		if 1.92 < ratio && ratio < 2.08 {
			doubled++
		}
	}
	return n >= 4 && (same == n || doubled == n)
}

func streamRetryInfo(r *run) {
	const asked = 2 * time.Second
	r.expected++
	var refused time.Time
	r.do(func() {
		r.onStream = func(_ context.Context, st *stream) error {
			if st.number > 0 {
				return nil
			}
			r.do(func() { refused = time.Now() })
			return unavailable(retryInfo(asked))
		}
	})
	r.connect("lobby")
	st := r.joined("lobby")
	if after := st.opened.Sub(refused); after < asked-early {
		r.fail("the client retried %v after it was refused, although RetryInfo asked for %v", after.Round(time.Millisecond), asked)
	}
	r.publish("lobby", 3)
	r.await()
}

// skewed lets a client be idle while the server has another time.
func (r *run) skewed(skew time.Duration) {
	const idle, most = 3 * time.Second, 20
	r.skew.Store(int64(skew))
	r.connect("lobby")
	r.publish("lobby", 2)
	r.await()
	st := r.joined("lobby")
	var before, after int
	r.do(func() { before = r.calls })
	r.pause(idle)
	r.do(func() { after = r.calls })
	if n := after - before; n > most {
		r.fail("the client made %d calls within %v of idleness: it compares the server's times with its own clock", n, idle)
	}
	if !r.isOpen(st) {
		r.fail("the client closed a stream on which heartbeats came: it compares the server's times with its own clock")
	}
	sent := r.send()
	r.sent(patience, sent)
	// The clock of the server is set right.
	r.skew.Store(0)
	r.publish("lobby", 3)
	r.await()
}
