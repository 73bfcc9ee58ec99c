package crash

import (
	"context"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
)

// subscriber follows a room from its first event on.
type subscriber struct {
	subscription subscription
	client       *protocolClient
	reconnects   bool // it disconnects at random, and resumes with its cursor
	random       *rand.Rand
	history      *History
	cursor       client.Cursor
	resumes      int
}

// run follows until ctx ends.
func (s *subscriber) run(ctx context.Context) {
	for ctx.Err() == nil {
		session, leave := ctx, context.CancelFunc(func() {})
		if s.reconnects {
			session, leave = context.WithTimeout(ctx, time.Duration(10+s.random.IntN(400))*time.Millisecond)
		}
		s.follow(session)
		leave()
		s.resumes++
		if s.reconnects {
			wait(ctx, time.Duration(s.random.IntN(30))*time.Millisecond)
		}
	}
}

func (s *subscriber) follow(ctx context.Context) {
	for e, err := range s.client.Follow(client.After(s.subscription.room, s.cursor)).Events(ctx) {
		switch {
		case e.Reset != nil:
			s.history.wasReset(s.subscription)
			s.cursor = e.Cursor()
			continue
		case err != nil:
			if ctx.Err() == nil {
				s.history.contractFault("%s could not follow %s: %v", s.subscription.subscriber, s.subscription.room, err)
				wait(ctx, 100*time.Millisecond)
			}
			return
		}
		if e.GetSequence() == 0 {
			continue // ephemeral
		}
		s.cursor = e.Cursor()
		s.history.recordSighting(s.subscription, false, toEvent(e.Event, e.Epoch), s.client.streams.began(e.Event))
		if s.reconnects && s.random.IntN(300) == 0 {
			return
		}
	}
}

// pageReader pages through a room with ListEvents, and waits for more at its end.
type pageReader struct {
	subscription subscription
	client       *protocolClient
	random       *rand.Rand
	history      *History
	cursor       *chatv1.Cursor
	resumes      int // pages that failed and were asked for again
}

func (l *pageReader) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !l.page(ctx) {
			l.resumes++
			wait(ctx, time.Duration(l.random.IntN(100))*time.Millisecond)
		}
	}
}

// page reads one page, and reports whether that succeeded.
func (l *pageReader) page(ctx context.Context) bool {
	request := listAfter(l.subscription.room, l.cursor, 1+l.random.IntN(100), time.Second)
	attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	began := l.history.now()
	response, err := l.client.rpc.ListEvents(attempt, request)
	if err != nil {
		switch code := connect.CodeOf(err); {
		case code == connect.CodeOutOfRange:
			l.history.wasReset(l.subscription)
		case connect.IsWireError(err) && code != connect.CodeUnavailable && ctx.Err() == nil:
			l.history.contractFault("%s could not list %s: %v", l.subscription.subscriber, l.subscription.room, err)
		}
		return false
	}
	for _, e := range response.GetEvents() {
		l.history.recordSighting(l.subscription, true, toEvent(e, response.GetEpoch()), began)
	}
	l.cursor = response.GetNext()
	return true
}
