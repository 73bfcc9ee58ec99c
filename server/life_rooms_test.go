package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/service"
)

// listed returns the room as ListRooms has it for one of them, nil if it is not there.
func (n *neighbours) listed(ctx context.Context, t *testing.T, by *actor, seen ...*chatv1.RoomCursor) *chatv1.Room {
	t.Helper()
	for token, more := "", true; more; more = token != "" {
		list, err := by.ListRooms(ctx, &chatv1.ListRoomsRequest{PageSize: 2, PageToken: token, Seen: seen})
		must(t, err)
		for _, r := range list.GetRooms() {
			if r.GetName() == n.room {
				return r
			}
		}
		token = list.GetNextPageToken()
	}
	return nil
}

// How a room presents itself is seen by those who are there, by those who join, and
// in the list, and outlasts the service.
func TestLifeSetRoom(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := serve(t, inDir(data))
	var set []*chatv1.SetRoomRequest
	for i, d := range lifeDoors {
		for _, m := range d.manners() {
			t.Run(fmt.Sprintf("%s, %v", d.name, m), func(t *testing.T) {
				ctx := bounded(t)
				n := s.settle(ctx, t, d, m, fmt.Sprintf("set-%d-%d", i, m))
				request := &chatv1.SetRoomRequest{Room: n.room, DisplayName: " The  Room ✨", Topic: "What there is to say, " + d.name}
				_, err := n.ada.SetRoom(ctx, request)
				must(t, err)
				request.DisplayName = "The Room ✨"
				set = append(set, request)
				n.testSet(ctx, t, d, m, request)
				n.testSetRefused(ctx, t, d)

				later := proto.CloneOf(request)
				later.Topic = ""
				_, err = n.ben.SetRoom(ctx, later)
				must(t, err)
				n.ada.until(t, 0, func(e *chatv1.Event) bool { return e.GetRoomChanged() != nil && e.GetRoomChanged().GetTopic() == "" })
				_, err = n.ben.SetRoom(ctx, request)
				must(t, err)
			})
		}
	}
	s.Stop(t)
	s = serve(t, inDir(data))
	list, err := client(t, s).ListRooms(bounded(t), new(chatv1.ListRoomsRequest))
	must(t, err)
	for _, want := range set {
		if !slices.ContainsFunc(list.GetRooms(), func(r *chatv1.Room) bool {
			return r.GetName() == want.GetRoom() && r.GetDisplayName() == want.GetDisplayName() && r.GetTopic() == want.GetTopic()
		}) {
			t.Errorf("after a restart the rooms are %v, want %v among them", list.GetRooms(), want)
		}
	}
}

func (n *neighbours) testSet(ctx context.Context, t *testing.T, d door, m manner, want *chatv1.SetRoomRequest) {
	t.Helper()
	e := n.ben.until(t, 0, func(e *chatv1.Event) bool { return e.GetRoomChanged() != nil })
	changed := &chatv1.RoomChanged{DisplayName: want.GetDisplayName(), Topic: want.GetTopic()}
	if !proto.Equal(e.GetRoomChanged(), changed) || !proto.Equal(e.GetSender(), n.ada.member) || e.GetSequence() != 0 {
		t.Errorf("told of %v, want %v by ada without a sequence", e, changed)
	}
	state := n.s.move(ctx, t, d, m, "later", &chatv1.Subscription{Room: n.room}).joined.GetRooms()[0]
	if state.GetDisplayName() != want.GetDisplayName() || state.GetTopic() != want.GetTopic() {
		t.Errorf("joined %v, want %v", state, want)
	}
	if r := n.listed(ctx, t, n.ada); r.GetDisplayName() != want.GetDisplayName() || r.GetTopic() != want.GetTopic() || r.GetHead() != 0 || r.GetMembers() != 3 {
		t.Errorf("listed as %v, want %v with 3 members and nothing said", r, want)
	}
}

