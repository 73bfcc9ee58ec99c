package rooms

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// How rooms present themselves is no event of theirs: what is retained of those
// does not bound it.
func TestRoomProfilesOutlastRetention(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	data := t.TempDir()
	configure := func(c *service.Config) { c.Data = data; c.RetainRoomEvents = 5 }
	s := harness.Start(t, configure)
	token, _ := s.SignIn(t, "ada")
	v := harness.ConnectHTTP2.Open(t, s, token)
	for i := range 10 {
		_, err := v.SetRoom(ctx, &chatv1.SetRoomRequest{Room: fmt.Sprint("room-", i), Topic: "a topic"})
		harness.Must(t, err)
	}
	s.Stop(t)
	s = harness.Start(t, configure)
	list, err := harness.RPCClient(t, s).ListRooms(ctx, new(chatv1.ListRoomsRequest))
	harness.Must(t, err)
	if n := len(list.GetRooms()); n != 11 {
		t.Errorf("after a restart there are %d rooms, want the lobby and 10 with a topic: %v", n, list)
	}
}

// listedRoom returns the room as ListRooms has it for one of them, nil if it is not there.
func listedRoom(ctx context.Context, t *testing.T, n *harness.Pair, by *harness.Participant, seen ...*chatv1.RoomCursor) *chatv1.Room {
	t.Helper()
	for token, more := "", true; more; more = token != "" {
		list, err := by.ListRooms(ctx, &chatv1.ListRoomsRequest{PageSize: 2, PageToken: token, Seen: seen})
		harness.Must(t, err)
		for _, r := range list.GetRooms() {
			if r.GetName() == n.Room {
				return r
			}
		}
		token = list.GetNextPageToken()
	}
	return nil
}

// A room's profile is delivered to members, to those who join, and in the list, and
// survives a restart.
func TestSetRoom(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := harness.Start(t, harness.InDir(data), harness.WithPolicy(t, harness.GuestsManage))
	var set []*chatv1.SetRoomRequest
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				ctx := harness.Context(t)
				n := s.JoinPair(ctx, t, d, m, fmt.Sprintf("set-%d-%d", i, m))
				request := &chatv1.SetRoomRequest{Room: n.Room, DisplayName: " The  Room ✨", Topic: "What there is to say, " + d.Name}
				_, err := n.Ada.SetRoom(ctx, request)
				harness.Must(t, err)
				request.DisplayName = "The Room ✨"
				set = append(set, request)
				checkSet(ctx, t, n, d, m, request)
				checkSetRefused(ctx, t, n, d)

				later := proto.CloneOf(request)
				later.Topic = ""
				_, err = n.Ben.SetRoom(ctx, later)
				harness.Must(t, err)
				n.Ada.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetRoomChanged() != nil && e.GetRoomChanged().GetTopic() == "" })
				_, err = n.Ben.SetRoom(ctx, request)
				harness.Must(t, err)
			})
		}
	}
	s.Stop(t)
	s = harness.Start(t, harness.InDir(data))
	list, err := harness.RPCClient(t, s).ListRooms(harness.Context(t), new(chatv1.ListRoomsRequest))
	harness.Must(t, err)
	for _, want := range set {
		if !slices.ContainsFunc(list.GetRooms(), func(r *chatv1.Room) bool {
			return r.GetName() == want.GetRoom() && r.GetDisplayName() == want.GetDisplayName() && r.GetTopic() == want.GetTopic()
		}) {
			t.Errorf("after a restart the rooms are %v, want %v among them", list.GetRooms(), want)
		}
	}
}

func checkSet(ctx context.Context, t *testing.T, n *harness.Pair, d harness.Protocol, m harness.Mode, want *chatv1.SetRoomRequest) {
	t.Helper()
	e := n.Ben.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetRoomChanged() != nil })
	changed := &chatv1.RoomChanged{DisplayName: want.GetDisplayName(), Topic: want.GetTopic()}
	if !proto.Equal(e.GetRoomChanged(), changed) || !proto.Equal(e.GetSender(), n.Ada.Member) || e.GetSequence() != 0 {
		t.Errorf("received %v, want %v by ada without a sequence", e, changed)
	}
	state := n.Service.Join(ctx, t, d, m, "later", &chatv1.Subscription{Room: n.Room}).Joined.GetRooms()[0]
	if state.GetDisplayName() != want.GetDisplayName() || state.GetTopic() != want.GetTopic() {
		t.Errorf("joined %v, want %v", state, want)
	}
	if r := listedRoom(ctx, t, n, n.Ada); r.GetDisplayName() != want.GetDisplayName() || r.GetTopic() != want.GetTopic() || r.GetHead() != 0 || r.GetMembers() != 3 {
		t.Errorf("listed as %v, want %v with 3 members and no message", r, want)
	}
}

func checkSetRefused(ctx context.Context, t *testing.T, n *harness.Pair, d harness.Protocol) {
	t.Helper()
	for name, c := range map[string]struct {
		request *chatv1.SetRoomRequest
		field   string
		bound   string
	}{
		"a bad room":                   {&chatv1.SetRoomRequest{Room: "The Room"}, "room", harness.RoomNameRule},
		"a room that is the server's":  {&chatv1.SetRoomRequest{Room: "!rooms"}, "room", harness.RoomNameRule},
		"81 characters":                {&chatv1.SetRoomRequest{Room: n.Room, DisplayName: strings.Repeat("界", 81)}, "display_name", "80"},
		"a name that turns text":       {&chatv1.SetRoomRequest{Room: n.Room, DisplayName: "a\u202eb"}, "display_name", "80 characters, none of them invisible"},
		"a topic of 301 characters":    {&chatv1.SetRoomRequest{Room: n.Room, Topic: strings.Repeat("界", 301)}, "topic", "300"},
		"a topic of two lines":         {&chatv1.SetRoomRequest{Room: n.Room, Topic: "a\nb"}, "topic", "one line"},
		"a topic with a zero":          {&chatv1.SetRoomRequest{Room: n.Room, Topic: "a\x00b"}, "topic", "one line"},
		"a topic that turns text":      {&chatv1.SetRoomRequest{Room: n.Room, Topic: "a\u202eb"}, "topic", "one line"},
		"a name on two lines, visible": {&chatv1.SetRoomRequest{Room: n.Room, DisplayName: "a\nb"}, "display_name", "80 characters"},
	} {
		_, err := n.Ada.SetRoom(ctx, c.request)
		t.Run(name, func(t *testing.T) { harness.RefusalOf(err).Check(t, harness.InvalidArgument(c.field, c.bound)) })
	}
	_, err := d.Open(t, n.Service, "").SetRoom(ctx, &chatv1.SetRoomRequest{Room: n.Room, Topic: "nobody's"})
	harness.RefusalOf(err).Check(t, harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_REQUIRED", Bound: "sign in"})
}
