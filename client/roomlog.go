package client

import (
	"errors"

	chatv1 "chatroom/gen/chat/v1"
)

var errGap = errors.New("client: an event is missing from the stream")

// roomLog decides what of a room's frames is yielded, so that each event is once and in
// order whatever streams bring. It is owned by a session.
type roomLog struct {
	place *place
	room  string

	recent     uint32
	cursor     Cursor // everything up to it was taken or not asked for
	positioned bool   // whether cursor is known
	head       uint64 // of the log when the room was joined
	joined     bool   // on the current stream
	gaps       int    // streams in a row that had a gap here
}

// subscription returns what asks for the events after the cursor, if that is known.
func (l *roomLog) subscription() *chatv1.Subscription {
	s := &chatv1.Subscription{Room: l.room}
	switch {
	case l.positioned:
		s.Start = &chatv1.Subscription_After{After: l.cursor.proto()}
	case l.recent > 0:
		s.Start = &chatv1.Subscription_Recent{Recent: l.recent}
	}
	return s
}

// join takes the state of the room at joining. A log that starts live is positioned at
// the head; one that starts with recent events, at the first of them or, if there are
// none, by caughtUp.
func (l *roomLog) join(state *chatv1.RoomState) {
	l.joined = true
	if l.positioned {
		return
	}
	l.cursor, l.head = Cursor{Epoch: state.GetEpoch()}, state.GetHead()
	if l.recent == 0 {
		l.cursor.Sequence, l.positioned = l.head, true
	}
}

func (l *roomLog) caughtUp() {
	if !l.positioned {
		l.cursor.Sequence, l.positioned = l.head, true
	}
}

func (l *roomLog) reset(r *chatv1.Reset) {
	l.cursor, l.positioned = Cursor{Epoch: r.GetEpoch(), Sequence: r.GetHead()}, true
}

// take reports whether an event is to be yielded. It returns errGap if an event before it
// is missing.
func (l *roomLog) take(e *chatv1.Event) (bool, error) {
	switch {
	case !l.joined: // of a subscription that was left
		return false, nil
	case e.GetSequence() == 0: // ephemeral
		return true, nil
	case !l.positioned:
		l.positioned = true // events before this one were not asked for
	case e.GetSequence() <= l.cursor.Sequence:
		return false, nil
	case e.GetPrevious() > l.cursor.Sequence:
		return false, errGap
	}
	l.cursor.Sequence, l.gaps = e.GetSequence(), 0
	return true, nil
}
