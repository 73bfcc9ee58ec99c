package rooms

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// A caller that may not create rooms is refused wherever that would create one, and can
// use rooms that exist.
func TestRoomCreationPolicy(t *testing.T) {
	t.Parallel()
	for _, who := range []struct {
		creation           hub.Creation
		members, anonymous bool
	}{{hub.CreationAnyone, true, true}, {hub.CreationMembers, true, false}, {hub.CreationNobody, false, false}} {
		t.Run(fmt.Sprintf("creation=%d", who.creation), func(t *testing.T) {
			t.Parallel()
			ctx, data := harness.Context(t), t.TempDir()
			s := harness.Start(t, harness.InDir(data))
			ada, _ := s.SignIn(t, "ada")
			_, err := harness.ConnectHTTP1.Open(t, s, "").Send(ctx, harness.TextRequest("old", "hi"))
			harness.Must(t, err)
			for _, room := range []string{"set", "set-too"} {
				_, err = harness.ConnectHTTP1.Open(t, s, ada).SetRoom(ctx, &chatv1.SetRoomRequest{Room: room, Topic: "nothing yet"})
				harness.Must(t, err)
			}
			s.Stop(t)

			s = harness.Start(t, harness.InDir(data), harness.WithPolicy(t, harness.GuestsManage), func(c *service.Config) { c.RoomCreation = who.creation; c.Rooms = []string{"lobby", "lasting"} })
			if _, err := harness.ConnectHTTP1.Open(t, s, "").Send(ctx, harness.TextRequest("set-too", "hi")); err != nil {
				t.Errorf("the first send after a restart, in a room that was set: %v", err)
			}
			for i, d := range harness.Protocols {
				for token, may := range map[string]bool{ada: who.members, "": who.anonymous} {
					v := d.Open(t, s, token)
					for _, room := range []string{"old", "set", "lobby", "lasting"} {
						for how, enter := range waysIn(d) {
							if err := enter(ctx, v, room); err != nil && (token != "" || how != "SetRoom") {
								t.Errorf("%s: %s of %q, which there is: %v", d.Name, how, room, err)
							}
						}
					}
					for how, enter := range waysIn(d) {
						if token == "" && how == "SetRoom" {
							continue // refused for another reason
						}
						err := enter(ctx, v, fmt.Sprintf("new-%s-%d-%t", strings.ToLower(how), i, token == ""))
						switch {
						case may && err != nil:
							t.Errorf("%s: %s of a new room: %v", d.Name, how, err)
						case !may:
							harness.RefusalOf(err).Check(t, harness.WantError{Code: connect.CodePermissionDenied, Field: roomField(how), Bound: "must exist: this server does not let the caller create rooms"})
						}
					}
				}
			}
			if who.creation == hub.CreationNobody {
				list, err := harness.RPCClient(t, s).ListRooms(ctx, new(chatv1.ListRoomsRequest))
				harness.Must(t, err)
				if len(list.GetRooms()) != 5 {
					t.Errorf("after what was refused the rooms are %v, want the five of before", list.GetRooms())
				}
			}
		})
	}
}

// roomField is where a way in has the room's name.
func roomField(how string) string {
	switch how {
	case "Subscribe":
		return "rooms.room"
	case "Chat":
		return "join.room"
	default:
		return "room"
	}
}

// What is wrong with the room of a request is named where it is in the request.
func TestRoomCreationRefusalNamesTheField(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	s := harness.Start(t, func(c *service.Config) { c.RoomCreation = hub.CreationNobody })
	want := func(field string) harness.WantError {
		return harness.WantError{Code: connect.CodePermissionDenied, Field: field, Bound: "must exist: this server does not let the caller create rooms"}
	}
	for _, d := range harness.Protocols {
		t.Run(d.Name, func(t *testing.T) {
			v := d.Open(t, s, "")
			harness.RefusalOf(waysIn(d)["Subscribe"](ctx, v, "new")).Check(t, want("rooms.room"))
			if !d.Bidi {
				return
			}
			harness.RefusalOf(waysIn(d)["Chat"](ctx, v, "new")).Check(t, want("join.room"))
			lobby := s.JoinWithToken(ctx, t, d, harness.ViaChat, "", &chatv1.Subscription{Room: "lobby"})
			_, refused := lobby.TrySend(harness.TextRequest("new", "hi"))
			refused.Check(t, want("room")) // of send
		})
	}
}

// waysIn are the ways into a room.
func waysIn(d harness.Protocol) map[string]func(context.Context, harness.Client, string) error {
	first := func(receive harness.Frames, err error) error {
		if err != nil {
			return err
		}
		frame, err := receive()
		if err == nil && frame.GetJoined() == nil {
			return fmt.Errorf("first frame %v, want Joined", frame)
		}
		return err
	}
	entries := map[string]func(context.Context, harness.Client, string) error{
		"Send": func(ctx context.Context, v harness.Client, room string) error {
			_, err := v.Send(ctx, harness.TextRequest(room, "hi, "+d.Name))
			return err
		},
		"Subscribe": func(ctx context.Context, v harness.Client, room string) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return first(v.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: room})))
		},
		"SetRoom": func(ctx context.Context, v harness.Client, room string) error {
			_, err := v.SetRoom(ctx, &chatv1.SetRoomRequest{Room: room})
			return err
		},
	}
	if d.Bidi {
		entries["Chat"] = func(ctx context.Context, v harness.Client, room string) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			stream, err := v.Chat(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = stream.HalfClose() }()
			// Refused, the send may fail with EOF: the reason is received.
			err = stream.Send(harness.JoinAction(&chatv1.Subscription{Room: room}))
			return errors.Join(err, first(stream.Receive, nil))
		}
	}
	return entries
}
