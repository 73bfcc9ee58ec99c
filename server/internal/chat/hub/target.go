package hub

import (
	"context"
	"slices"

	"chatroom/server/internal/chat"
)

// checkTarget checks the message that a post refers to. A retry must be answered as the
// first attempt was, whatever has happened to the message since. So a post that is wrong
// only because of the present state of its target is submitted all the same, with a
// refusal: the journal recognizes retries, and refuses the others.
func (h *Hub) checkTarget(ctx context.Context, s *Sending, p *chat.Post) error {
	e := s.event
	field, target, owned := targetOf(e.Body)
	if target == 0 {
		return nil
	}
	if _, reply := e.Body.(chat.Message); !reply && e.Sender.ID == "" {
		return chat.ErrSignIn
	}
	message, err := h.history.At(ctx, e.Room, target)
	if err != nil {
		return err
	}
	if message == nil {
		s.refusal = &chat.TargetError{Field: field, Err: chat.ErrUnknownTarget}
		return nil
	}
	if _, ok := message.Body.(chat.Message); !ok {
		return &chat.TargetError{Field: field, Err: chat.ErrUnknownTarget}
	}
	_, deletes := e.Body.(chat.Deletion)
	if owned && !isOf(message, e.Sender.ID, p.Former) && !(p.Moderates && deletes) {
		return &chat.TargetError{Field: field, Err: chat.ErrNotOwner}
	}
	// Only what was stored by an earlier version may be removed and not added.
	if reaction, ok := e.Body.(chat.Reaction); ok && (!reaction.Removed || !reaction.IsEmoji()) {
		s.refusal, err = h.history.CheckReaction(ctx, e.Room, e.Sender.ID, reaction)
	}
	return err
}

// targetOf returns the sequence of the message that a body refers to, 0 if there is none,
// the field that names it, and whether it must be the sender's own.
func targetOf(b chat.Body) (field string, target uint64, owned bool) {
	switch body := b.(type) {
	case chat.Message:
		return "message.reply_to", body.ReplyTo, false
	case chat.Edit:
		return "edit.target", body.Target, true
	case chat.Deletion:
		return "deletion.target", body.Target, true
	case chat.Reaction:
		return "reaction.target", body.Target, false
	default:
		return "", 0, false
	}
}

// isOf reports whether a message is of a member, by its id or a former one.
func isOf(message *chat.Event, id string, former []string) bool {
	sender := message.Sender.ID
	return sender == id || sender != "" && slices.Contains(former, sender)
}

// Sent reports whether a member, or a former id of it, has sent the event with a sequence in
// a room, or there is no such message.
func (h *Hub) Sent(ctx context.Context, room string, sequence uint64, m chat.Member, former []string) (bool, error) {
	message, err := h.history.At(ctx, room, sequence)
	if err != nil || message == nil {
		return true, err
	}
	return isOf(message, m.ID, former), nil
}
