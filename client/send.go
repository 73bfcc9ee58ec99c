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

// Receipt says where an event was stored.
type Receipt struct {
	Cursor
	// Time is when the server accepted the event.
	Time time.Time
	// Duplicate says that the event had been stored before, by an earlier call or
	// by an attempt of this one whose answer was lost.
	Duplicate bool
}

var errNotUTF8 = connect.NewError(connect.CodeInvalidArgument, errors.New("must be valid UTF-8"))

// Send says text, 1 to 4,000 characters, in a room. The id, 1 to 64 bytes, names
// this send among all of the sender's: use another for each message, and the
// same when asking again whether one was stored. Without a token, id and text
// together are that name.
//
// Attempts that fail for a passing reason (the server is not there or goes away,
// the connection breaks, Config.AttemptTimeout) are made again until ctx ends.
// The error is then ctx's, joined with that of the last attempt, and the event
// may be stored or not. After any other error it is not.
func (c *Client) Send(ctx context.Context, room, id, text string) (Receipt, error) {
	if !utf8.ValidString(room) || !utf8.ValidString(id) || !utf8.ValidString(text) {
		return Receipt{}, fmt.Errorf("send to room %q: %w", room, errNotUTF8)
	}
	request := &chatv1.SendRequest{
		Room: room,
		Id:   id,
		Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text}},
	}
	pauses := backoff{max: c.maxBackoff}
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
		if ended := wait(ctx, pauses.pause()); ended != nil {
			return Receipt{}, fmt.Errorf("send to room %q: %w, after: %w", room, ended, err)
		}
	}
}

func (c *Client) attempt(ctx context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.attemptTimeout)
	defer cancel()
	return c.rpc.Send(ctx, request)
}
