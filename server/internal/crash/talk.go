package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// maxUnanswered is how many sends a talker has under way.
const maxUnanswered = 16

// talker sends and receives on one Chat stream of grpc-go. When the stream
// breaks, it joins again with its cursor, and sends what is unanswered again, in
// the same order with the same ids.
type talker struct {
	seat    seat // the room that it receives
	sender  string
	rooms   []string
	conn    *grpc.ClientConn
	token   string
	random  *rand.Rand // used by the sending side alone
	history *History
	cursor  client.Cursor
	resumes int
	said    int

	mu         sync.Mutex // guards below
	unanswered []Ack      // in the order in which they are sent
}

var chatStream = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

// dial returns a connection of grpc-go that comes back quickly.
func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, Jitter: 0.5, MaxDelay: 300 * time.Millisecond},
			MinConnectTimeout: 2 * time.Second,
		}))
}

// run talks until stop is closed, and listens until ctx ends.
func (t *talker) run(ctx context.Context, stop <-chan struct{}) {
	for ctx.Err() == nil {
		t.stream(ctx, stop)
		t.resumes++
		pause(ctx, time.Duration(t.random.IntN(50))*time.Millisecond)
	}
}

// stream talks and listens on one stream, until it breaks or ctx ends.
func (t *talker) stream(ctx context.Context, stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	raw, err := t.conn.NewStream(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+t.token),
		chatStream, chatv1connect.ChatRoomChatProcedure, grpc.WaitForReady(true))
	if err != nil {
		return
	}
	stream := &grpc.GenericClientStream[chatv1.ChatRequest, chatv1.ChatResponse]{ClientStream: raw}
	if stream.Send(t.join()) != nil {
		return
	}
	var listening sync.WaitGroup
	defer listening.Wait()
	defer cancel()
	listening.Go(func() {
		defer cancel()
		t.listen(stream)
	})
	for _, message := range t.pending() {
		if stream.Send(sendRequest(message)) != nil {
			return
		}
	}
	for {
		select {
		case <-stop:
			<-ctx.Done()
			return
		case <-ctx.Done():
			return
		default:
		}
		if message, ok := t.next(); ok && stream.Send(sendRequest(message)) != nil {
			return
		}
		pause(ctx, time.Duration(t.random.IntN(6_000))*time.Microsecond)
	}
}

// next returns something new to say, unless too much is unanswered.
func (t *talker) next() (Ack, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.unanswered) >= maxUnanswered {
		return Ack{}, false
	}
	t.said++
	message := newMessage(t.random, t.rooms, t.seat.subscriber, t.sender, t.said)
	t.unanswered = append(t.unanswered, message)
	return message, true
}

func (t *talker) pending() []Ack {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Ack(nil), t.unanswered...)
}

func (t *talker) listen(stream *grpc.GenericClientStream[chatv1.ChatRequest, chatv1.ChatResponse]) {
	for {
		response, err := stream.Recv()
		if err != nil {
			switch code := status.Code(err); code {
			case codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied, codes.NotFound, codes.Unimplemented:
				t.history.oddity("%s was refused: %v", t.seat.subscriber, err)
			}
			return
		}
		switch kind := response.GetFrame().GetKind().(type) {
		case *chatv1.Frame_Event:
			if e := kind.Event; e.GetRoom() == t.seat.room && e.GetSequence() > 0 {
				t.cursor.Sequence = e.GetSequence()
				t.history.saw(t.seat, toEvent(e, t.cursor.Epoch))
			}
		case *chatv1.Frame_Joined:
			for _, room := range kind.Joined.GetRooms() {
				t.cursor.Epoch = room.GetEpoch()
			}
		case *chatv1.Frame_Reset_:
			t.history.wasReset(t.seat)
			t.cursor = client.Cursor{Epoch: kind.Reset_.GetEpoch(), Sequence: kind.Reset_.GetHead()}
		case *chatv1.Frame_Accepted:
			if err := t.accepted(kind.Accepted); err != nil {
				t.history.oddity("%s: %v", t.seat.subscriber, err)
				return
			}
		case *chatv1.Frame_Rejected:
			t.history.oddity("%s was refused %q in %s: code %d: %s", t.seat.subscriber,
				kind.Rejected.GetId(), kind.Rejected.GetRoom(), kind.Rejected.GetCode(), kind.Rejected.GetMessage())
			return
		}
	}
}

// accepted notes an answer. Answers come in the order of the sends.
func (t *talker) accepted(a *chatv1.Accepted) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.unanswered) == 0 {
		return fmt.Errorf("%s was accepted, and nothing is unanswered", a.GetId())
	}
	ack := t.unanswered[0]
	if ack.ID != a.GetId() || ack.Room != a.GetRoom() {
		return errors.New("accepted " + a.GetId() + " in " + a.GetRoom() + ", the first unanswered is " + ack.ID + " in " + ack.Room)
	}
	t.unanswered = t.unanswered[1:]
	ack.Epoch, ack.Sequence = a.GetEpoch(), a.GetSequence()
	t.history.acked(ack)
	return nil
}

// answered says whether nothing is under way.
func (t *talker) answered() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.unanswered) == 0
}

func (t *talker) join() *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Join{Join: &chatv1.Subscription{
		Room:  t.seat.room,
		Start: &chatv1.Subscription_After{After: &chatv1.Cursor{Epoch: t.cursor.Epoch, Sequence: t.cursor.Sequence}},
	}}}
}

func sendRequest(message Ack) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: &chatv1.SendRequest{
		Room: message.Room,
		Id:   message.ID,
		Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: message.Text}},
	}}}
}
