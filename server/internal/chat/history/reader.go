package history

import (
	"context"
	"fmt"
	"log/slog"

	"chatroom/server/fanout"
	"chatroom/server/internal/chat"
)

// Reader reads the events of all rooms. Its methods are safe for concurrent use.
type Reader struct {
	journal  chat.Journal
	encoding chat.Encoding
	log      *slog.Logger
	events   eventCache
	folds    foldCache
}

// New returns a reader whose caches are charged to a budget.
func New(j chat.Journal, e chat.Encoding, budget *fanout.Budget, log *slog.Logger) *Reader {
	return &Reader{
		journal:  j,
		encoding: e,
		log:      log,
		events:   eventCache{newCache[uint64, *chat.Event](budget)},
		folds:    foldCache{folds: newCache[uint64, *fold](budget)},
	}
}

// Event returns a stored event, from the cache or decoded and cached. See Decode.
func (r *Reader) Event(room string, stored chat.Stored) *chat.Event {
	if event := r.events.find(room, stored); event != nil {
		return event
	}
	event := r.Decode(room, stored)
	r.events.keep(event)
	return event
}

// Decode returns a stored event without caching it. It never fails: an event that can't be
// decoded has no body, so that receivers do not conclude from a gap that they missed one.
func (r *Reader) Decode(room string, stored chat.Stored) *chat.Event {
	event, err := r.encoding.Decode(stored.Payload)
	if err != nil {
		r.log.Error("stored event can't be decoded", "room", room, "sequence", stored.Sequence, "err", err)
		event = &chat.Event{}
	}
	event.Room, event.Sequence, event.Previous = room, stored.Sequence, stored.Previous
	event.PayloadSize = len(stored.Payload)
	return event
}

// At returns the event with a sequence, nil if there is none.
func (r *Reader) At(ctx context.Context, room string, sequence uint64) (*chat.Event, error) {
	if sequence > chat.MaxSequence {
		return nil, nil
	}
	stored, err := r.journal.Read(ctx, room, sequence-1, 1)
	if err != nil {
		return nil, fmt.Errorf("read event %d of room %q: %w", sequence, room, err)
	}
	if len(stored) == 0 || stored[0].Sequence != sequence {
		return nil, nil
	}
	return r.Event(room, stored[0]), nil
}

// CheckReaction returns a *chat.FieldError as refusal if a message accepts no more
// reactions like this one, or does not have what is to be removed. Reactions that are sent at the same moment may exceed the
// bounds by their number.
func (r *Reader) CheckReaction(ctx context.Context, room, member string, reaction chat.Reaction) (refusal, err error) {
	head, err := r.journal.Head(ctx, room)
	if err != nil {
		return nil, fmt.Errorf("head of room %q: %w", room, err)
	}
	folds, err := r.folded(ctx, room, head.Epoch, head.Last, []uint64{reaction.Target})
	if err != nil {
		return nil, err
	}
	return folds[0].checkReaction(reaction, member), nil
}

// Forget frees the memory that a deleted message takes.
func (r *Reader) Forget(target uint64) {
	r.events.forget(target)
	r.folds.forget(target)
}
