package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// erasureDelayed is the reason of an answer to a deletion that holds, but whose target
// may still be in the files.
const erasureDelayed = "ERASURE_DELAYED"

// emoji are the emoji of reactions. They are few, so that members remove reactions that
// they have.
var emoji = []string{"👍", "🎉", "👀"}

// author makes sends, each with an id and a text of its own.
type author struct {
	name   string
	sender string // its member id, empty for an anonymous one
	rooms  []string
	random *rand.Rand
	made   int
}

// send returns a send with a new id.
func (a *author) send(room string, b Body) Send {
	a.made++
	return Send{Room: room, ID: fmt.Sprintf("%s-%d", a.name, a.made), Sender: a.sender, Body: b}
}

func (a *author) message() Send {
	return a.send(a.rooms[a.random.IntN(len(a.rooms))], Body{Kind: Message, Text: a.text()})
}

func (a *author) edit(m position) Send {
	return a.send(m.room, Body{Kind: Edit, Target: m.sequence, Text: a.text()})
}

func (a *author) deletion(m position) Send {
	return a.send(m.room, Body{Kind: Deletion, Target: m.sequence})
}

func (a *author) reaction(m position) Send {
	return a.send(m.room, Body{
		Kind: Reaction, Target: m.sequence, Text: emoji[a.random.IntN(len(emoji))], Removed: a.random.IntN(4) == 0,
	})
}

// text returns a new text. Its first word is what textWord matches.
func (a *author) text() string {
	return fmt.Sprintf("text-%016x", a.random.Uint64()) + strings.Repeat(" chat", a.random.IntN(20))
}

// request returns what is sent.
func (s Send) request() *chatv1.SendRequest {
	r := &chatv1.SendRequest{Room: s.Room, Id: s.ID}
	switch b := s.Body; b.Kind {
	case Message:
		r.Body = &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: b.Text}}
	case Edit:
		r.Body = &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: b.Target, Text: b.Text}}
	case Deletion:
		r.Body = &chatv1.SendRequest_Deletion{Deletion: &chatv1.Deletion{Target: b.Target}}
	case Reaction:
		r.Body = &chatv1.SendRequest_Reaction{Reaction: &chatv1.Reaction{Target: b.Target, Emoji: b.Text, Removed: b.Removed}}
	}
	return r
}

// attemptTimeout is how long one attempt may take before it is made again.
const attemptTimeout = 5 * time.Second

// store sends until there is an answer for good, or ctx ends. It reports where the
// event is, if it was stored.
func (v *protocolClient) store(ctx context.Context, h *History, s Send) (Ack, bool) {
	h.sending(s)
	for {
		ack, err := v.attempt(ctx, s)
		switch {
		case err == nil:
			h.acked(s, ack)
			return ack, true
		case ack.Delayed:
			h.acked(s, ack)
		case ctx.Err() != nil:
			return Ack{}, false
		case connect.IsWireError(err) && !retryable(connect.CodeOf(err)):
			h.refused(s, connect.CodeOf(err).String())
			return Ack{}, false
		}
		wait(ctx, time.Duration(rand.IntN(100))*time.Millisecond)
	}
}

// attempt sends once. An answer that a deletion is delayed gives both an Ack and an
// error.
func (v *protocolClient) attempt(ctx context.Context, s Send) (Ack, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	response, err := v.rpc.Send(ctx, s.request())
	if err == nil {
		return Ack{Epoch: response.GetEpoch(), Sequence: response.GetSequence()}, nil
	}
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		for _, detail := range coded.Details() {
			if value, decodeErr := detail.Value(); decodeErr == nil {
				if ack, delayed := delayedAck(value); delayed {
					return ack, err
				}
			}
		}
	}
	return Ack{}, err
}

// delayedAck returns the acknowledgement in the error of a delayed deletion.
func delayedAck(detail proto.Message) (Ack, bool) {
	info, ok := detail.(*errdetails.ErrorInfo)
	if !ok || info.GetReason() != erasureDelayed {
		return Ack{}, false
	}
	sequence, err := strconv.ParseUint(info.GetMetadata()["sequence"], 10, 64)
	return Ack{Epoch: info.GetMetadata()["epoch"], Sequence: sequence, Delayed: true}, err == nil
}

// retryable reports whether a send is retried after a code.
func retryable(code connect.Code) bool {
	switch code {
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeAborted, connect.CodeCanceled:
		return true
	}
	return false
}