func (n *neighbours) testSetRefused(ctx context.Context, t *testing.T, d door) {
	t.Helper()
	for name, c := range map[string]struct {
		request *chatv1.SetRoomRequest
		field   string
		bound   string
	}{
		"a bad room":                   {&chatv1.SetRoomRequest{Room: "The Room"}, "room", badinputRoomBound},
		"a room that is the server's":  {&chatv1.SetRoomRequest{Room: "!rooms"}, "room", badinputRoomBound},
		"81 characters":                {&chatv1.SetRoomRequest{Room: n.room, DisplayName: strings.Repeat("界", 81)}, "display_name", "80"},
		"a name that turns text":       {&chatv1.SetRoomRequest{Room: n.room, DisplayName: "a\u202eb"}, "display_name", "up to 80 characters, none of them invisible"},
		"a topic of 301 characters":    {&chatv1.SetRoomRequest{Room: n.room, Topic: strings.Repeat("界", 301)}, "topic", "300"},
		"a topic of two lines":         {&chatv1.SetRoomRequest{Room: n.room, Topic: "a\nb"}, "topic", "one line"},
		"a topic with a zero":          {&chatv1.SetRoomRequest{Room: n.room, Topic: "a\x00b"}, "topic", "one line"},
		"a topic that turns text":      {&chatv1.SetRoomRequest{Room: n.room, Topic: "a\u202eb"}, "topic", "one line"},
		"a name on two lines, visible": {&chatv1.SetRoomRequest{Room: n.room, DisplayName: "a\nb"}, "display_name", "80 characters"},
	} {
		_, err := n.ada.SetRoom(ctx, c.request)
		t.Run(name, func(t *testing.T) { refusalOf(err).check(t, badinputInvalid(c.field, c.bound)) })
	}
	_, err := d.open(t, n.s, "").(resident).SetRoom(ctx, &chatv1.SetRoomRequest{Room: n.room, Topic: "nobody's"})
	refusalOf(err).check(t, badinputWant{code: connect.CodeUnauthenticated, info: "TOKEN_REQUIRED", bound: "sign in"})
}

// A room is listed with where it stands, and with how many messages come after what
// the caller has seen.
func TestLifeUnread(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, d := range lifeDoors {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			ctx := bounded(t)
			n := s.settle(ctx, t, d, bySend, fmt.Sprintf("unread-%d", i))
			first := n.says(t, n.ada, &chatv1.Message{Text: "one"})
			second := n.says(t, n.ada, &chatv1.Message{Text: "two"})
			n.does(t, n.ada, editing(n.room, n.id(), first, "one, edited"))
			n.does(t, n.ben, reacting(n.room, n.id(), first, "👍", false))
			third := n.says(t, n.ada, &chatv1.Message{Text: "three"})
			slip := n.says(t, n.ada, &chatv1.Message{Text: "a slip"})
			n.does(t, n.ada, editing(n.room, n.id(), slip, "still a slip"))
			head := n.does(t, n.ada, deleting(n.room, n.id(), slip))
			epoch := n.ada.joined.GetRooms()[0].GetEpoch()
			at := func(epoch string, sequence uint64) *chatv1.RoomCursor {
				return &chatv1.RoomCursor{Room: n.room, Cursor: &chatv1.Cursor{Epoch: epoch, Sequence: sequence}}
			}
			for name, c := range map[string]struct {
				seen *chatv1.RoomCursor
				want uint32
			}{
				"nothing": {at(epoch, 0), 3}, "one": {at(epoch, first), 2}, "two": {at(epoch, second), 1}, "three": {at(epoch, third), 0},
				"what is deleted": {at(epoch, slip), 0}, "all": {at(epoch, head), 0},
				"another epoch": {at("another", third), 3}, "beyond the end": {at(epoch, head+1000), 3},
			} {
				if r := n.listed(ctx, t, n.ben, c.seen); r.Unread == nil || r.GetUnread() != c.want {
					t.Errorf("ben, who has seen %s, has unread %v, want %d", name, r, c.want)
				}
				if r := n.listed(ctx, t, n.ada, c.seen); r.Unread == nil || r.GetUnread() != 0 {
					t.Errorf("ada, who has seen %s, has unread %v, want 0: all messages are ada's", name, r)
				}
			}
			r := n.listed(ctx, t, n.ada)
			accepted := n.ada.hears(t, head).GetTime().AsTime().Truncate(time.Millisecond)
			if stored := r.GetLastActivity().AsTime(); stored.Before(accepted) || stored.After(time.Now()) {
				t.Errorf("last active at %v, want %v or a little later", stored, accepted)
			}
			want := &chatv1.Room{Name: n.room, Head: head, Members: 2, Messages: 4, LastActivity: r.GetLastActivity()}
			if !proto.Equal(r, want) {
				t.Errorf("listed as %v, want %v without unread", r, want)
			}
			_, err := n.ada.ListRooms(ctx, &chatv1.ListRoomsRequest{Seen: []*chatv1.RoomCursor{at(epoch, 0), at(epoch, 1)}})
			refusalOf(err).check(t, badinputInvalid("seen", "each room once"))
		})
	}
}

// More unread messages than 100 are 100.
func TestLifeUnreadOfMany(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	n := serve(t, inMemory).settle(ctx, t, doors[1], bySend, "unread")
	var at []*chatv1.SendResponse
	for range 120 {
		at = append(at, n.ada.do(t, saying(n.room, n.id())))
	}
	for seen, want := range map[int]uint32{0: 100, 18: 100, 19: 100, 20: 99, 119: 0} {
		cursor := &chatv1.Cursor{Epoch: at[seen].GetEpoch(), Sequence: at[seen].GetSequence()}
		if r := n.listed(ctx, t, n.ben, &chatv1.RoomCursor{Room: n.room, Cursor: cursor}); r.GetUnread() != want {
			t.Errorf("who has seen %d of 120 has unread %v, want %d", seen+1, r, want)
		}
	}
}

