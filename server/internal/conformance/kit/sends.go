package kit

import (
	"context"
	"slices"
	"time"

	"connectrpc.com/connect"

	"chatroom/server/internal/conformance/driver"
)

// sends are scenarios of what a client sends.
var sends = []Scenario{
	{
		Name:   "send-answer-lost",
		About:  "The connection is closed before the event is stored, and with the next attempt after it is stored and before the answer. The client repeats the send with the same id, and the application is told that it is sent.",
		run:    answerLost,
		weight: 3,
	},
	{
		Name:   "send-black-hole",
		About:  "The network swallows a send and all of its connection. The client repeats the send with the same id on another one.",
		run:    sendBlackHole,
		weight: 25,
	},
	{
		Name:   "send-retry-info",
		About:  "A send comes too often, and the server says when to retry. The client does not retry before.",
		run:    sendRetryInfo,
		weight: 3,
	},
	{
		Name:   "send-unavailable",
		About:  "Sends are answered as unavailable for 2 s. The client retries with the same id, with pauses.",
		run:    sendUnavailable,
		weight: 5,
	},
	{
		Name:  "send-refused",
		About: "Sends are refused for good. The application is told why, and the client neither repeats them nor stops sending.",
		run:   sendRefused,
	},
	{
		Name:   "sends-in-order",
		About:  "Ten messages are sent at once; one is refused for a moment, and of one the answer is lost. They are stored in the order in which the application sent them.",
		run:    sendsInOrder,
		weight: 3,
	},
}

func answerLost(r *run) {
	r.connect("lobby")
	r.expected += 2
	r.do(func() {
		r.onSend = lostAt(0)
		r.onStored = lostAt(1)
	})
	r.sent(patience, r.send())
	r.await()
}

// lostAt returns a hook that closes the connection of one attempt.
func lostAt(number int) func(context.Context, *attempt) error {
	return func(_ context.Context, a *attempt) error {
		if a.number != number {
			return nil
		}
		_ = a.conn.Close()
		return errAnswerLost
	}
}

func sendBlackHole(r *run) {
	r.connect("lobby")
	r.expected++
	r.do(func() {
		r.onSend = func(ctx context.Context, a *attempt) error {
			if a.number > 0 {
				return nil
			}
			a.conn.blackHole()
			<-ctx.Done()
			return ctx.Err()
		}
	})
	r.sent(longPatience, r.send())
	r.awaitWithin(longPatience)
}

func sendRetryInfo(r *run) {
	const asked = 1500 * time.Millisecond
	r.connect("lobby")
	r.do(func() {
		r.onSend = func(_ context.Context, a *attempt) error {
			if a.number > 0 {
				return nil
			}
			return refusal(connect.CodeResourceExhausted, "too many sends", retryInfo(asked))
		}
	})
	s := r.send()
	r.sent(asked+patience, s)
	attempts := r.attemptsOf(s)
	if after := attempts[1].begun.Sub(attempts[0].begun); after < asked-early {
		r.fail("the client sent again after %v, although RetryInfo asked for %v", after.Round(time.Millisecond), asked)
	}
	r.await()
}

func sendUnavailable(r *run) {
	const unavailableFor, most = 2 * time.Second, 20
	r.connect("lobby")
	until := time.Now().Add(unavailableFor)
	r.do(func() {
		r.onSend = func(context.Context, *attempt) error {
			if time.Now().Before(until) {
				return unavailable()
			}
			return nil
		}
	})
	s := r.send()
	r.sent(unavailableFor+patience, s)
	if n := len(r.attemptsOf(s)); n > most {
		r.fail("the client sent %d times within %v while the server was unavailable: it does not back off", n, unavailableFor)
	}
	r.await()
}

func sendRefused(r *run) {
	r.connect("lobby")
	codes := []connect.Code{connect.CodeInvalidArgument, connect.CodePermissionDenied, connect.CodeResourceExhausted}
	r.do(func() {
		r.onSend = func(_ context.Context, a *attempt) error {
			r.mu.Lock()
			i := slices.IndexFunc(r.order, func(ref string) bool { return r.sends[ref].text == a.text() })
			r.mu.Unlock()
			if i < 0 || i >= len(codes) {
				return nil
			}
			return refusal(codes[i], "refused for good")
		}
	})
	for _, code := range codes {
		s := r.send()
		r.outcome(patience, s)
		switch n := len(r.attemptsOf(s)); {
		case s.report.Report != driver.Failed:
			r.fail("the client reported that %q was sent: it was refused with %s", s.text, code)
		case s.report.Code == "" && s.report.Message == "":
			r.fail("the client did not report why %q was refused", s.text)
		case s.report.Code != "" && s.report.Code != code.String():
			r.fail("the client reported that %q failed with %s: it was refused with %s", s.text, s.report.Code, code)
		case n > 1:
			r.fail("the client sent %q %d times, although it was refused with %s", s.text, n, code)
		}
	}
	r.sent(patience, r.send())
	r.await()
}

func sendsInOrder(r *run) {
	const n = 10
	r.connect("lobby")
	r.expected++
	failed := make(map[string]bool)
	r.do(func() {
		first := func(a *attempt, number int) (ok bool) {
			r.do(func() {
				ok = number < len(r.order) && a.text() == r.sends[r.order[number]].text && !failed[a.text()]
				failed[a.text()] = failed[a.text()] || ok
			})
			return ok
		}
		r.onSend = func(ctx context.Context, a *attempt) error {
			r.concurrent(a)
			if first(a, 2) {
				return unavailable()
			}
			return pauseIn(ctx, 20*time.Millisecond)
		}
		r.onStored = func(_ context.Context, a *attempt) error {
			if !first(a, 6) {
				return nil
			}
			_ = a.conn.Close()
			return errAnswerLost
		}
	})
	var sends []*sending
	for range n {
		sends = append(sends, r.send())
	}
	r.sent(2*patience, sends...)
	var want, got []string
	r.do(func() {
		for _, s := range sends {
			want = append(want, s.text)
		}
		for _, e := range r.room("lobby").log {
			if slices.Contains(want, e.GetMessage().GetText()) {
				got = append(got, e.GetMessage().GetText())
			}
		}
	})
	if !slices.Equal(got, want) {
		r.fail("the client sent in another order than the application: %q", got)
	}
	r.await()
}

// concurrent notes a unary send that is in flight with another one.
func (r *run) concurrent(a *attempt) {
	r.do(func() {
		for _, other := range r.attempts {
			if other != a && !a.chat && !other.chat && other.ended.IsZero() && other.request.GetId() != a.request.GetId() {
				r.problemLocked("the client has several sends to one room in flight at once: unary calls may overtake one another")
			}
		}
	})
}
