package harness

import (
	"context"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
)

// Mode is how a client takes part.
type Mode int

const (
	ViaSend Mode = iota // Subscribe, and Send
	ViaChat             // both on one Chat stream
)

func (m Mode) String() string { return [...]string{"Send", "Chat"}[m] }

// Modes are those that a door allows.
func (d Protocol) Modes() []Mode {
	if d.Bidi {
		return []Mode{ViaSend, ViaChat}
	}
	return []Mode{ViaSend}
}

// Participant is a member in one room, who hears there what happens.
type Participant struct {
	Client
	ctx    context.Context
	Member *chatv1.Member // as SignIn has it; nil for one without a token
	Room   string
	Joined *chatv1.Joined
	Events []*chatv1.Event // in the order of the stream

	cancel  context.CancelFunc
	Receive Frames
	Stream  *ChatStream // nil for who uses Send
}

// Join signs somebody in, and lets it subscribe.
func (s *Service) Join(ctx context.Context, t *testing.T, d Protocol, m Mode, name string, start *chatv1.Subscription) *Participant {
	t.Helper()
	token, member := s.SignIn(t, name)
	a := s.JoinWithToken(ctx, t, d, m, token, start)
	a.Member = member
	return a
}

// JoinWithToken subscribes with a token, or without one.
func (s *Service) JoinWithToken(ctx context.Context, t *testing.T, d Protocol, m Mode, token string, start *chatv1.Subscription) *Participant {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	a := &Participant{Client: d.Open(t, s, token), ctx: ctx, Room: start.GetRoom(), cancel: cancel}
	var err error
	if m == ViaChat {
		a.Stream, err = a.Client.Chat(ctx)
		Must(t, err)
		Must(t, a.Stream.Send(JoinAction(start)))
		a.Receive = a.Stream.Receive
	} else {
		a.Receive, err = a.Subscribe(ctx, SubscribeTo(start))
		Must(t, err)
	}
	frame, err := a.Receive()
	Must(t, err)
	if a.Joined = frame.GetJoined(); len(a.Joined.GetRooms()) != 1 {
		t.Fatalf("first frame = %v, want Joined with one room", frame)
	}
	a.await(t, (*chatv1.Frame).GetCaughtUp)
	return a
}

// Disconnect loses the connection: the stream is reset. A client of connect-go notices
// that its context has ended only when it is not waiting for more to send.
func (a *Participant) Disconnect() {
	a.cancel()
	if a.Stream != nil {
		_ = a.Stream.HalfClose()
	}
}

// next takes one frame, and notes it if it is an event.
func (a *Participant) next() (*chatv1.Frame, error) {
	frame, err := a.Receive()
	if e := frame.GetEvent(); e != nil {
		a.Events = append(a.Events, e)
	}
	return frame, err
}

// await takes frames up to one that is wanted.
func (a *Participant) await(t *testing.T, kind func(*chatv1.Frame) *chatv1.CaughtUp) {
	t.Helper()
	for {
		frame, err := a.next()
		if err != nil {
			t.Fatalf("receive: %v", err)
		}
		if kind(frame) != nil {
			return
		}
	}
}

// AwaitEvent takes frames until an event comes that is wanted. It may have come
// already, but not among the first skip events.
func (a *Participant) AwaitEvent(t *testing.T, skip int, wanted func(*chatv1.Event) bool) *chatv1.Event {
	t.Helper()
	for i := skip; ; i++ {
		for i >= len(a.Events) {
			if _, err := a.next(); err != nil {
				t.Fatalf("receive, after %v: %v", a.Events[min(skip, len(a.Events)):], err)
			}
		}
		if wanted(a.Events[i]) {
			return a.Events[i]
		}
	}
}

// AwaitSequence waits for the event with a sequence.
func (a *Participant) AwaitSequence(t *testing.T, sequence uint64) *chatv1.Event {
	t.Helper()
	return a.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetSequence() == sequence })
}

// Try sends a request by the actor's manner, and returns the answer as Send gives
// it, or why it was refused.
func (a *Participant) Try(request *chatv1.SendRequest) (*chatv1.SendResponse, *Refusal) {
	if a.Stream == nil {
		response, err := a.Send(a.ctx, request)
		return response, RefusalOf(err)
	}
	if err := a.Stream.Send(SendAction(request)); err != nil {
		return nil, RefusalOf(err)
	}
	for {
		frame, err := a.next()
		if err != nil {
			return nil, RefusalOf(err)
		}
		if accepted := frame.GetAccepted(); accepted.GetId() == request.GetId() && accepted != nil {
			return &chatv1.SendResponse{
				Epoch: accepted.GetEpoch(), Sequence: accepted.GetSequence(), Time: accepted.GetTime(), Duplicate: accepted.GetDuplicate(),
			}, nil
		}
		if rejected := frame.GetRejected(); rejected != nil {
			return nil, refusalOfRejected(rejected)
		}
	}
}

// Do is try for what must not be refused.
func (a *Participant) Do(t *testing.T, request *chatv1.SendRequest) *chatv1.SendResponse {
	t.Helper()
	response, refused := a.Try(request)
	if refused != nil {
		t.Fatalf("%v: %v", request, refused)
	}
	return response
}
