package client

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
)

// Receipt is the position at which an event was stored.
type Receipt struct {
	Cursor
	// Time is when the server accepted the event.
	Time time.Time
	// Duplicate reports that the event was stored before, by an earlier call or by an
	// attempt of this call whose response was lost.
	Duplicate bool
}

var errNotUTF8 = connect.NewError(connect.CodeInvalidArgument, errors.New("must be valid UTF-8"))

// Send sends a message with the given text, 1 to 4,000 characters, to a room. The id,
// 1 to 64 bytes, identifies the send among those of the same sender: use a new id for
// each message, and the same id to repeat a send whose outcome is unknown. Without a
// token, id and text together identify the send.
//
// Attempts that fail for a temporary reason (the server is unreachable or stops, the
// connection breaks, Config.AttemptTimeout passes, a rate limit is reached) are repeated
// until ctx ends, after the time that the server asks to wait. The
// error is then that of ctx, joined with that of the last attempt, and the event may
// or may not be stored. After any other error it is not stored.
func (c *Client) Send(ctx context.Context, room, id, text string) (Receipt, error) {
	if !utf8.ValidString(room) || !utf8.ValidString(id) || !utf8.ValidString(text) {
		return Receipt{}, fmt.Errorf("send to room %q: %w", room, errNotUTF8)
	}
	request := &chatv1.SendRequest{
		Room: room,
		Id:   id,
		Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text}},
	}
	retry := backoff{max: c.maxBackoff}
	for {
		response, err := c.attempt(ctx, request)
		if err == nil {
			return Receipt{
				Cursor:    Cursor{Epoch: response.GetEpoch(), Sequence: response.GetSequence()},
				Time:      response.GetTime().AsTime(),
				Duplicate: response.GetDuplicate(),
			}, nil
		}
		if ctx.Err() == nil && permanent(err) {
			return Receipt{}, fmt.Errorf("send to room %q: %w", room, err)
		}
		if ctxErr := wait(ctx, max(retry.pause(), retryAfter(err))); ctxErr != nil {
			return Receipt{}, fmt.Errorf("send to room %q: %w, after: %w", room, ctxErr, err)
		}
	}
}

func (c *Client) attempt(ctx context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.attemptTimeout)
	defer cancel()
	return c.rpc.Send(ctx, request)
}
