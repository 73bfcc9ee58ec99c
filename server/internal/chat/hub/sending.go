package hub

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/ephemeral"
)

// Send stores a post, or delivers it to the room's listeners if it is ephemeral. From the
// moment at which a deletion is stored readers do not receive the message and its edits any
// more; when Send returns nil they are in no file of the journal. It returns a
// *chat.FieldError, a *chat.TargetError, a *chat.ErasureDelayedError, chat.ErrSignIn,
// chat.ErrIDReused and chat.ErrClosed.
func (h *Hub) Send(ctx context.Context, from chat.Member, p chat.Post) (chat.Receipt, error) {
	return h.Begin(ctx, from, p).Wait(ctx)
}

// Sending is a post in flight.
type Sending struct {
	hub     *Hub
	event   *chat.Event
	refusal error // why the post is refused unless it is a retry
	done    chan struct{}
	notify  atomic.Pointer[func()]

	receipt chat.Receipt // set before stored, or else before done is closed
	stored  atomic.Bool  // of a deletion: it is stored, and waits to be erased
	err     error        // set before done is closed
}

// Wait returns the result of Send, or an error when ctx ends before.
func (s *Sending) Wait(ctx context.Context) (chat.Receipt, error) {
	select {
	case <-s.Done():
		return s.Receipt(ctx)
	case <-ctx.Done():
		select {
		case <-s.Done(): // at the same moment
			return s.Receipt(ctx)
		default:
		}
		if s.stored.Load() {
			return chat.Receipt{}, &chat.ErasureDelayedError{Receipt: s.receipt, Err: ctx.Err()}
		}
		return chat.Receipt{}, ctx.Err()
	}
}

// Done returns a channel that is closed when the post is refused, or is stored and, if it
// is a deletion, its target is erased.
func (s *Sending) Done() <-chan struct{} { return s.done }

// Err returns why the post was refused, nil if it was not. The post must be done.
func (s *Sending) Err() error { return s.err }

// Reads reports whether Receipt reads the journal. The post must be done.
func (s *Sending) Reads() bool { return s.err == nil && s.receipt.Duplicate }

// Notify has f called when the post is done, at once if it is already. f may be called
// twice, and must not block.
func (s *Sending) Notify(f func()) {
	s.notify.Store(&f)
	select {
	case <-s.done:
		f()
	default:
	}
}

// Receipt returns the result of Send. The post must be done. A duplicate of an event with
// another body is an error as long as that event is retained; afterwards there is nothing
// to compare with.
func (s *Sending) Receipt(ctx context.Context) (chat.Receipt, error) {
	if s.err != nil {
		return chat.Receipt{}, s.err
	}
	receipt := s.receipt
	if !receipt.Duplicate {
		return receipt, nil
	}
	first, err := s.hub.history.At(ctx, s.event.Room, receipt.At.Sequence)
	if err != nil || first == nil {
		return receipt, err
	}
	if first.Body != nil && !chat.SameBody(first.Body, s.event.Body) {
		return chat.Receipt{}, chat.ErrIDReused
	}
	receipt.Time = first.Time
	return receipt, nil
}

func (s *Sending) finish(err error) {
	s.err = err
	close(s.done)
	if f := s.notify.Load(); f != nil {
		(*f)()
	}
}

// Begin is Send that does not wait until the post is done. The posts of a sender who begins
// one after the other are stored in that order, and share group commits.
func (h *Hub) Begin(ctx context.Context, from chat.Member, p chat.Post) *Sending {
	p, err := p.Clean()
	event := &chat.Event{Room: p.Room, Time: time.Now().UTC(), ID: p.ID, Sender: from, Body: p.Body}
	s := &Sending{hub: h, event: event, done: make(chan struct{})}
	if err == nil {
		err = h.prepare(ctx, s, &p)
	}
	if err != nil {
		s.finish(err)
		return s
	}
	event.Sender = h.ShownIn(p.Room, from)
	event.Sender.Moderator = p.Moderates
	if !p.Body.Durable() {
		s.receipt.Time = event.Time
		if err := ephemeral.Check(event); err != nil {
			s.finish(err)
			return s
		}
		h.publishEphemeral(event)
		s.finish(nil)
		return s
	}
	if err := h.submit(ctx, s); err != nil {
		s.finish(err)
	}
	return s
}

// prepare checks whether a post may be stored now.
func (h *Hub) prepare(ctx context.Context, s *Sending, p *chat.Post) error {
	if h.isClosed() {
		return chat.ErrClosed
	}
	if err := h.admit(ctx, s.event.Sender, s.event.Room); err != nil {
		return err
	}
	if err := h.checkTarget(ctx, s, p); err != nil || !s.event.Body.Durable() {
		return err
	}
	return h.recordCreator(ctx, s.event.Sender, s.event.Room)
}

// submit has the journal store a post.
func (h *Hub) submit(ctx context.Context, s *Sending) error {
	entry, err := h.entry(s)
	if err != nil {
		return err
	}
	h.journal.Submit(ctx, entry, func(a chat.Appended) { h.submitted(s, a) })
	return nil
}

// entry returns the journal entry of a post.
func (h *Hub) entry(s *Sending) (chat.Entry, error) {
	entry, err := chat.NewEntry(h.encoding, s.event)
	if err != nil {
		return chat.Entry{}, err
	}
	if s.refusal != nil {
		// The journal looks up the key first, so a retry is answered as the first attempt
		// was. Anything else must not be stored: with its own target the post could refer
		// to an event that was stored after the check, whose sender was not compared.
		entry.Relation, entry.Target = chat.Annotates, chat.MaxSequence
	}
	return entry, nil
}

// submitted handles the journal's answer. It must not block.
func (h *Hub) submitted(s *Sending, a chat.Appended) {
	switch {
	case errors.Is(a.Err, chat.ErrTargetGone) && s.refusal != nil:
		s.finish(s.refusal)
		return
	case errors.Is(a.Err, chat.ErrTargetGone):
		field, _, _ := targetOf(s.event.Body)
		s.finish(&chat.TargetError{Field: field, Err: chat.ErrUnknownTarget})
		return
	case a.Err != nil:
		s.finish(fmt.Errorf("append to room %q: %w", s.event.Room, a.Err))
		return
	}
	s.receipt = chat.Receipt{At: a.At, Duplicate: a.Duplicate}
	if !a.Duplicate {
		s.receipt.Time = s.event.Time
		_, message := s.event.Body.(chat.Message)
		h.directory.Appended(s.event.Room, a.At.Sequence, s.event.Time, message)
	}
	deletion, deletes := s.event.Body.(chat.Deletion)
	if !deletes {
		s.finish(nil)
		return
	}
	if !a.Duplicate {
		h.hideDeleted(s.event.Room, deletion.Target, a.At.Sequence)
	}
	s.stored.Store(true)
	h.eraser.Add(func(delayed error) {
		if delayed != nil {
			delayed = &chat.ErasureDelayedError{Receipt: s.receipt, Err: delayed}
		}
		s.finish(delayed)
	})
}
