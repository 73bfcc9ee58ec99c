package chat

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
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
// not durable. From the moment at which a deletion is stored no reader is given the
// message or its edits; when Send returns nil they are in no file of the journal. It
// returns a *FieldError for what is out of bounds, a *TargetError, an
// *ErasureDelayedError, ErrSignIn and ErrClosed.
func (s *Service) Send(ctx context.Context, from Member, p Post) (Receipt, error) {
	sending := s.Begin(ctx, from, p)
	select {
	case <-sending.Done():
		return sending.Receipt(ctx)
	case <-ctx.Done():
		select {
		case <-sending.Done(): // at the same moment
			return sending.Receipt(ctx)
		default:
		}
		if sending.stored.Load() {
			return Receipt{}, &ErasureDelayedError{sending.receipt, ctx.Err()}
		}
		return Receipt{}, ctx.Err()
	}
}

// Sending is a post on its way.
type Sending struct {
	service *Service
	event   *Event
	refusal error // what is wrong with the post, unless it is a retry
	done    chan struct{}
	notify  atomic.Pointer[func()]

	receipt Receipt     // set before stored, or else before done is closed
	stored  atomic.Bool // of a deletion: it is stored, and waits to be erased
	err     error       // set before done is closed
}

// Done returns a channel that is closed when the post is stored, and its target
// erased if it is a deletion, or when it is refused.
func (x *Sending) Done() <-chan struct{} { return x.done }

// Reads tells whether Receipt reads the journal. The post must be done.
func (x *Sending) Reads() bool { return x.err == nil && x.receipt.Duplicate }

// Notify has a function called once the post is done, at once if it is. It may be
// called twice. It must not block.
func (x *Sending) Notify(f func()) {
	x.notify.Store(&f)
	select {
	case <-x.done:
		f()
	default:
	}
}

// Receipt returns what Send would, once the post is done.
func (x *Sending) Receipt(ctx context.Context) (Receipt, error) {
	if x.err != nil {
		return Receipt{}, x.err
	}
	receipt := x.receipt
	if !receipt.Duplicate {
		return receipt, nil
	}
	first, err := x.service.at(ctx, x.event.Room, receipt.At.Sequence)
	if first != nil {
		receipt.Time = first.Time
	}
	return receipt, err
}

func (x *Sending) finish(err error) {
	x.err = err
	close(x.done)
	if f := x.notify.Load(); f != nil {
		(*f)()
	}
}

// Begin is Send that does not wait until the post is done: a sender who begins one
// after the other has them stored in that order, at the rate of many senders.
func (s *Service) Begin(ctx context.Context, from Member, p Post) *Sending {
	event := &Event{Room: p.Room, Time: time.Now().UTC(), ID: p.ID, Sender: from, Body: p.Body}
	x := &Sending{service: s, event: event, done: make(chan struct{})}
	if err := s.prepare(ctx, x, p); err != nil {
		x.finish(err)
		return x
	}
	if !p.Body.Durable() {
		x.receipt.Time = event.Time
		x.finish(s.passEphemeral(event))
		return x
	}
	if err := s.submit(ctx, x); err != nil {
		x.finish(err)
	}
	return x
}

// prepare checks a post.
func (s *Service) prepare(ctx context.Context, x *Sending, p Post) error {
	if err := p.check(); err != nil {
		return err
	}
	if s.isClosed() {
		return ErrClosed
	}
	if err := s.admit(ctx, x.event.Sender, p.Room); err != nil {
		return err
	}
	return s.checkTarget(ctx, x)
}

// submit has the journal store a post.
func (s *Service) submit(ctx context.Context, x *Sending) error {
	entry, err := s.entry(x)
	if err != nil {
		return err
	}
	s.journal.Submit(ctx, entry, func(a Appended) { s.submitted(x, a) })
	return nil
}

// entry returns what the journal is to store of a post.
func (s *Service) entry(x *Sending) (Entry, error) {
	e := x.event
	payload, err := s.encoding.Encode(e)
	if err != nil {
		return Entry{}, fmt.Errorf("encode event: %w", err)
	}
	key, err := s.key(e)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{Room: e.Room, Key: key, Payload: payload, Author: e.Sender.ID}
	entry.Relation, entry.Target, entry.Counted = Relate(e.Body)
	if x.refusal != nil {
		// The journal looks at the key first: a retry is answered as the first attempt
		// was, and nothing else is stored. With its own target the post could find one
		// that was stored since the check, and whose sender was not compared.
		entry.Relation, entry.Target = Annotates, maxSequence
	}
	return entry, nil
}

// maxSequence is greater than the sequence of any event.
const maxSequence = math.MaxInt64

// submitted takes the journal's answer. It must not block.
func (s *Service) submitted(x *Sending, a Appended) {
	switch {
	case errors.Is(a.Err, ErrTargetGone) && x.refusal != nil:
		x.finish(x.refusal)
		return
	case errors.Is(a.Err, ErrTargetGone):
		field, _, _ := targetOf(x.event.Body)
		x.finish(&TargetError{field, ErrUnknownTarget})
		return
	case a.Err != nil:
		x.finish(fmt.Errorf("append to room %q: %w", x.event.Room, a.Err))
		return
	}
	x.receipt = Receipt{At: a.At, Duplicate: a.Duplicate}
	if !a.Duplicate {
		x.receipt.Time = x.event.Time
		_, message := x.event.Body.(Message)
		s.list.directory.Append(x.event.Room, a.At.Sequence, x.event.Time, message)
	}
	deletion, deletes := x.event.Body.(Deletion)
	if !deletes {
		x.finish(nil)
		return
	}
	if !a.Duplicate {
		s.hideDeleted(x.event.Room, deletion.Target, a.At.Sequence)
	}
	x.stored.Store(true)
	s.eraser.add(x)
}

// at returns the event with a sequence, nil if there is none.
func (s *Service) at(ctx context.Context, room string, sequence uint64) (*Event, error) {
	if sequence > maxSequence {
		return nil, nil
	}
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
