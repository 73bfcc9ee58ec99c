package crash

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
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

// maxUnanswered is the number of sends of a chat client in flight.
const maxUnanswered = 16

// chatClient sends and receives on one Chat stream of grpc-go. When the stream
// breaks, it joins again with its cursor, and sends what is unanswered again, in
// the same order with the same ids.
type chatClient struct {
	author                    // used by the sending side alone
	subscription subscription // the room that it receives
	conn         *grpc.ClientConn
	token        string
	history      *History
	cursor       client.Cursor
	began        Tick // when the stream began
	resumes      int

	mu         sync.Mutex // guards below
	unanswered []Send     // in the order in which they are sent
	own        []position
}

var chatStream = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

// dial returns a connection of grpc-go that reconnects quickly.
func dial(h *History, address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return h.dial(ctx, "tcp", address) }),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, Jitter: 0.5, MaxDelay: 300 * time.Millisecond},
			MinConnectTimeout: 2 * time.Second,
		}))
}

// run talks until stop is closed, and listens until ctx ends.
func (t *chatClient) run(ctx context.Context, stop <-chan struct{}) {
	for ctx.Err() == nil {
		t.stream(ctx, stop)
		t.resumes++
		wait(ctx, time.Duration(t.random.IntN(50))*time.Millisecond)
	}
}

// stream talks and listens on one stream, until it breaks or ctx ends.
func (t *chatClient) stream(ctx context.Context, stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.began = t.history.now()
	raw, err := t.conn.NewStream(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+t.token),
		chatStream, chatv1connect.ChatRoomChatProcedure, grpc.WaitForReady(true))
	if err != nil {
		return
	}
	stream := &grpc.GenericClientStream[chatv1.ChatRequest, chatv1.ChatResponse]{ClientStream: raw}
	if stream.Send(t.join()) != nil {
		return
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	reading.Go(func() {
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
		wait(ctx, time.Duration(t.random.IntN(6_000))*time.Microsecond)
	}
}

// next returns something new to send, unless too much is unanswered.
func (t *chatClient) next() (Send, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.unanswered) >= maxUnanswered {
		return Send{}, false
	}
	s := t.makeLocked()
	t.history.sending(s)
	t.unanswered = append(t.unanswered, s)
	return s, true
}

// makeLocked makes a message, or changes one that was answered.
func (t *chatClient) makeLocked() Send {
	chance := t.random.IntN(100)
	if chance < 65 || len(t.own) == 0 {
		return t.message()
	}
	i := t.random.IntN(len(t.own))
	m := t.own[i]
	switch {
	case chance < 80:
		return t.edit(m)
	case chance < 90:
		return t.reaction(m)
	}
	t.own = slices.Delete(t.own, i, i+1)
	return t.deletion(m)
}

func (t *chatClient) pending() []Send {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.unanswered)
}

func (t *chatClient) listen(stream *grpc.GenericClientStream[chatv1.ChatRequest, chatv1.ChatResponse]) {
	for {
		response, err := stream.Recv()
		if err != nil {
			switch code := status.Code(err); code {
			case codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied, codes.NotFound, codes.Unimplemented:
				t.history.contractFault("%s was refused: %v", t.subscription.subscriber, err)
			}
			return
		}
		switch kind := response.GetFrame().GetKind().(type) {
		case *chatv1.Frame_Event:
			if e := kind.Event; e.GetRoom() == t.subscription.room && e.GetSequence() > 0 {
				t.cursor.Sequence = e.GetSequence()
				t.history.recordSighting(t.subscription, false, toEvent(e, t.cursor.Epoch), t.began)
			}
		case *chatv1.Frame_Joined:
			for _, room := range kind.Joined.GetRooms() {
				t.cursor.Epoch = room.GetEpoch()
			}
		case *chatv1.Frame_Reset_:
			t.history.wasReset(t.subscription)
			t.cursor = client.Cursor{Epoch: kind.Reset_.GetEpoch(), Sequence: kind.Reset_.GetHead()}
		case *chatv1.Frame_Accepted:
			if err := t.accepted(kind.Accepted); err != nil {
				t.history.contractFault("%s: %v", t.subscription.subscriber, err)
				return
			}
		case *chatv1.Frame_Rejected:
			switch err := t.rejected(kind.Rejected); {
			case errors.Is(err, errSendAgain):
				return
			case err != nil:
				t.history.contractFault("%s: %v", t.subscription.subscriber, err)
				return
			}
		}
	}
}

// accepted notes that something is stored.
func (t *chatClient) accepted(a *chatv1.Accepted) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, err := t.answeredLocked(a.GetId(), a.GetRoom())
	if err != nil {
		return err
	}
	t.history.acked(s, Ack{Epoch: a.GetEpoch(), Sequence: a.GetSequence()})
	if s.Body.Kind == Message {
		t.own = append(t.own, position{s.Room, a.GetSequence()})
		t.own = t.own[max(0, len(t.own)-maxOwn):]
	}
	return nil
}

// rejected notes that something is refused. A deletion that is delayed, and what could
// not be stored for now, stay unanswered: they are sent again on the next stream, to
// which the error leads.
func (t *chatClient) rejected(r *chatv1.Rejected) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, err := t.answeredLocked(r.GetId(), r.GetRoom())
	if err != nil {
		return err
	}
	for _, detail := range r.GetDetails() {
		value, err := detail.UnmarshalNew()
		if err != nil {
			continue // of a type that is not linked in
		}
		if ack, delayed := delayedAck(value); delayed {
			t.history.acked(s, ack)
			t.unanswered = slices.Insert(t.unanswered, 0, s)
			return errSendAgain
		}
	}
	code := connect.Code(r.GetCode())
	if retryable(code) {
		t.unanswered = slices.Insert(t.unanswered, 0, s)
		return errSendAgain
	}
	t.history.refused(s, code.String())
	return nil
}

// errSendAgain ends a stream so that what is unanswered is sent again.
var errSendAgain = errors.New("send again")

// answeredLocked removes the send that is answered from the pending ones. Answers come
// in the order of the sends.
func (t *chatClient) answeredLocked(id, room string) (Send, error) {
	if len(t.unanswered) == 0 {
		return Send{}, fmt.Errorf("%s was answered, and nothing is unanswered", id)
	}
	s := t.unanswered[0]
	if s.ID != id || s.Room != room {
		return Send{}, fmt.Errorf("answered %s in %s, the first unanswered is %s in %s", id, room, s.ID, s.Room)
	}
	t.unanswered = t.unanswered[1:]
	return s, nil
}

// answered reports whether no send is pending.
func (t *chatClient) answered() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.unanswered) == 0
}

func (t *chatClient) join() *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Join{Join: &chatv1.Subscription{
		Room:  t.subscription.room,
		Start: &chatv1.Subscription_After{After: &chatv1.Cursor{Epoch: t.cursor.Epoch, Sequence: t.cursor.Sequence}},
	}}}
}

func sendRequest(s Send) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: s.request()}}
}
