package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"chatroom/server/internal/chat"
)

// readForward reads a page whose events are older than the index of their room:
// from the stream, at a cost that depends on the page alone.
func (s *Store) readForward(ctx context.Context, name string, after uint64, limit int) (events []chat.Stored, err error) {
	subject := eventSubject(name)
	previous, err := s.visibleUpTo(ctx, name, after)
	if err != nil {
		return nil, err
	}
	for len(events) < limit {
		batch, err := s.events.batch(ctx, subject, after+1, limit-len(events))
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			// The server that has answered may be behind the leader.
			next, found, err := s.events.next(ctx, subject, after+1)
			if err != nil {
				return nil, err
			}
			if !found {
				break
			}
			batch = []message{next}
		}
		after = batch[len(batch)-1].sequence
		for _, m := range s.visible(name, batch) {
			events = append(events, chat.Stored{Sequence: m.sequence, Previous: previous, Payload: m.data})
			previous = m.sequence
		}
		if !s.reached(after) {
			break
		}
	}
	return events, nil
}

// visible returns those messages of a room that are not hidden, up to the feed's position.
func (s *Store) visible(name string, batch []message) []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.roomLocked(name)
	return slices.DeleteFunc(batch, func(m message) bool {
		return m.sequence > s.at || s.hidesMessageLocked(r, m)
	})
}

// hidesMessageLocked reports whether a message of a room is hidden, or revises one that
// is: the index may not have it.
func (s *Store) hidesMessageLocked(r *room, m message) bool {
	e := decode(m)
	return s.hidesLocked(r, e.sequence) || e.relation == chat.Revises && s.hidesLocked(r, e.target)
}

func (s *Store) hidesLocked(r *room, sequence uint64) bool {
	_, deleted := s.deleted[sequence]
	return deleted || r.hides(sequence)
}

// reached reports whether the feed's position is at or after a sequence.
func (s *Store) reached(sequence uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at >= sequence
}

// visibleUpTo returns a room's newest visible event up to a sequence, 0 when there
// is none.
func (s *Store) visibleUpTo(ctx context.Context, name string, sequence uint64) (uint64, error) {
	for sequence > 0 {
		m, found, err := s.events.upTo(ctx, eventSubject(name), sequence)
		if err != nil || !found {
			return 0, err
		}
		if len(s.visible(name, []message{m})) > 0 {
			return m.sequence, nil
		}
		sequence = m.sequence - 1
	}
	return 0, nil
}

// upTo returns the newest message of a subject up to a sequence.
func (s source) upTo(ctx context.Context, subject string, sequence uint64) (m message, found bool, err error) {
	err = s.requester.request(ctx, func(ctx context.Context) error {
		answers, err := jetstreamext.GetLastMsgsFor(ctx, s.js, s.name, []string{subject}, jetstreamext.GetLastMsgsUpToSeq(sequence))
		if err != nil {
			return err
		}
		var raw *jetstream.RawStreamMsg
		for raw, err = range answers {
			switch {
			case errors.Is(err, jetstreamext.ErrNoMessages):
				return nil
			case err != nil:
				return err
			}
			m, found = fromStream(raw), true
		}
		return ctx.Err()
	})
	if err != nil {
		return m, false, fmt.Errorf("read %s up to %d: %w", s.name, sequence, err)
	}
	return m, found, nil
}
