package chat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"slices"
)

// retryEvents bounds how far back in a room a retry is recognized whose target was
// deleted meanwhile.
const retryEvents = 1_000

// checkTarget checks the message that an event is about. For one that was stored
// before, and whose target is gone since, it returns the receipt of that.
func (s *Service) checkTarget(ctx context.Context, e *Event) (earlier Receipt, err error) {
	field, target, owned := targetOf(e.Body)
	if target == 0 {
		return Receipt{}, nil
	}
	if _, reply := e.Body.(Message); !reply && e.Sender.ID == "" {
		return Receipt{}, ErrSignIn
	}
	message, err := s.at(ctx, e.Room, target)
	if err != nil {
		return Receipt{}, err
	}
	if message == nil {
		return s.repeated(ctx, e, target)
	}
	if _, ok := message.Body.(Message); !ok {
		return Receipt{}, &TargetError{field, ErrUnknownTarget}
	}
	if owned && message.Sender.ID != e.Sender.ID {
		return Receipt{}, &TargetError{field, ErrNotYours}
	}
	if reaction, ok := e.Body.(Reaction); ok && !reaction.Removed {
		return Receipt{}, s.checkEmoji(ctx, e.Room, reaction)
	}
	return Receipt{}, nil
}

// checkEmoji bounds the different emoji at one message.
func (s *Service) checkEmoji(ctx context.Context, room string, r Reaction) error {
	f, err := s.folded(ctx, room, r.Target)
	if err != nil {
		return err
	}
	if f.crowded(r.Target, r.Emoji) {
		return &FieldError{"reaction.emoji", "emoji.count", fmt.Sprintf("must be one of the %d different ones that the message has already: it takes no more", MaxReactions)}
	}
	return nil
}

// targetOf returns the message that a body is about, 0 if there is none, and
// whether it must be the sender's own.
func targetOf(b Body) (field string, target uint64, owned bool) {
	switch body := b.(type) {
	case Message:
		return "message.reply_to", body.ReplyTo, false
	case Edit:
		return "edit.target", body.Target, true
	case Deletion:
		return "deletion.target", body.Target, true
	case Reaction:
		return "reaction.target", body.Target, false
	default:
		return "", 0, false
	}
}

// repeated finds out whether a target is missing that was there when this very event
// was stored: then it is a retry, and must be answered as the first was. Of a
// deletion, it does again what may not have been done then.
func (s *Service) repeated(ctx context.Context, e *Event, target uint64) (Receipt, error) {
	field, _, _ := targetOf(e.Body)
	unknown := &TargetError{field, ErrUnknownTarget}
	if e.Sender.ID == "" {
		return Receipt{}, unknown
	}
	f, err := s.folded(ctx, e.Room, target)
	if err != nil {
		return Receipt{}, err
	}
	before := f.deletionOf(target)
	if before == nil {
		return Receipt{}, unknown
	}
	if _, deletes := e.Body.(Deletion); !deletes {
		if before, err = s.recent(ctx, e); err != nil {
			return Receipt{}, err
		}
	}
	if before == nil || before.Sender.ID != e.Sender.ID || before.ID != e.ID {
		return Receipt{}, unknown
	}
	r := Receipt{At: Cursor{Epoch: f.epoch, Sequence: before.Sequence}, Time: before.Time, Duplicate: true}
	if _, deletes := e.Body.(Deletion); deletes {
		return r, s.erase(ctx, e, target)
	}
	return r, nil
}

// recent returns the newest event with an event's sender and ID, nil if there is none
// among the last retryEvents of the room.
func (s *Service) recent(ctx context.Context, e *Event) (*Event, error) {
	stored, err := s.journal.ReadBack(ctx, e.Room, math.MaxUint64, retryEvents)
	if err != nil {
		return nil, fmt.Errorf("read back in room %q: %w", e.Room, err)
	}
	for _, st := range slices.Backward(stored) {
		if other := s.read(e.Room, st); other.Sender.ID == e.Sender.ID && other.ID == e.ID {
			return other, nil
		}
	}
	return nil, nil
}

// settle does what has to follow the storing of an event. An edit may have been
// stored while its message was being deleted: whoever is second erases it. The
// deletion takes the message away before it looks for edits, and an edit looks for
// its message once it is stored, so that one of the two sees the other.
func (s *Service) settle(ctx context.Context, e *Event, sequence uint64) error {
	switch body := e.Body.(type) {
	case Deletion:
		return s.erase(ctx, e, body.Target)
	case Edit:
		message, err := s.at(ctx, e.Room, body.Target)
		if message != nil || err != nil {
			return err
		}
		if err := s.eraseEdit(ctx, e, body.Target, sequence); err != nil {
			return err
		}
		return &TargetError{"edit.target", ErrUnknownTarget}
	default:
		return nil
	}
}

// erase erases a message and its edits, for the event that deletes it.
func (s *Service) erase(ctx context.Context, e *Event, target uint64) error {
	if err := s.eraseOne(ctx, e.Room, target); err != nil {
		return err
	}
	f, err := s.folded(ctx, e.Room, target)
	if err != nil {
		return err
	}
	for _, edit := range f.editsOf(target) {
		if err := s.eraseEdit(ctx, e, target, edit); err != nil {
			return err
		}
	}
	return nil
}

// eraseEdit erases an edit of a message that is deleted, for an event of the one
// whose both are. As the room's newest event the journal would keep it: then the
// deletion comes after it once more.
func (s *Service) eraseEdit(ctx context.Context, e *Event, target, edit uint64) error {
	err := s.journal.Erase(ctx, e.Room, edit)
	if !errors.Is(err, ErrNewest) {
		return err
	}
	again := &Event{Time: e.Time, ID: e.ID, Sender: e.Sender, Body: Deletion{Target: target}}
	payload, err := s.encoding.Encode(again)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	if _, _, err := s.journal.Append(ctx, e.Room, rand.Text(), payload); err != nil {
		return fmt.Errorf("append to room %q: %w", e.Room, err)
	}
	return s.eraseOne(ctx, e.Room, edit)
}

// eraseOne erases an event, unless that is the room's newest.
func (s *Service) eraseOne(ctx context.Context, room string, sequence uint64) error {
	s.memo.forget(sequence)
	err := s.journal.Erase(ctx, room, sequence)
	if err != nil && !errors.Is(err, ErrNewest) {
		return fmt.Errorf("erase event %d of room %q: %w", sequence, room, err)
	}
	return nil
}
