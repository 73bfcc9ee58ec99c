package chat

import (
	"context"
	"fmt"
)

// checkTarget checks the message that a post is about. A retry must be answered as
// the first attempt was, whatever has become of the message since: a post that only
// the state of its target forbids is refused by the journal, which knows retries.
func (s *Service) checkTarget(ctx context.Context, x *Sending) error {
	e := x.event
	field, target, owned := targetOf(e.Body)
	if target == 0 {
		return nil
	}
	if _, reply := e.Body.(Message); !reply && e.Sender.ID == "" {
		return ErrSignIn
	}
	message, err := s.at(ctx, e.Room, target)
	if err != nil {
		return err
	}
	if message == nil {
		x.refusal = &TargetError{field, ErrUnknownTarget}
		return nil
	}
	if _, ok := message.Body.(Message); !ok {
		return &TargetError{field, ErrUnknownTarget}
	}
	if owned && message.Sender.ID != e.Sender.ID {
		return &TargetError{field, ErrNotYours}
	}
	if reaction, ok := e.Body.(Reaction); ok && !reaction.Removed {
		x.refusal, err = s.checkReaction(ctx, e, reaction)
	}
	return err
}

// checkReaction returns a *FieldError as refusal if a message takes no more reactions
// like this one. Reactions that are sent at the same moment may exceed the bounds by
// their number.
func (s *Service) checkReaction(ctx context.Context, e *Event, r Reaction) (refusal, err error) {
	head, err := s.journal.Head(ctx, e.Room)
	if err != nil {
		return nil, fmt.Errorf("head of room %q: %w", e.Room, err)
	}
	folds, err := s.folded(ctx, e.Room, head.Epoch, head.Last, []uint64{r.Target})
	if err != nil {
		return nil, err
	}
	return folds[0].checkReaction(r.Emoji, e.Sender.ID), nil
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
