package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
)

var (
	// ErrUnknownOutcome matches the error of a send that may be stored or not. A send
	// whose error does not match it is not stored.
	ErrUnknownOutcome = errors.New("client: the event may be stored or not")
	// ErrOutboxFull is the error of Enqueue if Config.OutboxSize sends wait for answers.
	ErrOutboxFull = errors.New("client: the outbox is full")
)

// Receipt is the position at which an event was stored.
type Receipt struct {
	// Cursor is the position. Its Sequence is 0 for an ephemeral event.
	Cursor
	// ID is the id of the send.
	ID string
	// Time is when the server accepted the event.
	Time time.Time
	// Duplicate reports that the event was stored before, by an earlier send with the
	// same id or by an attempt of this one whose answer was lost.
	Duplicate bool
	// ErasureDelayed reports that a deletion is stored, so that the message is
	// no longer sent to anyone, but that its text is still in the server's files. The
	// server keeps trying to erase it.
	ErasureDelayed bool
}

// SendOption changes how Send and Enqueue send.
type SendOption func(*chatv1.SendRequest)

// WithID sets the id of a send, 1 to 64 bytes, which identifies it among those of the
// same sender: a send with an id that the server remembers is not stored again. Without a
// token, id and body together identify the send. The default is a random id.
func WithID(id string) SendOption { return func(r *chatv1.SendRequest) { r.Id = id } }

// WithSender sends in the name of a member, by the member's id and name. It is for API
// keys that may.
func WithSender(id, name string) SendOption {
	return func(r *chatv1.SendRequest) { r.SendAs = &chatv1.SendAs{Id: id, Name: name} }
}

// Send sends an event to a room, and returns when it is stored or, if it is ephemeral,
// published.
//
// The sends to one room are made one after the other, in the order of the calls of Send
// and Enqueue: one that has to be retried holds up those behind it. Sends to different
// rooms do not wait for each other.
//
// Attempts that fail for a temporary reason (the server is unreachable or stops, the
// connection breaks, Config.AttemptTimeout passes, a rate limit is reached) are repeated
// under the same id until ctx ends, after the time that the server asks to wait. Then the
// send is withdrawn, and the error is that of ctx, joined with that of the last attempt;
// it matches ErrUnknownOutcome if the event may be stored.
//
// An ephemeral event is sent once, and at once: it does not wait for sends that are
// retried, and an error ends it. If the answer is lost it may have been published.
//
// If the outbox is full, Send waits for a place in it.
func (c *Client) Send(ctx context.Context, room string, body Body, options ...SendOption) (Receipt, error) {
	request, err := newRequest(room, body, options)
	if err != nil {
		return Receipt{}, err
	}
	s := c.newSending(request, body.ephemeral)
	if err := c.outbox.add(ctx, s, true); err != nil {
		return Receipt{}, fmt.Errorf("send to room %q: %w", room, err)
	}
	stop := context.AfterFunc(ctx, func() { s.withdraw(context.Cause(ctx)) })
	defer stop()
	<-s.done
	return s.result()
}

// Enqueue puts an event into the outbox and returns at once, with ErrOutboxFull if there
// is no place. The event is sent as by Send, without a limit of time: until it is
// answered, or the client is closed.
func (c *Client) Enqueue(room string, body Body, options ...SendOption) (*Sending, error) {
	request, err := newRequest(room, body, options)
	if err != nil {
		return nil, err
	}
	s := c.newSending(request, body.ephemeral)
	if err := c.outbox.add(context.Background(), s, false); err != nil {
		return nil, fmt.Errorf("send to room %q: %w", room, err)
	}
	return s, nil
}

// roomPattern is that of the contract.
var roomPattern = regexp.MustCompile(`^[a-z0-9._-]{1,64}$`)

// checkRoom returns the server's code for a name that no room can have.
func checkRoom(room string) error {
	if !roomPattern.MatchString(room) {
		return connect.NewError(connect.CodeInvalidArgument,
			fmt.Errorf("room %q: must be 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen", room))
	}
	return nil
}

func newRequest(room string, body Body, options []SendOption) (*chatv1.SendRequest, error) {
	if body.set == nil {
		return nil, fmt.Errorf("send to room %q: %w", room,
			connect.NewError(connect.CodeInvalidArgument, errors.New("a Body must be the result of Text or another function for it")))
	}
	r := &chatv1.SendRequest{Room: room, Id: rand.Text()}
	body.set(r)
	for _, o := range options {
		o(r)
	}
	err := errors.Join(checkRoom(room), body.err, checkUTF8(r.GetId(), r.GetSendAs().GetId(), r.GetSendAs().GetName()))
	if err == nil && (r.GetId() == "" || len(r.GetId()) > 64) {
		err = connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("id %q: must have 1 to 64 bytes", r.GetId()))
	}
	if err != nil {
		return nil, fmt.Errorf("send to room %q: %w", room, err)
	}
	return r, nil
}

// sendOnce makes one attempt: on a Chat stream, unless there is none or it is to be by
// Send.
func (c *Client) sendOnce(ctx context.Context, request *chatv1.SendRequest, bySend bool) (receipt Receipt, err error) {
	err = c.attempt(ctx, func(ctx context.Context) error {
		var err error
		if l := c.anyLink(); l != nil && !bySend {
			receipt, err = l.send(ctx, request)
			if !refusesToken(err) {
				return err
			}
			// The stream has not renewed its token yet. A call has one of its own.
		}
		response, err := c.rpc.Send(ctx, request)
		receipt = Receipt{
			Cursor:    Cursor{Epoch: response.GetEpoch(), Sequence: response.GetSequence()},
			ID:        request.GetId(),
			Time:      response.GetTime().AsTime(),
			Duplicate: response.GetDuplicate(),
		}
		return err
	})
	if at, delayed := erasureDelayed(err); delayed {
		return Receipt{Cursor: at, ID: request.GetId(), ErasureDelayed: true}, nil
	}
	return receipt, err
}

// erasureDelayed returns where a deletion is stored whose target is not erased yet.
func erasureDelayed(err error) (Cursor, bool) {
	reason, metadata := errorInfo(err)
	if reason != "ERASURE_DELAYED" {
		return Cursor{}, false
	}
	sequence, parseErr := strconv.ParseUint(metadata["sequence"], 10, 64)
	return Cursor{Epoch: metadata["epoch"], Sequence: sequence}, parseErr == nil
}
