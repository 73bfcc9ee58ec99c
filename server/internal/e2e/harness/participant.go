package harness

import (
	"context"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
)

// Mode is how a participant sends and receives.
type Mode int

const (
	ViaSend Mode = iota // Subscribe, and Send
	ViaChat             // both on one Chat stream
)

func (m Mode) String() string { return [...]string{"Send", "Chat"}[m] }

// Modes returns the modes that the protocol allows.
func (p Protocol) Modes() []Mode {
	if p.Bidi {
		return []Mode{ViaSend, ViaChat}
	}
	return []Mode{ViaSend}
}

// Participant is a member that is subscribed to one room.
type Participant struct {
	Client
	ctx    context.Context
	Member *chatv1.Member // as SignIn has it; nil for one without a token
	Room   string
	Joined *chatv1.Joined
	Events []*chatv1.Event // in the order of the stream

	cancel  context.CancelFunc
	Receive Frames
	Stream  *ChatStream // nil with ViaSend
}

// Join signs a guest in, and subscribes it to a room.
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

// next receives one frame, and keeps it if it is an event.
func (a *Participant) next() (*chatv1.Frame, error) {
	frame, err := a.Receive()
	if e := frame.GetEvent(); e != nil {
		a.Events = append(a.Events, e)
	}
	return frame, err
}

// await receives frames up to one that is wanted.
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

// AwaitEvent receives until there is an event that is wanted, among those received
// before or later. It does not look at the first skip events.
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

// TrySend sends a request in the participant's mode, and returns the answer as Send
// does, or the refusal.
func (a *Participant) TrySend(request *chatv1.SendRequest) (*chatv1.SendResponse, *Refusal) {
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

// MustSend sends a request in the participant's mode. It must not be refused.
func (a *Participant) MustSend(t *testing.T, request *chatv1.SendRequest) *chatv1.SendResponse {
	t.Helper()
	response, refused := a.TrySend(request)
	if refused != nil {
		t.Fatalf("%v: %v", request, refused)
	}
	return response
}
