package hostile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// One member floods with calls of a kind. What passes is what the default limits say,
// and another member at the same address notices nothing.
func TestFloodsOfCallsMeetLimits(t *testing.T) {
	t.Parallel()
	const calls = 300
	for _, flood := range []struct {
		limit string
		burst int     // that passes
		rate  float64 // a second
		call  func(context.Context, harness.Client, int) error
	}{
		{"send.member", 50, 10, func(ctx context.Context, c harness.Client, i int) error {
			_, err := c.Send(ctx, harness.TextRequest("lobby", fmt.Sprint("flood ", i)))
			return err
		}},
		{"typing.member", 10, 2, func(ctx context.Context, c harness.Client, i int) error {
			_, err := c.Send(ctx, &chatv1.SendRequest{Room: "lobby", Id: fmt.Sprint(i), Body: &chatv1.SendRequest_Typing{Typing: &chatv1.Typing{}}})
			return err
		}},
		{"create_room.member", 20, 0.1, func(ctx context.Context, c harness.Client, i int) error {
			_, err := c.SetRoom(ctx, &chatv1.SetRoomRequest{Room: fmt.Sprint("room-", i), Topic: "flood"})
			return err
		}},
		{"react.member", 30, 5, func(ctx context.Context, c harness.Client, i int) error {
			_, err := c.Send(ctx, harness.ReactionRequest("lobby", fmt.Sprint(i), 1, "👍", i%2 == 1))
			return err
		}},
		{"sign_in.member", 10, 0.1, func(ctx context.Context, c harness.Client, _ int) error {
			_, err := c.SignIn(ctx, &chatv1.SignInRequest{Name: "flooder"})
			return err
		}},
		{"history.member", 100, 10, func(ctx context.Context, c harness.Client, _ int) error {
			_, err := c.ListEvents(ctx, &chatv1.ListEventsRequest{Room: "lobby"})
			return err
		}},
		{"list.member", 50, 5, func(ctx context.Context, c harness.Client, _ int) error {
			_, err := c.ListRooms(ctx, &chatv1.ListRoomsRequest{})
			return err
		}},
	} {
		t.Run(flood.limit, func(t *testing.T) {
			// Rooms are made by SetRoom here, whose own limits are lower.
			settings := "set_room.member=off,set_room.address=off"
			s, ctx := harness.Start(t, harness.InMemory, harness.WithLimits(settings)), harness.Context(t)
			token, _ := s.SignIn(t, "flooder")
			other, _ := s.SignIn(t, "bystander")
			flooder := harness.ConnectOver(harness.H2CClient)(t, s, token)
			bystander := harness.ConnectOver(harness.H2CClient)(t, s, other)
			_, err := bystander.Send(ctx, harness.TextRequest("lobby", "what is reacted to"))
			harness.Must(t, err)
			begin, passed, refused := time.Now(), 0, 0
			for i := range calls {
				err := flood.call(ctx, flooder, i)
				switch {
				case err == nil:
					passed++
				case connect.CodeOf(err) == connect.CodeResourceExhausted && strings.Contains(err.Error(), flood.limit):
					if refused++; refused == 1 && !hasDetail[*errdetails.RetryInfo](err) {
						t.Errorf("%v has no RetryInfo", err)
					}
				default:
					t.Fatalf("call %d = %v, want it to pass or to be refused by %s", i, err, flood.limit)
				}
				if i%100 == 50 {
					_, err := bystander.Send(ctx, harness.TextRequest("lobby", fmt.Sprint("bystander ", i)))
					harness.Must(t, err)
				}
			}
			most := float64(flood.burst) + time.Since(begin).Seconds()*flood.rate + 1
			if passed < flood.burst || float64(passed) > most || refused == 0 {
				t.Errorf("%d calls passed and %d were refused, want %d to %.0f to pass", passed, refused, flood.burst, most)
			}
			log := s.Log.String()
			if n := strings.Count(log, "a call was refused by a limit"); n == 0 || n > 5*(1+int(time.Since(begin)/(10*time.Second))) {
				t.Errorf("the refusals have %d lines in the log, want a few:\n%s", n, log)
			}
			if !strings.Contains(log, "peer=127.0.0.1") {
				t.Errorf("the log is %q, want the peer", log)
			}
		})
	}
}

// A client that opens ever more connections gets as many as an address may have, and one
// that opens ever more streams, too. Those that are open go on.
func TestConnectionsAndStreamsMeetLimits(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t, harness.InMemory, harness.WithLimits("connections.address=8,streams.address=5")), harness.Context(t)
	c := harness.ConnectOver(harness.H2CClient)(t, s, "")
	subscribe := func() harness.Frames {
		t.Helper()
		frames, err := c.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
		harness.Must(t, err)
		return frames
	}
	var open []harness.Frames
	for range 5 {
		frames := subscribe()
		frames.Joined(t)
		open = append(open, frames)
	}
	refused := subscribe()
	if _, err := refused(); connect.CodeOf(err) != connect.CodeResourceExhausted || !strings.Contains(err.Error(), "streams.address") {
		t.Errorf("the sixth stream ends with %v, want resource_exhausted by streams.address", err)
	}
	for range 7 { // one is open
		newFrameClient(t, s)
	}
	if _, err := harness.ConnectOver(harness.HTTP1Client)(t, s, "").ListRooms(ctx, &chatv1.ListRoomsRequest{}); err == nil {
		t.Error("a call on the ninth connection passes, want it refused")
	}
	_, err := c.Send(ctx, harness.TextRequest("lobby", "still here"))
	harness.Must(t, err)
	for _, frames := range open {
		frames.Events(t, 0, 1)
	}
	if log := s.Log.String(); !strings.Contains(log, "connections.address") || !strings.Contains(log, "streams.address") {
		t.Errorf("the log is %q, want both limits", log)
	}
}

// hasDetail reports whether an error of connect-go has a detail of a type.
func hasDetail[T any](err error) bool {
	coded := new(connect.Error)
	if !errors.As(err, &coded) {
		return false
	}
	for _, detail := range coded.Details() {
		if value, err := detail.Value(); err == nil {
			if _, ok := value.(T); ok {
				return true
			}
		}
	}
	return false
}
