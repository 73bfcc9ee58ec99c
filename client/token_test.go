package client_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
)

// tokens is a source of tokens that are used up one after the other.
type tokens struct {
	mu    sync.Mutex // guards below
	list  []string
	next  int // in list
	calls int
	err   error // of the first call
}

func (s *tokens) reset() { s.next, s.calls = 0, 0 }

// Token implements client.TokenSource.
func (s *tokens) Token(_ context.Context, stale string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.calls == 1 && s.err != nil {
		return "", s.err
	}
	if s.list[s.next] == stale && s.next+1 < len(s.list) {
		s.next++
	}
	return s.list[s.next], nil
}

// renewable is a Joined of a stream that can be renewed.
func renewable() *chatv1.Frame {
	f := joined(0, time.Minute)
	f.GetJoined().StreamId = "S"
	return f
}

func expiring() *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Expiring{Expiring: &chatv1.Expiring{TimeLeft: durationpb.New(time.Minute)}}}
}

var errUnauthenticated = connect.NewError(connect.CodeUnauthenticated, errors.New("the token has expired"))

// When the token of a stream expires, the same stream continues with the next one.
func TestFollowRenews(t *testing.T) {
	renewed := make(chan string, 1)
	s := &script{
		subscribe: func(ctx context.Context, _ int, to *stream) error {
			if err := to.frames(renewable(), expiring()); err != nil {
				return err
			}
			<-renewed
			return errors.Join(to.frames(event(0, 1)), untilCanceled(ctx))
		},
		renew: func(id string) error {
			renewed <- id
			return nil
		},
	}
	source := &tokens{list: []string{"first", "second"}}
	withServer(t, s, client.Config{Token: source}, func(t *testing.T, c *client.Client) {
		read(t, c, client.Live("lobby"), 1)
		if want := []string{"Bearer first", "Bearer second"}; !slices.Equal(s.tokens, want) {
			t.Errorf("the calls had %q, want Subscribe and RenewStream with %q", s.tokens, want)
		}
	})
}

// A stream that ends because its token has expired is followed by one with the next token,
// which continues after the last event.
func TestFollowAfterItsToken(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		if n == 0 {
			return errors.Join(to.frames(renewable(), event(0, 1)), errUnauthenticated)
		}
		return errors.Join(to.frames(renewable(), event(1, 2)), untilCanceled(ctx))
	}}
	source := &tokens{list: []string{"first", "second"}}
	withServer(t, s, client.Config{Token: source}, func(t *testing.T, c *client.Client) {
		read(t, c, client.Live("lobby"), 2)
		s.checkStarts(t, -1, 1)
	})
}

// A token that is refused at once is not tried again, and neither is one that can't be
// renewed.
func TestFollowRefusedToken(t *testing.T) {
	for name, tt := range map[string]struct {
		config client.Config
		frames []*chatv1.Frame
	}{
		"at once": {client.Config{Token: &tokens{list: []string{"bad"}}}, nil},
		"fixed":   {client.Config{Token: client.StaticToken("bad")}, []*chatv1.Frame{renewable()}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{subscribe: func(_ context.Context, _ int, to *stream) error {
				return errors.Join(to.frames(tt.frames...), errUnauthenticated)
			}}
			withServer(t, s, tt.config, func(t *testing.T, c *client.Client) {
				for _, err := range c.Follow(client.Live("lobby")).Events(t.Context()) {
					if connect.CodeOf(err) != connect.CodeUnauthenticated {
						t.Errorf("Follow yielded %v, want code unauthenticated", err)
					}
				}
				s.checkStarts(t, -1)
			})
		})
	}
}

// A source that fails is asked again.
func TestTokenSourceFails(t *testing.T) {
	s := &script{
		subscribe: func(ctx context.Context, _ int, to *stream) error {
			return errors.Join(to.frames(joined(0, time.Minute), event(0, 1)), untilCanceled(ctx))
		},
		send: func(context.Context, int) (*chatv1.SendResponse, error) {
			return &chatv1.SendResponse{Sequence: 1}, nil
		},
	}
	for name, call := range map[string]func(t *testing.T, c *client.Client){
		"Follow": func(t *testing.T, c *client.Client) { read(t, c, client.Live("lobby"), 1) },
		"Send": func(t *testing.T, c *client.Client) {
			if _, err := c.Send(t.Context(), "lobby", client.Text("hello"), client.WithID("1")); err != nil {
				t.Errorf("Send = %v, want nil", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := &tokens{list: []string{"good"}, err: errors.New("the back end is down")}
			withServer(t, s, client.Config{Token: source}, call)
			if source.calls != 2 {
				t.Errorf("the source was asked %d times, want twice", source.calls)
			}
		})
	}
}
