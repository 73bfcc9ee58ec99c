package chat

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrSignIn is returned when a member without an ID wants what needs one.
	ErrSignIn = errors.New("chat: a member without an id can't do that")
	// ErrUnknownTarget is returned for a target that is not a message in the room,
	// or not any more.
	ErrUnknownTarget = errors.New("chat: the target is not a message in the room")
	// ErrNotYours is returned when a message of someone else is to be changed.
	ErrNotYours = errors.New("chat: the target is someone else's")
)

// Post is something to be said.
type Post struct {
	Room string
	ID   string // the sender's name for it: a retry carries the same
	Body Body
}

// Receipt says where a post was stored.
type Receipt struct {
	At        Cursor    // without a sequence for what is not stored
	Time      time.Time // when it was accepted; zero if the event is gone
	Duplicate bool      // At and Time are those of an earlier post with this ID
}

// TargetError says what is wrong with the message or the room that a caller names.
type TargetError struct {
	Field string // the field that names it
	Err   error  // ErrUnknownTarget, ErrNotYours or ErrRoomCreation
}

func (e *TargetError) Error() string { return e.Field + ": " + e.Err.Error() }
func (e *TargetError) Unwrap() error { return e.Err }

// Send stores a post by from, or hands it to those who are there now if its body is
// not durable. A message that is deleted is erased from the journal when Send
// returns. It returns a *FieldError for what is out of bounds, a *TargetError,
// ErrSignIn, ErrRoomCreation and ErrClosed.
func (s *Service) Send(ctx context.Context, from Member, p Post) (Receipt, error) {
	sending := s.Begin(ctx, from, p)
	select {
	case <-sending.Done():
		return sending.Receipt(ctx)
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
}

// Sending is a post on its way.
type Sending struct {
	service *Service
	event   *Event
	done    chan struct{} // closed when the fields below are set

	receipt Receipt
	err     error
}

// Done returns a channel that is closed when the post is stored or refused.
func (x *Sending) Done() <-chan struct{} { return x.done }

// Receipt returns what Send would, once the post is done.
func (x *Sending) Receipt(ctx context.Context) (Receipt, error) {
	if x.err != nil || !x.receipt.Duplicate || !x.receipt.Time.IsZero() {
		return x.receipt, x.err
	}
	first, err := x.service.at(ctx, x.event.Room, x.receipt.At.Sequence)
	if first != nil {
		x.receipt.Time = first.Time
	}
	return x.receipt, err
}

// Begin is Send that does not wait until the post is stored: a sender who begins
// one after the other has them stored in that order, at the rate of many senders.
// What must follow the storing of an edit or a deletion, Begin waits for.
func (s *Service) Begin(ctx context.Context, from Member, p Post) *Sending {
	event := &Event{Room: p.Room, Time: time.Now().UTC(), ID: p.ID, Sender: from, Body: p.Body}
	x := &Sending{service: s, event: event, done: make(chan struct{})}
	if stored, err := s.prepare(ctx, x, p); err != nil || stored {
		x.err = err
		close(x.done)
		return x
	}
	if err := s.submit(ctx, x); err != nil {
		x.err = err
		close(x.done)
		return x
	}
	switch p.Body.(type) {
	case Edit, Deletion:
		<-x.done
		if x.err == nil {
			x.err = s.settle(ctx, event, x.receipt.At.Sequence)
		}
	}
	return x
}

// prepare checks a post, and sees to it if it is not to be stored, or was before.
func (s *Service) prepare(ctx context.Context, x *Sending, p Post) (seenTo bool, err error) {
	if err := p.check(); err != nil {
		return false, err
	}
	if s.isClosed() {
		return false, ErrClosed
	}
	if err := s.admit(ctx, x.event.Sender, p.Room); err != nil {
		return false, err
	}
	if !p.Body.Durable() {
		x.receipt.Time = x.event.Time
		return true, s.pass(x.event)
	}
	earlier, err := s.checkTarget(ctx, x.event)
	x.receipt = earlier
	return earlier.Duplicate, err
}

// submit has the journal store a post. Whoever waits for done finds the receipt.
func (s *Service) submit(ctx context.Context, x *Sending) error {
	payload, err := s.encoding.Encode(x.event)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	key, err := s.key(x.event)
	if err != nil {
		return err
	}
	s.journal.Submit(ctx, x.event.Room, key, payload, func(a Appended) {
		switch {
		case a.Err != nil:
			x.err = fmt.Errorf("append to room %q: %w", x.event.Room, a.Err)
		case a.Duplicate:
			x.receipt = Receipt{At: a.At, Duplicate: true}
		default:
			x.receipt = Receipt{At: a.At, Time: x.event.Time}
		}
		close(x.done)
	})
	return nil
}

// at returns the event with a sequence, nil if there is none.
func (s *Service) at(ctx context.Context, room string, sequence uint64) (*Event, error) {
	stored, err := s.journal.Read(ctx, room, sequence-1, 1)
	if err != nil {
		return nil, fmt.Errorf("read event %d of room %q: %w", sequence, room, err)
	}
	if len(stored) == 0 || stored[0].Sequence != sequence {
		return nil, nil
	}
	return s.decode(room, stored[0]), nil
}

func (p Post) check() error {
	if err := checkRoom("room", p.Room); err != nil {
		return err
	}
	if err := checkID(p.ID); err != nil {
		return err
	}
	if p.Body == nil {
		return &FieldError{"body", "body.required", "must be set"}
	}
	return p.Body.check()
}

// key names a post for the journal's deduplication. Anonymous senders share
// their lack of an identity, and so their ids: two of them who both call their
// first message "1" must not swallow each other's, hence the body is part of
// their key. Quoting keeps the parts apart, whatever is in them.
func (s *Service) key(e *Event) (string, error) {
	if e.Sender.ID != "" {
		return fmt.Sprintf("%q %q", e.Sender.ID, e.ID), nil
	}
	body, err := s.encoding.Encode(&Event{Body: e.Body})
	if err != nil {
		return "", fmt.Errorf("encode body: %w", err)
	}
	return fmt.Sprintf("%q %x", e.ID, sha256.Sum256(body)), nil
}
