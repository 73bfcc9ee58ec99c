package goclient

import (
	"context"
	"errors"
	"sync"
	"testing"

	"connectrpc.com/connect"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// lostAnswers is an interceptor that loses the first answer to each send.
type lostAnswers struct {
	newID bool // planted: a retry has another id

	mu   sync.Mutex // guards below
	seen map[string]bool
}

var errLost = connect.NewError(connect.CodeUnavailable, errors.New("the answer is lost"))

func (l *lostAnswers) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		send, ok := request.Any().(*chatv1.SendRequest)
		if !ok {
			return next(ctx, request)
		}
		l.mu.Lock()
		again := l.seen[send.GetId()]
		l.seen[send.GetId()] = true
		l.mu.Unlock()
		if again && l.newID {
			send.Id += "-again"
		}
		response, err := next(ctx, request)
		if !again && err == nil {
			err = errLost
		}
		return response, err
	}
}

func (l *lostAnswers) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (l *lostAnswers) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// lostEvents is an interceptor that loses an event of each stream, and hides the gap.
type lostEvents struct{ lostAnswers }

func (*lostEvents) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

func (*lostEvents) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return &lossyConn{StreamingClientConn: next(ctx, spec), hidden: make(map[string]uint64)}
	}
}

type lossyConn struct {
	connect.StreamingClientConn
	events int
	hidden map[string]uint64 // by room, what previous is to be after the lost event
}

func (c *lossyConn) Receive(message any) error {
	for {
		if err := c.StreamingClientConn.Receive(message); err != nil {
			return err
		}
		framed, ok := message.(interface{ GetFrame() *chatv1.Frame })
		e := framed.GetFrame().GetEvent()
		if !ok || e.GetSequence() == 0 {
			return nil
		}
		if previous, ok := c.hidden[e.GetRoom()]; ok {
			e.Previous = previous
			delete(c.hidden, e.GetRoom())
		}
		if c.events++; c.events != 30 {
			return nil
		}
		c.hidden[e.GetRoom()] = e.GetPrevious()
	}
}

// The verifier finds faults that are planted in the client, and none without them.
func TestPlantedFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		alter  func(*client.Config)
		eager  bool
		faulty bool
	}{
		"none": {func(c *client.Config) {
			c.Options = append(c.Options, connect.WithInterceptors(&lostAnswers{seen: make(map[string]bool)}))
		}, false, false},
		"a retry has a new id": {func(c *client.Config) {
			c.Options = append(c.Options, connect.WithInterceptors(&lostAnswers{newID: true, seen: make(map[string]bool)}))
		}, false, true},
		"a missing event is not noticed": {func(c *client.Config) {
			c.Options = append(c.Options, connect.WithInterceptors(&lostEvents{}))
		}, false, true},
		"the cursor is stored before the event is handled": {nil, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := patience(t)
			s := harness.Start(t, harness.InMemory, quickHeartbeat)
			w := newWorkload(ctx, t, s.URL, s.URL, 3, 10, 30)
			w.alter = tt.alter
			for _, m := range w.members {
				m.eager = tt.eager
			}
			r := run{ctx: ctx, t: t, workload: w, direct: func() string { return s.URL }, trouble: func(context.Context) {}, calm: func() {}}
			r.brief = tt.faulty
			found := r.finish()
			if !tt.faulty {
				r.check(found)
				return
			}
			faults := verify(found)
			if len(faults) == 0 {
				t.Error("verify has found nothing")
			}
			for _, fault := range faults[:min(len(faults), 2)] {
				t.Log(fault)
			}
		})
	}
}
