package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
)

// subscriber follows a room from its first event on.
type subscriber struct {
	seat    seat
	door    *visitor
	restive bool // it leaves at random, and comes back with its cursor
	random  *rand.Rand
	history *History
	cursor  client.Cursor
	resumes int
}

// run follows until ctx ends.
func (s *subscriber) run(ctx context.Context) {
	for ctx.Err() == nil {
		session, leave := ctx, context.CancelFunc(func() {})
		if s.restive {
			session, leave = context.WithTimeout(ctx, time.Duration(10+s.random.IntN(400))*time.Millisecond)
		}
		s.follow(session)
		leave()
		s.resumes++
		if s.restive {
			pause(ctx, time.Duration(s.random.IntN(30))*time.Millisecond)
		}
	}
}

func (s *subscriber) follow(ctx context.Context) {
	for e, err := range s.door.Follow(ctx, s.seat.room, client.After(s.cursor)) {
		reset, isReset := errors.AsType[*client.ResetError](err)
		switch {
		case isReset:
			s.history.wasReset(s.seat)
			s.cursor = client.Cursor{Epoch: reset.Epoch, Sequence: reset.Head}
			continue
		case err != nil:
			if ctx.Err() == nil {
				s.history.oddity("%s could not follow %s: %v", s.seat.subscriber, s.seat.room, err)
				pause(ctx, 100*time.Millisecond)
			}
			return
		}
		if e.GetSequence() == 0 {
			continue // ephemeral
		}
		s.cursor = e.Cursor()
		s.history.saw(s.seat, false, toEvent(e.Event, e.Epoch), Tick(s.door.streams.began.Load()))
		if s.restive && s.random.IntN(300) == 0 {
			return
		}
	}
}

// lister pages through a room with ListEvents, and waits for more at its end.
type lister struct {
	seat    seat
	door    *visitor
	random  *rand.Rand
	history *History
	cursor  *chatv1.Cursor
	resumes int // pages that failed and were asked for again
}

func (l *lister) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !l.page(ctx) {
			l.resumes++
			pause(ctx, time.Duration(l.random.IntN(100))*time.Millisecond)
		}
	}
}

// page reads one page, and says whether it could.
func (l *lister) page(ctx context.Context) bool {
	request := listAfter(l.seat.room, l.cursor, 1+l.random.IntN(100), time.Second)
	attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	began := l.history.now()
	response, err := l.door.rpc.ListEvents(attempt, request)
	if err != nil {
		switch code := connect.CodeOf(err); {
		case code == connect.CodeOutOfRange:
			l.history.wasReset(l.seat)
		case connect.IsWireError(err) && code != connect.CodeUnavailable && ctx.Err() == nil:
			l.history.oddity("%s could not list %s: %v", l.seat.subscriber, l.seat.room, err)
		}
		return false
	}
	for _, e := range response.GetEvents() {
		l.history.saw(l.seat, true, toEvent(e, response.GetEpoch()), began)
	}
	l.cursor = response.GetNext()
	return true
}