// Who may not make a room is told so, wherever a room would be made, and is let in
// where there is one.
func TestLifeRoomCreation(t *testing.T) {
	t.Parallel()
	for _, who := range []struct {
		creation           chat.Creation
		members, anonymous bool
	}{{chat.CreationAnyone, true, true}, {chat.CreationMembers, true, false}, {chat.CreationNobody, false, false}} {
		t.Run(fmt.Sprintf("creation=%d", who.creation), func(t *testing.T) {
			t.Parallel()
			ctx, data := bounded(t), t.TempDir()
			s := serve(t, inDir(data))
			ada, _ := s.enter(t, "ada")
			_, err := doors[0].open(t, s, "").Send(ctx, saying("old", "hi"))
			must(t, err)
			for _, room := range []string{"set", "set-too"} {
				_, err = doors[0].open(t, s, ada).(resident).SetRoom(ctx, &chatv1.SetRoomRequest{Room: room, Topic: "nothing yet"})
				must(t, err)
			}
			s.Stop(t)

			s = serve(t, inDir(data), func(c *service.Config) { c.RoomCreation = who.creation; c.Rooms = []string{"lobby", "lasting"} })
			if _, err := doors[0].open(t, s, "").Send(ctx, saying("set-too", "hi")); err != nil {
				t.Errorf("the first send after a restart, in a room that was set: %v", err)
			}
			for i, d := range lifeDoors {
				for token, may := range map[string]bool{ada: who.members, "": who.anonymous} {
					v := d.open(t, s, token).(resident)
					for _, room := range []string{"old", "set", "lobby", "lasting"} {
						for how, enter := range d.entries() {
							if err := enter(ctx, v, room); err != nil && (token != "" || how != "SetRoom") {
								t.Errorf("%s: %s of %q, which there is: %v", d.name, how, room, err)
							}
						}
					}
					for how, enter := range d.entries() {
						if token == "" && how == "SetRoom" {
							continue // refused for another reason
						}
						err := enter(ctx, v, fmt.Sprintf("new-%s-%d-%t", strings.ToLower(how), i, token == ""))
						switch {
						case may && err != nil:
							t.Errorf("%s: %s of a new room: %v", d.name, how, err)
						case !may:
							refusalOf(err).check(t, badinputWant{code: connect.CodePermissionDenied, field: roomField(how), bound: "must be one that exists"})
						}
					}
				}
			}
			if who.creation == chat.CreationNobody {
				list, err := client(t, s).ListRooms(ctx, new(chatv1.ListRoomsRequest))
				must(t, err)
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
func TestLifeRoomCreationField(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	s := serve(t, func(c *service.Config) { c.RoomCreation = chat.CreationNobody })
	want := func(field string) badinputWant {
		return badinputWant{code: connect.CodePermissionDenied, field: field, bound: "must be one that exists"}
	}
	for _, d := range lifeDoors {
		t.Run(d.name, func(t *testing.T) {
			v := d.open(t, s, "").(resident)
			refusalOf(d.entries()["Subscribe"](ctx, v, "new")).check(t, want("rooms.room"))
			if !d.bidi {
				return
			}
			refusalOf(d.entries()["Chat"](ctx, v, "new")).check(t, want("join.room"))
			lobby := s.moveAs(ctx, t, d, byChat, "", &chatv1.Subscription{Room: "lobby"})
			_, refused := lobby.try(saying("new", "hi"))
			refused.check(t, want("room")) // of send
		})
	}
}

// entries are the ways into a room.
func (d door) entries() map[string]func(context.Context, resident, string) error {
	first := func(receive frames, err error) error {
		if err != nil {
			return err
		}
		frame, err := receive()
		if err == nil && frame.GetJoined() == nil {
			return fmt.Errorf("first frame %v, want Joined", frame)
		}
		return err
	}
	entries := map[string]func(context.Context, resident, string) error{
		"Send": func(ctx context.Context, v resident, room string) error {
			_, err := v.Send(ctx, saying(room, "hi, "+d.name))
			return err
		},
		"Subscribe": func(ctx context.Context, v resident, room string) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return first(v.subscribe(ctx, only(&chatv1.Subscription{Room: room})))
		},
		"SetRoom": func(ctx context.Context, v resident, room string) error {
			_, err := v.SetRoom(ctx, &chatv1.SetRoomRequest{Room: room})
			return err
		},
	}
	if d.bidi {
		entries["Chat"] = func(ctx context.Context, v resident, room string) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			stream, err := v.chat(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = stream.halfClose() }()
			// Refused, the send may fail with EOF: the reason is received.
			err = stream.send(joinRequest(&chatv1.Subscription{Room: room}))
			return errors.Join(err, first(stream.receive, nil))
		}
	}
	return entries
}
